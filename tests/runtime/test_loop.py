"""The loop is uvloop where it is installed, unless the settings say otherwise."""

import asyncio
import sys

import pytest

from zcadapt.runtime.loop import loop_factory


def module_of(wanted):
    async def running_loop():
        return type(asyncio.get_running_loop()).__module__.partition(".")[0]

    with asyncio.Runner(loop_factory=loop_factory(wanted)) as runner:
        return runner.run(running_loop())


@pytest.mark.parametrize(
    ("wanted", "module"), [("auto", "uvloop"), ("uvloop", "uvloop"), ("asyncio", "asyncio")]
)
def test_the_loop_is_the_one_that_is_wanted(wanted, module):
    pytest.importorskip(module)
    assert module_of(wanted) == module


@pytest.fixture
def without_uvloop(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)


@pytest.mark.usefixtures("without_uvloop")
def test_without_uvloop_it_is_asyncio():
    assert module_of("auto") == "asyncio"


@pytest.mark.usefixtures("without_uvloop")
def test_uvloop_that_is_not_there_cannot_be_wanted():
    with pytest.raises(ImportError):
        loop_factory("uvloop")
