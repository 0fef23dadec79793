"""What blocks a loop is seen, and where; what only takes its time is not."""

import asyncio
import hashlib
import socket
import sys
import threading
import time

import pytest

from zcadapt.testing.watch import blocked_by, watched


def seen(function):
    async def tried():
        function()

    return asyncio.run(blocked_by(tried))


def test_who_holds_the_loop_for_long_is_seen():
    assert "test_watch.py:" in seen(lambda: threading.Event().wait(0.2))
    assert "holds it for 0.1 s and more" in seen(lambda: threading.Event().wait(0.2))


def test_who_computes_for_long_holds_it_too():
    assert "hold" in seen(lambda: hashlib.pbkdf2_hmac("sha256", b"x", b"y", 600_000))


def test_who_connects_is_seen_at_once():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def connect():
            with socket.socket() as client:
                client.connect(server.getsockname())

        assert seen(connect).endswith("(connect) calls socket.connect")


def test_who_resolves_a_name_is_seen_at_once():
    assert "calls socket.getaddrinfo" in seen(lambda: socket.getaddrinfo("127.0.0.1", 80))


@pytest.mark.skipif(sys.version_info < (3, 13), reason="the interpreter does not tell before")
def test_who_sleeps_is_seen_at_once():
    assert "calls time.sleep" in seen(lambda: time.sleep(0.001))
    assert not seen(lambda: time.sleep(0))


def test_who_waits_as_one_should_is_not_seen():
    async def waits():
        await asyncio.get_running_loop().getaddrinfo("localhost", 80)
        await asyncio.wait([asyncio.create_task(asyncio.to_thread(threading.Event().wait, 0.2))])

    assert not asyncio.run(blocked_by(waits))


def test_once_is_an_accident():
    waits = iter([0.2, 0.2, 0.0])

    async def tried():
        threading.Event().wait(next(waits))

    assert not asyncio.run(blocked_by(tried))


def test_once_and_for_long_is_none():
    waits = iter([0.8])

    async def tried():
        threading.Event().wait(next(waits, 0.0))

    assert "and more" in asyncio.run(blocked_by(tried))


def test_once_is_enough_where_it_is_certain():
    names = iter(["127.0.0.1"])

    async def tried():
        for name in names:
            socket.gethostbyname(name)

    assert "calls socket.gethostbyname" in asyncio.run(blocked_by(tried))


def test_a_socket_for_datagrams_waits_for_nobody():
    def connect():
        with socket.socket(type=socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", 9))

    assert not seen(connect)


def test_other_threads_may_do_as_they_like():
    async def tried():
        async with watched() as blocks:
            thread = threading.Thread(target=socket.getaddrinfo, args=("127.0.0.1", 80))
            thread.start()
            await asyncio.to_thread(thread.join)
        return blocks

    assert asyncio.run(tried()) == []


def test_nobody_is_left_watching():
    seen(lambda: None)
    assert not [
        each
        for each in threading.enumerate()
        if each.name == "zcadapt lookout" and not each.ended.is_set()
    ]
