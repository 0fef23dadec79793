"""The first signal asks the server to end; from then on both have their default action."""

import asyncio
import os
import signal

import pytest

from zcadapt.runtime.signals import STOP, stop_signals


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request):
    new_loop = pytest.importorskip(request.param).new_event_loop

    def run(main):
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(main)

    return run


@pytest.mark.parametrize("number", STOP)
def test_a_signal_wakes_who_waits(run, number):
    async def main():
        with stop_signals() as stop:
            os.kill(os.getpid(), number)
            async with asyncio.timeout(10):
                await stop.wait()
            return [signal.getsignal(each) for each in STOP]

    assert run(main()) == [signal.SIG_DFL, signal.SIG_DFL]


def test_a_signal_wakes_a_loop_that_has_nothing_to_do(run):
    """It sleeps in the system, not between two steps of ours."""

    async def main():
        loop = asyncio.get_running_loop()
        with stop_signals() as stop:
            timer = loop.run_in_executor(None, os.kill, os.getpid(), signal.SIGTERM)
            async with asyncio.timeout(10):
                await stop.wait()
            await timer

    run(main())


def test_without_a_signal_nobody_is_woken_and_all_is_as_before(run):
    async def main():
        before = [signal.getsignal(each) for each in STOP]
        with stop_signals() as stop:
            assert not stop.is_set()
        assert [signal.getsignal(each) for each in STOP] == before

    run(main())
