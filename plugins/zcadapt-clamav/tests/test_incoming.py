"""Bodies on their way in, and how long somebody who is in a hurry waits for them."""

import asyncio
import contextlib

import pytest
from zcadapt_clamav.incoming import Incoming, PausedError, TooLongError

from zcadapt.testing import reqmod_request

MIB = 1 << 20


@pytest.fixture
def arriving():
    """How to have a body of which so much is there, and no more comes by itself."""

    def arriving(size):
        body = reqmod_request("http://a/", method="POST", body=bytes(size + 1), preview=size).body
        body.never_ends()
        stack.callback(body.lose)
        return body

    with contextlib.ExitStack() as stack:
        yield arriving


async def read(incoming):
    return sum([len(piece) async for piece in incoming])


async def paused(incoming):
    """Read until the client has let us wait for too long."""
    with incoming.hurried(), pytest.raises(PausedError):
        await read(incoming)


def test_who_is_in_a_hurry_does_not_wait_for_a_client_that_is_silent(arriving):
    asyncio.run(paused(Incoming(arriving(10))))


def test_nor_for_one_that_sends_a_little_all_the_time(arriving):
    body = arriving(1)

    async def story():
        loop = asyncio.get_running_loop()
        for number in range(1, 61):
            loop.call_later(number * 0.05, body.feed, b"x")
        loop.call_later(3.05, body.end)
        await paused(Incoming(body))
        assert body.spool.size < 60

    asyncio.run(story())


def test_who_is_not_waits(arriving):
    body = arriving(10)

    async def story():
        incoming = Incoming(body)
        await paused(incoming)
        reading = asyncio.ensure_future(read(incoming))
        await asyncio.wait([reading], timeout=0.2)
        assert not reading.done()
        body.end()
        return await reading

    assert asyncio.run(story()) == 10


def test_what_is_there_is_read_with_no_time_left(arriving):
    body = arriving(10)

    async def story():
        incoming = Incoming(body)
        with incoming.hurried():
            with pytest.raises(PausedError):
                await read(incoming)
            body.feed(bytes(100_000))
            with pytest.raises(PausedError):
                await read(incoming)
            assert body.position == 100_010
            body.end()
            return await read(incoming)

    assert asyncio.run(story()) == 100_010


@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize(
    ("begin", "refused", "more"),
    [
        (10, 0, MIB),
        (2 * MIB, 0, 2 * MIB),
        (2 * MIB, 3 * MIB, MIB),
        (2 * MIB, 2 * MIB, 2 * MIB),  # more than others had, and it was not refused
        (2 * MIB, 5 * MIB, 2 * MIB),
    ],
)
def test_ahead_is_as_much_more_or_a_step_or_what_was_refused_or_the_end(
    arriving, begin, refused, more, ends
):
    body = arriving(begin)

    async def story():
        incoming = Incoming(body)
        await paused(incoming)
        reading = asyncio.ensure_future(incoming.read_ahead(refused))
        body.feed(bytes(more - 1))
        await asyncio.wait([reading], timeout=0.05)
        assert not reading.done()
        if ends:
            body.end()
        else:
            body.feed(b"x")
        await reading
        body.end()
        return await read(incoming)

    assert asyncio.run(story()) == begin + more - ends


def test_each_time_it_is_as_much_more_though_less_was_read_meanwhile(arriving):
    body = arriving(MIB)

    async def story():
        incoming = Incoming(body)
        await paused(incoming)
        for size in MIB, 2 * MIB, 4 * MIB:
            reading = asyncio.ensure_future(incoming.read_ahead())
            body.feed(bytes(size - 1))
            await asyncio.wait([reading], timeout=0.05)
            assert not reading.done()
            body.feed(b"x")
            await reading
            assert 0 < len(await anext(aiter(incoming))) <= MIB

    asyncio.run(story())


def test_it_may_be_too_long(arriving):
    async def story():
        body = arriving(10)
        body.end()
        assert await read(Incoming(body, 10)) == 10
        with pytest.raises(TooLongError):
            await read(Incoming(body, 9))
        late = arriving(10)
        incoming = Incoming(late, 19)
        with contextlib.suppress(PausedError), incoming.hurried():
            await read(incoming)
        late.feed(bytes(10))
        with pytest.raises(TooLongError):
            await incoming.read_ahead()

    asyncio.run(story())
