"""Connections, where clamd is not so quick: real sockets, and a peer that does what it is told."""

import asyncio
import contextlib
import socket

import pytest
from zcadapt_clamav.connection import connect


@pytest.fixture
def listener(tmp_path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "socket"))
        sock.listen(0)
        yield sock


def test_a_full_queue_is_waited_for(listener):
    where = listener.getsockname()

    async def story():
        with contextlib.ExitStack() as stack:
            stack.enter_context(await connect(where))  # fills the queue
            waiting = asyncio.ensure_future(connect(where))
            await asyncio.wait([waiting], timeout=0.1)
            assert not waiting.done()
            stack.enter_context(listener.accept()[0])
            with await waiting as connection:
                assert await connection.send(b"hello")
                peer = stack.enter_context(listener.accept()[0])
                return peer.recv(100)

    assert asyncio.run(story()) == b"hello"


def exchange(listener, act, sent):
    """Return whether `sent` went out and the reply, where the peer does `act`."""

    async def story():
        with await connect(listener.getsockname()) as connection:
            peer, _ = listener.accept()
            with peer:
                act(peer)
            return await connection.send(sent), await connection.reply()

    return asyncio.run(story())


def test_an_answer_is_read_though_it_hung_up_on_us(listener):
    sent, reply = exchange(listener, lambda peer: peer.sendall(b"too much\0"), bytes(1 << 20))
    assert (sent, reply) == (False, "too much")


def test_no_answer_is_an_empty_one(listener):
    assert exchange(listener, socket.socket.fileno, b"x")[1] == ""


@pytest.mark.parametrize("data", [b"stream: \xff FOUND\0", b"no end", b"one\0two"])
def test_answers_of_all_kinds(listener, data):
    _, reply = exchange(listener, lambda peer: peer.sendall(data), b"")
    assert reply == data.partition(b"\0")[0].decode("utf-8", "replace")


def test_an_answer_is_bounded(listener):
    _, reply = exchange(listener, lambda peer: peer.sendall(b"x" * 50_000), b"")
    assert 4096 <= len(reply) < 2 * 4096


def test_nobody_is_an_error(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        asyncio.run(connect(str(tmp_path / "nobody")))


@pytest.mark.parametrize("where", [("a..b", 3310), ("a" * 64, 3310), ("a\0", 3310), "/a\0"])
def test_so_is_where_nobody_can_be(where):
    with pytest.raises(OSError):  # noqa: PT011 - each has its own words
        asyncio.run(connect(where))


def test_it_is_answered_once_there_is_something_to_read(listener):
    async def story():
        with await connect(listener.getsockname()) as connection:
            peer, _ = listener.accept()
            before = connection.is_answered()
            peer.sendall(b"OK\0")
            answered = connection.is_answered(), await connection.reply()
            after = connection.is_answered()
            peer.close()
            return before, *answered, after, connection.is_answered()

    assert asyncio.run(story()) == (False, True, "OK", False, True)
