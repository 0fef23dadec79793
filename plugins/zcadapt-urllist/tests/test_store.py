"""What is on a list is found, in memory and in a file."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zcadapt_urllist.canonical import MOST_HOSTS, shown
from zcadapt_urllist.formats import TOO_MANY, told
from zcadapt_urllist.reading import Report, SourceError
from zcadapt_urllist.store import (
    DIGEST,
    MARK,
    SEARCHED,
    TAIL,
    VERSION,
    Store,
    is_compiled,
    write,
)
from zcadapt_urllist.subjects import MOST_SUBJECTS, subject_of_url, subjects_of_url


def find(store, url):
    found = store.find(subject_of_url(url))
    return None if found is None else told(found)


@pytest.fixture
def filed(written, read, tmp_path):
    """How to make a store in a file."""

    def store(*lines, wanted="auto"):
        keys, report = read(written(*lines), wanted=wanted)
        write(keys, report, tmp_path / "list.urls")
        return Store.open(tmp_path / "list.urls")

    return store


@pytest.fixture(params=["stored", "filed"])
def store_of(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("http://a.example/", "a.example"),
        ("http://x.y.a.example/z", "a.example"),
        ("http://www.b.example/xyz", "www.b.example/x"),
        ("http://b.example/", None),
        ("http://xa.example/", None),
        ("http://example/", None),
        ("http://c.example/d", None),
        ("http://c.example/d/e", "c.example/d/"),
        ("http://www.c.example/d/e?f", "www.c.example/d/"),
        ("http://x.c.example/d/e", None),
        ("http://192.0.2.1:80/x", "192.0.2.1"),
        ("http://192.0.2.1.example/", None),
    ],
)
def test_domains_hosts_urls_and_addresses_are_found(store_of, url, entry):
    store = store_of("a.example", "http://www.b.example/x", "c.example/d/", "192.0.2.1")
    assert find(store, url) == entry


def test_a_host_alone_is_not_what_is_below_it(store_of):
    store = store_of("a.example", ".b.example", wanted="dstdomain")
    assert find(store, "http://a.example/x") == "a.example"
    assert find(store, "http://www.a.example/x") is None
    assert find(store, "http://www.b.example/x") == "b.example"


@pytest.mark.parametrize("number", [2, 1000])
def test_expressions_are_found_in_the_whole_url(store_of, number):
    lines = [f"word{each}x" for each in range(number)] + ["^http://[^/]*casino", r"/ads\.js$"]
    store = store_of(*lines, wanted="expressions")
    assert find(store, "http://my.CASINO.example/") == "an expression"
    assert find(store, "http://a.example/x/%61ds.js") == "an expression"
    assert find(store, "http://a.example/word1x") == "an expression"
    assert find(store, "http://a.example/ads.jsp") is None


def test_an_expression_that_would_take_others_for_ever_does_not(store_of):
    store = store_of("(x+x+)+y", wanted="expressions")
    assert find(store, "http://a.example/" + "x" * 60_000) is None


@pytest.mark.parametrize(
    ("letters", "lines"),
    [
        ("xyab", ["x.{900}[^a-y]"]),
        ("xyab", [f"[xa].{{{400 + each}}}[yb].{{300}}Q{each}" for each in range(10)]),
        ("abc", [f"[a-z]+{each}[a-z]+q" for each in range(1000)]),
    ],
)
def test_expressions_do_not_take_long_whatever_they_are_given(stored, letters, lines):
    store = stored(*lines, wanted="expressions")
    url = "http://a.example/" + "".join(random.Random(1).choices(letters, k=60_000))
    before = time.thread_time()
    assert find(store, url) is None
    assert time.thread_time() - before < 0.2  # about 0.04 where nothing else runs


@pytest.mark.parametrize(
    ("path", "is_found"),
    [
        ("word" + "x" * 60_000, True),
        ("x" * 60_000 + "word", True),
        ("x" * 60_000 + "/end", True),
        ("begin/" + "x" * 60_000, True),
        ("one" + "x" * 60_000 + "two", False),
        ("x" * 30_000 + "word" + "x" * 30_000, False),
        (
            "x" * (SEARCHED // 2 - 19) + "wo" + "x" * 60_000 + "rd" + "x" * (SEARCHED // 2 - 2),
            False,
        ),
        ("x" * (SEARCHED - 21) + "word", True),
        ("x" * (SEARCHED // 2 - 21) + "/end" + "x" * 60_000, False),
        ("x" * 60_000 + "begin/" + "x" * (SEARCHED // 2 - 6), False),
    ],
)
def test_of_a_long_url_expressions_see_both_ends(store_of, path, is_found):
    lines = ["word", "/end$", "^(http://a.example/)?begin/", "one.*two"]
    store = store_of(*lines, wanted="expressions")
    assert (find(store, f"http://a.example/{path}") is not None) is is_found


def test_the_more_expressions_there_are_the_less_of_a_long_url_they_see(stored):
    url = "http://a.example/" + "x" * 1500 + "word" + "x" * 60_000
    assert find(stored("word", wanted="expressions"), url) == "an expression"
    many = stored("word", *[f"y{each}.{{900}}z" for each in range(10)], wanted="expressions")
    assert find(many, url) is None
    assert find(many, "http://a.example/word") == "an expression"


def test_many_hosts_do_not_make_expressions_take_longer(stored):
    store = stored("word", wanted="expressions")
    subject = subject_of_url("http://a.example/" + "x" * 1500 + "word" + "x" * 60_000)
    subject.sharing = MOST_SUBJECTS
    assert store.find(subject) is None
    near = subject_of_url("http://a.example/word")
    near.sharing = MOST_SUBJECTS
    assert store.find(near) is not None
    near.sharing = 0
    assert store.find(near) is None


def test_for_all_is_for_the_path_as_it_was_written(store_of):
    store = store_of("a.example/Pub/", "b.example")
    entry = store.find_for_all([subject_of_url("http://a.example/Pub/x")])
    assert told(entry) == "a.example/Pub/"
    assert store.find_for_all([subject_of_url("http://a.example/pub/x")]) is None
    assert store.find_for_all([subject_of_url("http://b.example/../x")]) is not None
    some = [subject_of_url(f"http://{each}.b.example/") for each in range(MOST_SUBJECTS + 1)]
    assert store.find_for_all(some) is None
    assert told(store.find_for_all(some[1:])) == "b.example"


def test_who_names_too_many_hosts_is_on_any_list_and_allowed_by_none(store_of):
    """Or one that is meant would be hidden among many that are not."""
    words = "\\".join(f"{number}.example%EF%BC%8F{number}.test" for number in range(MOST_HOSTS))
    crowd = subjects_of_url(f"http://{words}/")
    for lines in (["a.example/x"], ["||a.example^", "@@||b.example^"]):
        store = store_of(*lines)
        assert [store.find(each) for each in crowd] == [TOO_MANY]
        assert store.find_for_all(crowd) is None
    assert told(TOO_MANY) == "Who names so many hosts"


def test_a_list_takes_little_whatever_a_request_names_and_however_long_it_is(store_of):
    """Hosts and paths were read for the list before it: times would say less than calls."""
    store = store_of(*[f"h{number}.example/pub/{number}" for number in range(100)])
    words = "\\".join(f"h{number}.example" for number in range(MOST_HOSTS))
    subjects = subjects_of_url(f"http:/{words}\t/{'%25' * 19_000}")
    assert len(subjects) > 2 * MOST_HOSTS
    assert [store.find(each) for each in subjects] == [None] * len(subjects)
    calls = []
    sys.setprofile(lambda _, event, __: calls.append(event))
    try:
        for each in subjects:
            store.find(each)
    finally:
        sys.setprofile(None)
    assert len(calls) < 20 * len(subjects)


def test_what_is_excepted_is_not_found(store_of):
    store = store_of("||example.com^", "@@||good.example.com^")
    assert find(store, "http://example.com/") == "example.com"
    assert find(store, "http://bad.example.com/") == "example.com"
    assert find(store, "http://www.good.example.com/") is None


def test_an_empty_list_has_nothing(tmp_path):
    report = Report()
    assert find(Store.of([], report), "http://a.example/") is None
    with pytest.raises(SourceError, match="nothing in the sources"):
        write([], report, tmp_path / "empty.urls")
    write([], report, tmp_path / "empty.urls", allow_empty=True)
    assert find(Store.open(tmp_path / "empty.urls"), "http://a.example/") is None


LABEL = st.text("abc", min_size=1, max_size=2)
NAME = st.lists(LABEL, min_size=2, max_size=4).map(".".join)


@given(st.sets(NAME, max_size=20), st.lists(NAME, max_size=20))
@settings(max_examples=50)
def test_a_host_is_found_if_and_only_if_it_or_one_above_is_listed(listed, asked):
    keys = [b".".join(name.encode().split(b".")[::-1]) + b"." for name in listed]
    store = Store.of(keys, Report(hosts=len(keys)))
    for name in [*asked, *listed]:
        labels = name.split(".")
        above = {".".join(labels[at:]) for at in range(len(labels))}
        found = store.find(subject_of_url(f"http://{name}/"))
        assert (found is not None) == bool(above & listed)
        assert found is None or shown(found) in above & listed


@pytest.mark.parametrize("content", [b"", b"a.example\n", b"x" * 1000])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "list.urls"
    path.write_bytes(content)
    assert not is_compiled(path)
    with pytest.raises(SourceError, match="zcadapt urllist build"):
        Store.open(path)


@pytest.mark.parametrize("cut", [1, 30, 100, 200])
def test_a_file_that_is_cut_off_is_refused(filed, tmp_path, cut):
    filed(*[f"a{number}.example" for number in range(100)])
    path = tmp_path / "list.urls"
    whole = path.read_bytes()
    for part in (whole[:-cut], whole[cut:]):
        path.write_bytes(part)
        with pytest.raises(SourceError, match=r"list\.urls: the list cannot be used: "):
            Store.open(path)


@given(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=8))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_that_is_damaged_anywhere_is_refused(filed, tmp_path, where, damage):
    filed(*[f"a{number}.example" for number in range(100)])
    path = tmp_path / "list.urls"
    whole = path.read_bytes()
    at = int(where * len(whole))
    spoiled = (whole[:at] + damage + whole[at + len(damage) :])[: len(whole)]
    path.write_bytes(spoiled)
    if spoiled != whole:
        with pytest.raises(SourceError, match="the list cannot be used"):
            Store.open(path)


def test_a_file_of_another_version_is_refused(filed, tmp_path):
    filed("a.example")
    path = tmp_path / "list.urls"
    path.write_bytes(path.read_bytes()[:-1] + b"\x63")
    with pytest.raises(SourceError, match="another version of zcadapt-urllist has built it"):
        Store.open(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"hosts": 1,', b'"horse": 1,'),
        (b'"hosts": 1,', b'"hosts":"",'),
        (b'"expressions": []', b'"expressions":[1]'),
        (b'"expressions": []', b'"expressions":  1'),
    ],
)
def test_a_file_that_is_made_with_intent_is_refused(filed, tmp_path, old, new):
    filed("a.example")
    path = tmp_path / "list.urls"
    body = path.read_bytes()[: -TAIL.size].replace(old, new)
    tail = TAIL.pack(bytes(DIGEST), crc32(bytes(DIGEST), crc32(body)), MARK, VERSION)
    path.write_bytes(body + tail)
    with pytest.raises(SourceError, match=r"list\.urls: the list cannot be used"):
        Store.open(path)


def test_a_store_has_the_digest_of_its_content_however_it_came_to_be(stored, filed):
    lines = ["a.example", "b.example/c", "||d.example^", "no host"]
    assert stored(*lines).digest == filed(*lines).digest
    assert stored(*lines).digest != stored(*lines, "e.example").digest
    one, two = (stored(each, wanted="expressions") for each in ("x+", "y+"))
    assert one.digest != two.digest


def test_a_file_is_on_the_disk_before_it_has_its_name(filed, monkeypatch):
    """After a power failure the old is there, or the new: never an empty one."""
    done = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, n=name, r=real: (done.append(n), r(*args)))
    filed("a.example")
    assert done == ["fsync", "replace"]


def test_a_file_is_replaced_in_one_step_and_who_has_it_open_keeps_the_old(tmp_path, filed):
    old = filed("a.example")
    path = tmp_path / "list.urls"
    path.chmod(0o640)
    new = filed("b.example")
    assert [find(old, f"http://{name}.example/") for name in "ab"] == ["a.example", None]
    assert [find(new, f"http://{name}.example/") for name in "ab"] == [None, "b.example"]
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(each.name for each in tmp_path.iterdir()) == ["list.txt", "list.urls"]


def test_what_fails_leaves_the_file_as_it_was_and_nothing_beside_it(filed, tmp_path):
    filed("a.example")

    def keys():
        yield b"example.b."
        raise SourceError("gone")

    with pytest.raises(SourceError, match="gone"):
        write(keys(), Report(), tmp_path / "list.urls")
    assert find(Store.open(tmp_path / "list.urls"), "http://a.example/") == "a.example"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["list.txt", "list.urls"]


def test_who_may_read_a_new_file_follows_from_the_umask(filed, tmp_path):
    before = os.umask(0o022)
    try:
        filed("a.example")
    finally:
        os.umask(before)
    assert (tmp_path / "list.urls").stat().st_mode & 0o777 == 0o644


def test_all_processes_map_the_same(filed, tmp_path):
    store = filed(*[f"a{number}.example" for number in range(1000)])
    code = (
        "import sys; from pathlib import Path; from zcadapt_urllist.store import Store\n"
        "store = Store.open(Path(sys.argv[1]))\n"
        "print(Path('/proc/self/maps').read_text())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "list.urls")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert _copies(done.stdout)
    assert _copies(done.stdout) <= _copies(Path("/proc/self/maps").read_text())
    assert find(store, "http://a7.example/") == "a7.example"


def test_a_file_that_is_written_over_ends_nobody_and_changes_no_answer(filed, tmp_path):
    filed(*[f"a{number}.example" for number in range(10_000)])
    code = (
        "import os, sys; from pathlib import Path; from zcadapt_urllist.store import Store\n"
        "from zcadapt_urllist.subjects import subject_of_url\n"
        "store = Store.open(Path(sys.argv[1]))\n"
        "os.truncate(sys.argv[1], 0)\n"
        "names = [f'http://a{number}.example/' for number in range(10_000)]\n"
        "print(sum(store.find(subject_of_url(name)) is not None for name in names))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "list.urls")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "10000\n"


def _copies(maps):
    """Return the inodes of the copies among what a process has mapped."""
    return {line.split()[4] for line in maps.splitlines() if "/zcadapt-urllist-" in line}
