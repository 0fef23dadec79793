"""Logging is due at once, and then not again for a while."""

import pytest

from zcadapt.icp.seldom import Seldom


@pytest.fixture
def now():
    return [100.0]


@pytest.fixture
def seldom(now):
    return Seldom(60, lambda: now[0])


def test_the_first_time_is_due(seldom):
    assert seldom.due()


def test_a_second_time_is_not(seldom):
    seldom.due()
    assert [seldom.due() for _ in range(1000)] == [False] * 1000


def test_after_the_interval_it_is_due_once_more(seldom, now):
    seldom.due()
    now[0] += 59.9
    assert not seldom.due()
    now[0] += 0.1
    assert seldom.due()
    assert not seldom.due()
