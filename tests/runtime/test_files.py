"""As many files may be open as the system lets us have."""

import resource

import pytest

from zcadapt.runtime.files import raise_open_files


@pytest.fixture(autouse=True)
def limits():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_soft_limit_becomes_the_hard_one(limits):
    _, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
    assert raise_open_files() == hard
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)


def test_a_limit_that_is_high_enough_stays(limits):
    _, hard = limits
    raise_open_files()
    assert raise_open_files() == hard


def test_a_system_that_refuses_is_left_alone(limits, monkeypatch):
    _, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))

    def refuse(*_):
        raise OSError("no")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert raise_open_files() == min(256, hard)
    monkeypatch.undo()
