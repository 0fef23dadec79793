"""Whatever clients do, the next one is served at once and nothing of them stays behind."""

import asyncio
import contextlib
import gc
import logging
import os
import random
import socket
import tempfile
import threading
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from zcadapt import UnableError, blocking, modify, reqmod, respmod, respond
from zcadapt.icap.outlet import HIGH_WATER

MIB = 1024 * 1024


def both(function):
    return respmod(reqmod(function))


@both
def nothing(request):
    """Have no opinion."""


@both
async def reads(request):
    await request.body.read()


@both
async def file(request):
    (await request.body.file()).close()


@both
def streams(request):
    async def pieces():
        yield b"<"
        async for piece in request.body:
            yield piece

    return modify(body=pieces())


@both
def makes(request):
    async def pieces():
        while True:
            yield b"x" * 100_000

    return modify(body=pieces())


@both
async def waits(request):
    await asyncio.Event().wait()


@both
@blocking
def thread(request):
    request.body.read()


@both
async def stubborn(request):
    """Take no cancellation for an end."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.sleep(0)
    return modify(body=b"late")


# A client that has closed cannot be told from one that only sends nothing more:
# it is gone when it is to be answered, at the latest when the service's time is over.
waits.timeout = stubborn.timeout = 0.3

SERVICES = {
    "echo2": nothing,
    "reads": reads,
    "file": file,
    "streams": streams,
    "makes": makes,
    "waits": waits,
    "thread": thread,
    "stubborn": stubborn,
}


def descriptors():
    """What is open, but for the loop's own."""
    found = []
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(str(path.readlink()).split(":", maxsplit=1)[0])
    return sorted(found)


