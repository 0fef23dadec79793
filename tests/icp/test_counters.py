"""Counters begin with nothing, and know each answer."""

from zcadapt.icp import ANSWERS, Counters


def test_all_begin_with_zero():
    counters = Counters()
    numbers = [getattr(counters, name) for name in Counters.__slots__ if name != "answers"]
    assert numbers == [0] * len(numbers)


def test_each_answer_is_counted_by_itself():
    counters = Counters()
    assert counters.answers == dict.fromkeys(ANSWERS, 0)
    counters.answers["ICP_OP_HIT"] += 1
    assert Counters().answers["ICP_OP_HIT"] == 0
