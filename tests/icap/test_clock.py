"""A limit counts the time that is not the client's."""

import asyncio

import pytest

from zcadapt.icap.clock import CancelledItselfError, Clock


@pytest.fixture
def run(new_loop):
    def run(coroutine):
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(asyncio.wait_for(coroutine, 10))

    return run


def test_time_is_limited(run):
    async def waits():
        async with Clock().limit(0.01):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        run(waits())


@pytest.mark.parametrize("seconds", [None, 0.05])
def test_it_stands_still_as_long_as_anybody_says_so(run, seconds):
    async def waits():
        clock = Clock()
        async with clock.limit(seconds):
            clock.stop()
            clock.stop()
            clock.go_on()
            await asyncio.sleep(0.1)
            clock.go_on()
        clock.stop()
        async with clock.limit(seconds):
            await asyncio.sleep(0.1)
        clock.go_on()

    run(waits())


def test_it_goes_on_where_it_stood(run):
    async def waits():
        clock = Clock()
        async with clock.limit(0.05):
            clock.stop()
            await asyncio.sleep(0.1)
            clock.go_on()
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        run(waits())


def test_a_cancellation_from_within_is_an_error_one_from_outside_is_none(run):
    async def limited(step):
        async with Clock().limit(10):
            await step

    async def cancelled():
        raise asyncio.CancelledError

    async def cancels():
        with pytest.raises(CancelledItselfError):
            await limited(cancelled())
        waiting = asyncio.create_task(limited(asyncio.Event().wait()))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run(cancels())
