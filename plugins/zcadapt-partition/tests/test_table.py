"""The table of what was lately handled: it forgets, it is bounded, and it is shared."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zcadapt_partition import Table
from zcadapt_partition.table import HEAD, MAGIC

from zcadapt import SettingsError

HOUR = 3600


def test_what_was_never_handled_counts_nothing(new_table):
    assert new_table().score(b"a") == 0


def test_each_request_counts_one(new_table):
    table = new_table()
    for number in range(1, 20):
        table.note(b"a")
        assert table.score(b"a") == pytest.approx(number, rel=0.01)
    assert table.score(b"b") == 0


def test_with_every_half_life_it_counts_half(new_table, clock):
    table = new_table(half_life=HOUR)
    for _ in range(8):
        table.note(b"a")
    for expected in 8, 4, 2, 1, 0.5:
        assert table.score(b"a") == pytest.approx(expected, rel=0.01)
        clock.now += HOUR
    table.note(b"a")
    assert table.score(b"a") == pytest.approx(1.25, rel=0.01)


def test_what_is_long_ago_is_forgotten(new_table, clock):
    table = new_table(half_life=60)
    table.note(b"a")
    clock.now += 30 * 24 * HOUR
    assert table.score(b"a") == 0
    table.note(b"a")
    assert table.score(b"a") == pytest.approx(1)


def test_what_is_very_busy_is_forgotten_too(new_table, clock):
    week = 7 * 24 * HOUR
    table = new_table(half_life=week)
    for _ in range(70_000):
        table.note(b"a")
    assert table.score(b"a") == pytest.approx(2**16)
    clock.now += 18 * week
    assert table.score(b"a") < 0.5


def test_a_clock_that_is_set_back_makes_nothing_busy(new_table, clock):
    table = new_table(half_life=60)
    table.note(b"a")
    clock.now -= 24 * HOUR
    assert table.score(b"a") == 0
    table.note(b"a")
    assert table.score(b"a") == pytest.approx(1)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.floats(0, 200)), min_size=1, max_size=30
    )
)
def test_it_counts_as_a_sum_of_what_is_left_of_each_would(steps):
    now = 1_700_000_000.0
    with_clock = Table.in_memory({"half_life": 60}, clock=lambda: now)
    try:
        sums = dict.fromkeys((b"a", b"b", b"c"), 0.0)
        for key, passed in steps:
            now += passed
            sums = {each: value / 2 ** (passed / 60) for each, value in sums.items()}
            sums[key] += 1
            with_clock.note(key)
        for key, value in sums.items():
            # A unit of time may be lost with each note.
            assert with_clock.score(key) == pytest.approx(value, rel=0.03, abs=0.001)
    finally:
        with_clock.close()


def test_it_never_grows_and_what_is_forgotten_most_makes_room(tmp_path, clock):
    table = Table.create(str(tmp_path / "table"), {"slots": 64}, clock=clock)
    size = (tmp_path / "table").stat().st_size
    assert size == HEAD + 64 * 8
    keys = [f"{number}".encode() for number in range(1000)]
    for key in keys:
        clock.now += 1
        table.note(key)
    known = [key for key in keys if table.score(key)]
    assert (tmp_path / "table").stat().st_size == size
    assert 32 < len(known) <= 64
    assert len(set(known) & set(keys[-32:])) > 24
    table.close()


def test_of_the_keys_in_a_bucket_the_one_forgotten_most_goes(new_table, clock):
    table = new_table(slots=8)  # all in one bucket
    for number in range(8):
        table.note(b"%d" % number)
        clock.now += 1
    table.note(b"0")
    table.note(b"new")
    assert [bool(table.score(b"%d" % number)) for number in range(8)] == [True, False] + [True] * 6
    assert table.score(b"new") == pytest.approx(1, rel=0.01)


@pytest.mark.usefixtures("impatient_threads")
def test_what_threads_note_at_once_all_counts(new_table):
    table = new_table(half_life=7 * 24 * HOUR)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(table.note, [b"a"] * 4000))
    assert table.score(b"a") == pytest.approx(4000, rel=0.01)


@pytest.mark.usefixtures("impatient_threads")
@pytest.mark.timeout(120)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # what it warns of is the test
def test_a_child_can_note_whoever_noted_when_it_was_forked(new_table):
    table = new_table()
    ended = threading.Event()

    def go_on():
        while not ended.is_set():
            table.note(b"a")

    with ThreadPoolExecutor(4) as threads:
        for _ in range(4):
            threads.submit(go_on)
        try:
            for number in range(30):
                key = b"%d" % number
                if (child := os.fork()) == 0:
                    try:
                        table.note(key)
                    finally:
                        os._exit(0)
                os.waitpid(child, 0)
                assert table.score(key) > 0.9
        finally:
            ended.set()


@pytest.fixture
def taken_by_another(tmp_path):
    """How another file gets the descriptor of a table when that is closed."""
    other = os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT)
    taken = []

    def taken_by_another(table):
        number = table._fd  # noqa: SLF001
        table.close()
        taken.append(os.dup2(other, number))

    yield taken_by_another
    for number in [*taken, other]:
        os.close(number)
    assert (tmp_path / "other").read_bytes() == b""


def test_at_the_end_of_a_process_its_table_is_open_for_threads_that_still_write(tmp_path):
    path = str(tmp_path / "table")
    code = (
        "import atexit, sys; from zcadapt_partition import Table;"
        "atexit.register(lambda: table.note(b'a'));"  # what is registered first comes last
        "table = Table.create(sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", code, path], check=True)
    assert Table.open(path).score(b"a") > 0.9


def test_a_closed_table_is_no_other_file(new_table, taken_by_another):
    table = new_table()
    taken_by_another(table)
    table.close()
    for use in lambda: table.note(b"a"), lambda: table.score(b"a"), table.clear:
        with pytest.raises(OSError, match="Bad file descriptor"):
            use()


def test_a_table_that_is_closed_while_a_thread_writes_is_no_other_file(
    taken_by_another, monkeypatch
):
    table = Table.in_memory()
    closing = threading.Thread(target=taken_by_another, args=[table])
    write = os.pwrite

    def write_late(*args):
        closing.start()
        closing.join(0.1)  # it has all the time to come in between
        return write(*args)

    monkeypatch.setattr(os, "pwrite", write_late)
    table.note(b"a")
    closing.join()


def test_who_begins_with_nothing_clears_it(tmp_path):
    path = str(tmp_path / "table")
    table = Table.create(path, {"slots": 1 << 18})
    table.note(b"a")
    table.clear()
    assert table.score(b"a") == 0
    assert Table.open(path).score(b"a") == 0
    table.close()


def test_what_one_process_notes_another_reads(tmp_path):
    path = str(tmp_path / "table")
    code = (
        "import sys; from zcadapt_partition import Table;"
        "table = Table.create(sys.argv[1], {'key': {'depth': 1}}); table.note(b'a')"
    )
    subprocess.run([sys.executable, "-c", code, path], check=True)
    reader = Table.open(path)
    assert reader.score(b"a") > 0.9
    assert reader.key.settings.depth == 1
    subprocess.run([sys.executable, "-c", code, path], check=True)
    assert reader.score(b"a") > 1.9


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # threads of other tests
def test_a_child_shares_the_table_in_memory(new_table):
    table = new_table()
    if (child := os.fork()) == 0:
        table.note(b"a")
        os._exit(0)
    os.waitpid(child, 0)
    assert table.score(b"a") == pytest.approx(1)


def test_processes_that_start_together_have_one_table(tmp_path):
    path = str(tmp_path / "table")
    Table.create(path, {"half_life": 10}).close()  # of the last version of the application
    code = (
        "import sys; from zcadapt_partition import Table;"
        "table = Table.create(sys.argv[1], {'half_life': 20});"
        "print(flush=True); sys.stdin.read(); table.note(sys.argv[2].encode())"
    )
    command = [sys.executable, "-c", code, path]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    children = [subprocess.Popen([*command, name], **pipes) for name in "abcdef"]
    for child in children:
        child.stdout.readline()  # all have made or opened it
    for child in children:
        child.communicate()
    reader = Table.open(path)
    assert [reader.score(name.encode()) > 0.5 for name in "abcdef"] == [True] * 6
    assert [each.name for each in tmp_path.iterdir()] == ["table"]


def test_those_that_put_another_in_its_place_at_once_have_one_table(tmp_path):
    path = str(tmp_path / "table")
    together = threading.Barrier(6)

    def make(half_life):
        together.wait()
        return Table.create(path, {"half_life": half_life})

    with ThreadPoolExecutor(6) as threads:
        for half_life in range(10, 30):
            made = list(threads.map(make, [half_life] * 6))
            assert len({table.identity for table in made}) == 1


def test_other_options_make_a_new_table(tmp_path):
    path = str(tmp_path / "table")
    made = [Table.create(path, options) for options in ({}, {"slots": 80}, {"key": {"depth": 1}})]
    assert len({table.identity for table in made}) == 3
    again = Table.create(path, {"key": {"depth": 1}})
    assert again.identity == made[-1].identity
    assert (tmp_path / "table").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no table"),
        (b"x" * 9000, "no table"),
        (MAGIC, "."),
        (MAGIC + b"[]", "no table"),
        (MAGIC + b"[" * (HEAD - len(MAGIC)), "."),  # too deep for some versions of Python
        (MAGIC + b"{}", "cut short"),
        (MAGIC + b'{"slots": 1e99}', "slots: must be a whole number"),
        (MAGIC + b'{"key": {"pattern": "("}}', "pattern"),
        (MAGIC + b'{"slots": 8}'.ljust(HEAD - len(MAGIC), b"\0") + bytes(63), "cut short"),
    ],
)
def test_what_is_no_table_is_not_taken_for_one(tmp_path, content, told):
    path = tmp_path / "table"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=told):
        Table.open(str(path))
    Table.create(str(path)).close()  # the application puts a good one in its place
    Table.open(str(path)).close()


def test_a_pipe_keeps_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "table")
    with pytest.raises((OSError, ValueError)):
        Table.open(str(tmp_path / "table"))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_file_does_harm(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("hostile") / "table"
    path.write_bytes(MAGIC + content)
    with pytest.raises(ValueError, match=r"."):
        Table.open(str(path))


def test_a_file_that_somebody_cuts_is_empty_and_no_more(tmp_path):
    path = tmp_path / "table"
    table = Table.create(str(path))
    table.note(b"a")
    os.truncate(path, 10)
    assert table.score(b"a") == 0
    table.note(b"a")
    assert table.score(b"a") > 0.9


def test_to_open_it_is_to_read_only(tmp_path):
    path = str(tmp_path / "table")
    Table.create(path)
    with pytest.raises(OSError, match="Bad file descriptor"):
        Table.open(path).note(b"a")


def test_options_are_checked():
    with pytest.raises(SettingsError, match=r'half_live: .* Did you mean "half_life"'):
        Table.in_memory({"half_live": 1})
    with pytest.raises(SettingsError, match="all URLs would have the same key"):
        Table.in_memory({"key": {"host": False, "depth": 0}})


def test_scores_fall_with_time_only(new_table, clock):
    table = new_table(half_life=10)
    table.note(b"a")
    scores = []
    for _ in range(100):
        scores.append(table.score(b"a"))
        clock.now += 3
    assert all(earlier >= later for earlier, later in pairwise(scores))
    assert scores[-1] < 1e-6
