"""Promises hold, or are named; what is to happen soon is waited for, and no longer."""

import asyncio

import pytest

from zcadapt.testing.promises import promised, soon


def test_what_does_not_hold_is_named():
    promised(1, "one is one")
    with pytest.raises(AssertionError, match=r"^one is none$"):
        promised(0, "one is none")


def test_what_comes_soon_is_waited_for():
    async def comes():
        happened = asyncio.Event()
        asyncio.get_running_loop().call_later(0.01, happened.set)
        return await soon(happened.is_set)

    assert asyncio.run(comes())


def test_what_does_not_come_is_given_up(monkeypatch):
    monkeypatch.setattr("zcadapt.testing.promises.SOON", 0.01)
    assert not asyncio.run(soon(lambda: False))
