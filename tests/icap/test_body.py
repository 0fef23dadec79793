"""A body is read as far as somebody wants, by several, and its loss is told."""

import asyncio
import threading

import pytest

from zcadapt.icap.body import NO_BODY, Body, BodyLostError
from zcadapt.icap.spool import Disk, Spool
from zcadapt.threads import Threads


class Source:
    """A body, and how often more of it was asked for."""

    def __init__(self, *pieces, complete=False):
        self.pulls = 0
        self.pulled = asyncio.Event()
        self.body = Body(Spool(100, Disk(10**9)), self.pull, complete=complete)
        for piece in pieces:
            self.body.feed(piece)

    def pull(self):
        self.pulls += 1
        self.pulled.set()


@pytest.fixture
def run(new_loop):
    def run(coroutine):
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(asyncio.wait_for(coroutine, 10))

    return run


def test_nobody_is_asked_for_more_than_is_wanted(run):
    source = Source(b"hello")

    async def reads():
        assert await source.body.read(0) == b""
        assert await source.body.read(3) == b"hel"
        assert await source.body.read(5) == b"hello"
        assert source.pulls == 0
        more = asyncio.create_task(source.body.read(6))
        await asyncio.sleep(0)
        assert source.pulls == 1
        source.body.feed(b" you")
        assert await more == b"hello "

    run(reads())


def test_a_body_is_empty_where_nothing_has_come_and_nothing_will(run):
    source = Source()
    assert not source.body.is_empty, "something may come"
    source.body.end()
    assert source.body.is_empty
    assert NO_BODY.is_empty

    async def reads():
        source = Source(b"a" * 80, complete=True)
        source.body.forget_what_is_read()
        assert b"".join([piece async for piece in source.body]) == b"a" * 80
        assert not source.body.is_empty, "though it has been read and given up"
        assert not source.body.for_thread(asyncio.get_running_loop()).is_empty

    run(reads())


def test_a_complete_body_is_read_as_often_as_one_likes(run):
    source = Source(b"a" * 80, b"b" * 80, complete=True)

    async def reads():
        for _ in range(2):
            assert await source.body.read() == b"a" * 80 + b"b" * 80
            assert [len(piece) async for piece in source.body] == [160]
            with await source.body.file() as file:
                assert file.read() == b"a" * 80 + b"b" * 80

    run(reads())
    source.body.lose()


@pytest.mark.parametrize("read", ["read", "file", "iterate"])
def test_who_waits_for_what_never_comes_is_told(run, read):
    source = Source(b"hello")

    async def reads():
        if read == "iterate":
            return [piece async for piece in source.body]
        return await getattr(source.body, read)()

    async def lost():
        waiting = asyncio.create_task(reads())
        await asyncio.sleep(0)
        source.body.lose()
        with pytest.raises(BodyLostError):
            await waiting
        with pytest.raises(BodyLostError):
            await reads()

    run(lost())


def test_what_is_read_for_the_last_time_is_given_up(run):
    source = Source(b"a", b"b", b"c", complete=True)

    async def reads():
        source.body.forget_what_is_read()
        assert b"".join([piece async for piece in source.body]) == b"abc"
        assert source.body.spool.begin == 3
        for read in (source.body.read, source.body.file):
            with pytest.raises(BodyLostError):
                await read()

    run(reads())


def test_the_preview_is_all_that_has_come(run):
    source = Source(b"a", b"b", b"c")
    source.body.show_preview()
    assert source.body.preview == b"abc"


def test_no_body_is_complete_and_survives_everything(run):
    async def reads():
        NO_BODY.lose()
        NO_BODY.forget_what_is_read()
        assert await NO_BODY.read() == b""
        with await NO_BODY.file() as file:
            assert file.read() == b""
        with pytest.raises(TimeoutError):
            async with NO_BODY.new_clock().limit(0.01):
                await asyncio.Event().wait()

    run(reads())


# Time


def test_the_clock_stands_still_while_anybody_waits_for_the_client(run):
    source = Source(b"a")

    async def reads():
        async with source.body.new_clock().limit(0.05):
            both = asyncio.gather(source.body.read(2), source.body.read(3))
            await asyncio.sleep(0.02)
            source.body.feed(b"b")
            await asyncio.sleep(0.1)
            source.body.feed(b"c")
            assert await both == [b"ab", b"abc"]
        with pytest.raises(TimeoutError):
            async with source.body.new_clock().limit(0.05):
                await asyncio.Event().wait()

    run(reads())


def test_a_reader_that_outlives_its_limit_does_no_harm(run):
    source = Source()

    async def reads():
        async with source.body.new_clock().limit(10):
            reader = asyncio.create_task(source.body.read())
            await asyncio.sleep(0)
        async with source.body.new_clock().limit(10):
            source.body.lose()
            with pytest.raises(BodyLostError):
                await reader

    run(reads())


# Threads


def test_a_thread_reads_with_plain_methods(run):
    source = Source(b"hello")

    async def reads():
        body = source.body.for_thread(asyncio.get_running_loop())
        reading = asyncio.create_task(asyncio.to_thread(lambda: [body.read(), b"".join(body)]))
        await source.pulled.wait()
        assert not body.complete
        source.body.feed(b" you")
        source.body.end()
        assert await reading == [b"hello you", b"hello you"]
        assert (body.complete, body.preview) == (True, b"")

    run(reads())


def test_a_thread_that_reads_when_the_loop_is_gone_is_told(new_loop):
    kept = []

    async def keep():
        kept.append(Source(b"x").body.for_thread(asyncio.get_running_loop()))

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(keep())
    for read in (kept[0].read, kept[0].file, lambda: list(kept[0])):
        with pytest.raises(BodyLostError):
            read()


def test_a_thread_that_waits_when_the_loop_ends_is_told(new_loop):
    told = threading.Event()

    def read(body):
        with pytest.raises(BodyLostError):
            body.read()
        told.set()

    async def leave():
        source = Source(b"x")
        loop = asyncio.get_running_loop()
        threading.Thread(target=read, args=[source.body.for_thread(loop)]).start()
        await source.pulled.wait()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(leave())
    assert told.wait(10)


def read_file(body):
    with body.file() as file:
        return file.read()


@pytest.mark.parametrize("read", [lambda b: b.read(), lambda b: b.read(9), read_file, b"".join])
def test_while_a_thread_waits_for_bytes_another_has_its_place(run, read):
    source = Source(b"hello")

    async def reads():
        threads = Threads(1)
        body = source.body.for_thread(asyncio.get_running_loop())
        reading = asyncio.create_task(threads.run(lambda: read(body)))
        other = asyncio.create_task(threads.run(lambda: "other"))
        assert await other == "other"
        source.body.feed(b" you")
        source.body.end()
        assert await reading == b"hello you"

    run(reads())


@pytest.mark.parametrize("ends", [True, False])
def test_a_thread_that_reads_what_is_there_keeps_its_place(run, ends):
    source, order = Source(b"hello", complete=ends), []

    def read(body):
        assert body.read(5) == next(iter(body)) == b"hello"
        if ends:
            assert body.read() == b"".join(body) == read_file(body) == b"hello"
        order.append("read")

    async def reads():
        threads = Threads(1)
        body = source.body.for_thread(asyncio.get_running_loop())
        reading = asyncio.create_task(threads.run(lambda: read(body)))
        other = asyncio.create_task(threads.run(lambda: order.append("other")))
        await asyncio.gather(reading, other)

    run(reads())
    assert order == ["read", "other"]
