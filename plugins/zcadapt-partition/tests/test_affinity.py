"""The policy ``affinity``: who has lately handled something wants what is like it."""

import gc
import logging
import threading

import pytest
from programs import until
from zcadapt_partition import Affinity, Table

from zcadapt import SettingsError
from zcadapt.testing import check_policy

URL = "http://example.com/articles/17/text"
LIKE_IT = "http://example.com/articles/17/notes?page=2"
UNLIKE = "http://example.com/articles/18/text"


def test_it_keeps_the_promises_of_a_policy(new_table):
    check_policy(Affinity({}))
    check_policy(Affinity({}, new_table()))


def test_what_is_like_that_it_has_handled_is_wanted_and_all_else_is_left_open(new_table):
    table = new_table()
    policy = Affinity({}, table)
    assert policy(LIKE_IT) is None
    table.note(table.key.of_url(URL))
    assert policy(LIKE_IT) == "ICP_OP_HIT"
    assert policy(UNLIKE) is None


def test_with_time_it_is_not_wanted_any_more(new_table, clock):
    table = new_table(half_life=100)
    policy = Affinity({}, table)
    table.note(table.key.of_url(URL))
    clock.now += 99
    assert policy(URL) == "ICP_OP_HIT"
    clock.now += 2
    assert policy(URL) is None


def test_how_much_must_have_been_handled_is_a_setting(new_table):
    table = new_table()
    policy = Affinity({"threshold": 2.5}, table)
    answers = []
    for _ in range(4):
        table.note(table.key.of_url(URL))
        answers.append(policy(URL))
    assert answers == [None, None, "ICP_OP_HIT", "ICP_OP_HIT"]


def test_a_table_is_found_when_it_comes_and_when_another_takes_its_place(tmp_path):
    path = str(tmp_path / "table")
    policy = Affinity({"table": path})
    assert policy(URL) is None  # nobody has made it yet
    for options in {}, {"key": {"depth": 3}}:
        table = Table.create(path, options)
        assert policy(UNLIKE) is None
        table.note(table.key.of_url(URL))
        until(lambda: policy(URL) == "ICP_OP_HIT", "it has found the table")
    until(lambda: policy(LIKE_IT) is None, "it makes keys as the new table wants them")


def test_a_table_that_goes_is_not_asked_any_more(tmp_path):
    path = tmp_path / "table"
    table = Table.create(str(path))
    table.note(table.key.of_url(URL))
    policy = Affinity({"table": str(path)})
    until(lambda: policy(URL) == "ICP_OP_HIT", "it has found the table")
    path.write_bytes(b"something else")
    assert policy(URL) is None  # at once, as nothing is left in there
    path.unlink()
    until(lambda: policy._watched.latest() is None, "it has noticed")  # noqa: SLF001


def test_a_table_that_is_not_there_is_told_once(tmp_path, caplog):
    path = tmp_path / "table"
    policy = Affinity({"table": str(path)})
    policy(URL)
    until(lambda: caplog.records, "it is told")
    for _ in range(3):
        policy._watched.sample()  # noqa: SLF001
    error = f"FileNotFoundError: [Errno 2] No such file or directory: '{path}'"
    told = [each.message for each in caplog.records]
    assert told == [f"the policy affinity: {error}; it has no say"]


def test_nobody_looks_before_it_is_asked_nor_after_it_is_gone(tmp_path):
    def threads():
        return [each for each in threading.enumerate() if "affinity" in each.name]

    until(lambda: not threads(), "those of other tests have ended")
    policy = Affinity({"table": str(tmp_path / "table")})
    assert threads() == []
    policy(URL)
    assert len(threads()) == 1
    del policy
    until(lambda: gc.collect() is not None and not threads(), "the thread has ended")


def test_without_options_it_has_no_opinion_and_says_so(caplog):
    with caplog.at_level(logging.INFO):
        policy = Affinity({})
        assert [policy(URL) for _ in range(3)] == [None] * 3
    assert [each.message for each in caplog.records] == [
        "the policy affinity is not configured: it has no table"
    ]


def test_everything_that_is_wrong_is_told_at_once():
    with pytest.raises(SettingsError) as caught:
        Affinity({"tabel": "x", "threshold": 0})
    assert list(map(str, caught.value.problems)) == [
        'tabel: no such setting. Did you mean "table"?',
        "threshold: must be a number from 0.001 to 100, not 0",
    ]