@pytest.fixture
def running(serve, icap, tmp_path, monkeypatch):
    """A server that must be as it was, when the test is over."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    running = serve(SERVICES, body_memory=1000, body_bytes=8 * MIB, stall_timeout=0.1)
    running.client().ask(icap.options())
    running.nothing_is_left()
    running.clients.clear()
    before = descriptors()
    yield running
    assert running.client().ask(icap.options()).status == 200, "a further client is served"
    running.nothing_is_left()
    gc.collect()
    assert descriptors() == before
    assert list(tmp_path.iterdir()) == []


def test_a_thousand_clients_at_once_are_all_served(running, icap):
    clients = [running.client() for _ in range(1000)]
    request = icap.respmod("/echo2", body=b"x" * 1000)
    for client in clients:
        client.send(request[:400])
    for client in clients:
        client.send(request[400:])
    assert running.client().ask(icap.options()).status == 200
    assert all(client.answer().body == b"x" * 1000 for client in clients)
    assert running.server.connections == 1001


def test_five_hundred_asynchronous_answers_at_once(running, icap):
    clients = [running.client() for _ in range(500)]
    for client in clients:
        client.send(icap.respmod("/streams", body=b"x" * 5000))
    assert all(client.answer().body == b"<" + b"x" * 5000 for client in clients)


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("leave", ["close", "reset", "half_close"])
@pytest.mark.parametrize("at", ["head", "preview", "body", "answer"])
def test_a_client_that_vanishes_leaves_nothing_behind(running, icap, name, leave, at):
    client = running.client()
    if at == "preview":
        client.send(icap.respmod("/" + name, body=b"x" * 100_000, preview=1000))
    else:
        request = icap.respmod("/" + name, body=b"x" * 2 * MIB, chunk=50_000)
        client.send(request[: {"head": 100, "body": MIB, "answer": len(request)}[at]])
    if at == "answer" and name in ("echo2", "file", "streams", "makes"):
        client.more()
    elif at != "head":
        running.wait_for(lambda: running.server.counters.requests >= 2)
    getattr(client, leave)()
    assert running.client().ask(icap.options()).status == 200
    client.close()


def test_a_client_that_vanishes_in_the_very_moment_of_its_request(running, icap):
    """Its task is cancelled before it has begun."""
    for _ in range(50):
        client = running.client()
        client.send(icap.reqmod("/waits"))
        client.reset()
    running.nothing_is_left()


def test_slow_senders_hold_nobody_up(running, icap):
    slow = [running.client() for _ in range(50)]
    request = icap.respmod("/reads", "Allow: 204", body=b"hello", chunk=1)
    for at in range(len(request)):
        for client in slow:
            client.send(request[at : at + 1])
        if at % 40 == 0:
            assert running.client().ask(icap.options()).status == 200
    assert all(client.answer().status == 204 for client in slow)


def test_garbage_is_answered_and_closed(running, icap):
    chance = random.Random(1)
    for number in range(200):
        client = running.client()
        client.send(chance.randbytes(chance.randrange(30, 3000)))
        if number % 2:
            client.half_close()
        assert client.rest().startswith(b"ICAP/1.0 400 Bad Request\r\n")


def test_broken_copies_of_requests_are_answered_and_closed(running, icap):
    chance = random.Random(2)
    found = Counter()
    for _ in range(300):
        name = chance.choice(["echo2", "reads", "streams"])
        request = bytearray(icap.respmod("/" + name, body=b"x" * 300, chunk=50))
        for _ in range(chance.randrange(1, 4)):
            request[chance.randrange(len(request))] = chance.randrange(256)
        client = running.client()
        client.send(bytes(request))
        client.half_close()
        found[client.rest()[:12]] += 1
        client.close()
    assert found[b"ICAP/1.0 200"] > 30, "where a byte of the body is another"
    assert found[b"ICAP/1.0 400"] > 100
    assert set(found) <= {b"ICAP/1.0 %d" % status for status in (200, 204, 400, 404, 405, 501, 505)}


def test_tls_on_the_plain_port_is_told_at_once(running):
    client = running.client()
    client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(517))
    assert client.rest().startswith(b"ICAP/1.0 400 Bad Request\r\n")


def test_a_client_that_never_reads_holds_nobody_up(running, icap):
    client = running.client(SO_RCVBUF=4096)

    def send():
        with contextlib.suppress(OSError):
            client.send(icap.respmod("/makes", body=b"x") * 1000)

    sender = threading.Thread(target=send)
    sender.start()
    running.wait_for(lambda: any(wire.congested for wire in running.server._clients.all()))
    assert running.client().ask(icap.options()).status == 200
    client.socket.shutdown(socket.SHUT_RDWR)
    sender.join()


def test_a_late_answer_of_a_service_that_was_cancelled_meets_no_other_request(running, icap):
    client = running.client()
    client.send(icap.reqmod("/stubborn", body=b"x")[:-5] + b"rubbish\r\n")
    assert client.answer().status == 400
    assert client.is_closed_by_server()


def test_memory_does_not_grow_with_the_requests(running, icap):
    def some():
        for name in ("echo2", "reads", "file", "streams"):
            client = running.client()
            for _ in range(20):
                client.ask(icap.respmod("/" + name, body=b"x" * 5000))
            client.send(icap.respmod("/" + name, body=b"x" * 5000)[:-3])
            client.close()
        running.nothing_is_left()
        running.clients.clear()
        gc.collect()

    some()
    tracemalloc.start()
    try:
        some()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(5):
            some()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 100_000


def test_a_body_that_finds_no_room_on_the_disk_is_told_503_and_the_room_comes_back(serve, icap):
    @reqmod
    async def whole(request):
        await request.body.read()

    server = serve({"whole": whole}, spool_bytes=100_000, body_memory=1000)
    answer = server.client().ask(icap.reqmod("/whole", body=b"x" * 200_000))
    assert answer.first == "ICAP/1.0 503 Service Overloaded"
    assert (
        server.client().ask(icap.reqmod("/whole", "Allow: 204", body=b"x" * 90_000)).status == 204
    )


def test_a_preview_is_bounded_whatever_its_client_announced(serve, icap):
    client = serve(preview_bytes=10_000).client()
    client.send(icap.reqmod("/echo", "Preview: 0", body=b"x" * 20_000))
    assert client.answer().first == "ICAP/1.0 413 Request Entity Too Large"


def test_pipelined_requests_wait_for_a_client_that_does_not_read(serve, icap):
    @reqmod
    def page(request):
        return respond(200, body=b"x" * 100_000)

    server = serve({"page": page})
    client = server.client()
    count = 200
    client.send(icap.reqmod("/page") * count)
    server.wait_for(lambda: any(wire.congested for wire in server.server._clients.all()))
    (wire,) = server.server._clients.all()
    assert wire.unsent() < 2_000_000
    for _ in range(count):
        assert client.answer().status == 200


def test_who_pipelines_does_not_keep_others_waiting(serve, icap):
    server = serve()
    client = server.client()
    client.send(icap.options("/nosuch") * 2000)
    assert server.client().ask(icap.options("/echo")).status == 200
    for _ in range(2000):
        assert client.answer().status == 404


def test_who_pipelines_without_end_is_read_from_no_faster_than_answered(serve, icap):
    server = serve()
    hog = server.client()
    request = icap.reqmod("/echo", "Allow: 204") * 1000

    def send():
        with contextlib.suppress(OSError):
            while True:
                hog.send(request)

    def receive():
        with contextlib.suppress(OSError):
            while hog.socket.recv(1 << 20):
                pass

    threads = [threading.Thread(target=each) for each in (send, receive)]
    for each in threads:
        each.start()
    server.wait_for(lambda: server.server.counters.requests > 2000)
    (wire,) = server.server._clients.all()
    for _ in range(20):
        assert server.client().ask(icap.options("/echo")).status == 200
        assert len(wire.conn.left_over) < 4 * HIGH_WATER
    hog.socket.shutdown(socket.SHUT_RDWR)
    for each in threads:
        each.join()


@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError, BaseException])
@pytest.mark.parametrize("kind", ["plain", "async", "thread"])
def test_a_service_that_raises_what_would_end_a_program_only_fails(serve, icap, kind, error):
    def adapt(request):
        raise error

    async def adapt_async(request):
        raise error

    functions = {"plain": adapt, "async": adapt_async, "thread": blocking(adapt)}
    client = serve({"a": reqmod(functions[kind])}).client()
    assert client.ask(icap.reqmod("/a")).first == "ICAP/1.0 500 Server Error"
    assert client.ask(icap.reqmod("/echo", "Allow: 204")).status == 204


SECRETS = [
    b"REQMOD icap://h/echo ICAP/1.0\r\nProxy-Authorization : Basic hunter2\r\n\r\n",
    b"REQMOD icap://h/echo ICAP/1.0\r\nEncapsulated: req-body=0\r\n\r\nSecret hunter2\r\n",
    b"REQMOD icap://h/nosuch?token=hunter2 HTTP/1.0\r\n\r\n",
    b"\x16 hunter2\r\n\r\n",
]


@pytest.mark.parametrize("request_", SECRETS)
def test_what_may_be_secret_is_not_logged(serve, caplog, request_):
    client = serve().client()
    client.send(request_)
    assert "400" in client.answer().first
    assert "400" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_failing_service_is_logged_without_the_secrets_of_the_url(serve, icap, caplog):
    @reqmod
    def failing(request):
        raise ValueError

    http = b"GET http://ann:hunter2@example.com/a?sid=hunter2 HTTP/1.1\r\n\r\n"
    serve({"a": failing}).client().ask(icap.reqmod("/a", request=http))
    assert "example.com" in caplog.text
    assert "hunter2" not in caplog.text


def raises(request):
    raise ValueError("on purpose")


async def raises_later(request):
    await request.body.read()
    raise ValueError("on purpose")


async def cannot_decide(request):
    raise UnableError("on purpose")


async def takes_too_long(request):
    await asyncio.Event().wait()


def returns_nonsense(request):
    return request.headers


async def returns_nonsense_later(request):
    return await request.body.read()


def makes_nonsense(request):
    async def pieces():
        yield (await request.body.read()).decode()

    return modify(body=pieces())


FAILING = [
    raises,
    raises_later,
    blocking(raises),
    cannot_decide,
    takes_too_long,
    returns_nonsense,
    returns_nonsense_later,
    makes_nonsense,
]
#: Headers of both heads that nobody else should read.
SECRET = (
    "Proxy-Authorization: Basic hunter2",
    "Proxy-Authenticate: Basic realm=hunter2",
    "Authorization: Bearer hunter2",
    "Cookie: sid=hunter2",
    "Set-Cookie: sid=hunter2",
)


@pytest.mark.parametrize("on_error", ["error", "skip", "block"])
@pytest.mark.parametrize("method", ["reqmod", "respmod"])
@pytest.mark.parametrize("failing", FAILING)
def test_a_failing_service_brings_no_head_and_no_body_into_a_log(
    serve, icap, caplog, failing, method, on_error
):
    caplog.set_level(logging.DEBUG)
    block = "\r\n".join(SECRET).encode() + b"\r\n\r\n"
    parts = {"request": b"POST http://ann:hunter2@e.example/a?sid=hunter2 HTTP/1.1\r\n" + block}
    if method == "respmod":
        parts["response"] = b"HTTP/1.1 200 OK\r\n" + block
    service = respmod(reqmod(failing, on_error=on_error, timeout=0.1))
    client = serve({"a": service}).client()
    client.ask(
        getattr(icap, method)("/a?token=hunter2", *SECRET, body=b"password=hunter2", **parts)
    )
    assert caplog.records
    written = caplog.text + repr([vars(record) for record in caplog.records])
    for secret in ("hunter2", "authoriz", "authenticate", "cookie", "password"):
        assert secret not in written.lower()
