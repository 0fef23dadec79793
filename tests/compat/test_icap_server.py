"""`run_server`: what goes over the wire, where it listens, and how it ends."""

import asyncio
import contextlib
import inspect
import logging
import socket
import ssl
import struct
import subprocess
import threading
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from zcadapt.compat import icap_server
from zcadapt.compat.icap_server import ContentAdaptationResponse, run_server, service_of
from zcadapt.icap.settings import ICAPSettings
from zcadapt.testing import Client, reqmod_request, respmod_request

DEADLINE = 20.0
ANY_PORT = {"host": "127.0.0.1", "port": 0}
GET = b"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(params=["asyncio", "uvloop"])
def new_loop(request):
    return pytest.importorskip(request.param).new_event_loop


async def leave(request):
    """Leave the message alone."""
    return ContentAdaptationResponse(request.body, 200, {}, content_was_altered=False)


async def shout(request):
    """Make the body louder."""
    body = request.body
    for name in ("request_body", "response_body"):
        setattr(body, name, (getattr(body, name) or b"").upper())
    return ContentAdaptationResponse(body, 200, {}, content_was_altered=True)


async def mark(request):
    """Add a header, whose value is the name of the service."""
    body = request.body
    body.request_header += b"X-By: " + request.request_line.service_name + b"\r\n"
    return ContentAdaptationResponse(body, 200, {b"X-Marked": [b"yes"]}, content_was_altered=True)


async def fail(request):
    raise ValueError(request.request_line.method)


def run(new_loop, main):
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main)


class Running:
    """A server that runs in a thread; `server` is what `run_server` yields."""

    def __init__(self, new_loop, handlers, options, more):
        self._how = {"service_name_to_handler": handlers, "server_options": options, **more}
        self._begun = threading.Event()
        self._thread = threading.Thread(target=run, args=(new_loop, self._run()), daemon=True)
        self._thread.start()
        assert self._begun.wait(DEADLINE)
        self.clients = []

    async def _run(self):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with run_server(**self._how) as self.server:
            self.port = self.server.sockets[0].getsockname()[1]
            self._begun.set()
            await self._stop.wait()

    def client(self):
        self.clients.append(Client("127.0.0.1", self.port, timeout=DEADLINE))
        return self.clients[-1]

    def end(self):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(DEADLINE)
        for client in self.clients:
            client.close()
        assert not self._thread.is_alive()


@pytest.fixture
def serve(new_loop):
    """Run a server with these handlers."""
    with contextlib.ExitStack() as stack:

        def run(handlers, options=ANY_PORT, **more):
            running = Running(new_loop, handlers, options, more)
            stack.callback(running.end)
            return running

        yield run


def raw(name, *fields, method="REQMOD", body=None):
    """A request as it is written."""
    last = "null-body" if body is None else "req-body"
    lines = [f"{method} icap://h/{name} ICAP/1.0", "Host: h", *fields]
    lines.append(f"Encapsulated: req-hdr=0, {last}={len(GET)}")
    whole = "\r\n".join(lines).encode() + b"\r\n\r\n" + GET
    return whole if body is None else whole + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def ask(client, request):
    client.send(request)
    return client.answer()


# What is answered


@pytest.mark.parametrize("allow", ["204", "204, 206", "206, 204", "trailers,204"])
def test_what_is_not_altered_is_204_however_that_is_allowed(serve, allow):
    answer = ask(serve({b"avi": leave}).client(), raw("avi", f"Allow: {allow}", body=b"hello"))
    assert (answer.status, answer.headers["Encapsulated"]) == (204, "null-body=0")


@pytest.mark.parametrize("handler", [leave, shout])
@pytest.mark.parametrize("body", [None, b"HELLO"])
def test_where_204_is_not_allowed_the_message_comes_back_with_its_offsets(serve, handler, body):
    answer = ask(serve({b"avi": handler}).client(), raw("avi", body=body))
    assert (answer.status, answer.request.raw, answer.body) == (200, GET, body)
    last = "null-body" if body is None else "req-body"
    assert answer.headers["Encapsulated"] == f"req-hdr=0, {last}={len(GET)}"


@pytest.mark.parametrize("size", [0, 3, 4, 5, 5000])
@pytest.mark.parametrize("make", [reqmod_request, respmod_request])
def test_what_is_altered_behind_a_preview_is_whole(serve, make, size):
    request = make("http://x/", body=b"x" * size, preview=4, endpoint="avi")
    answer = serve({b"avi": shout}).client().ask(request)
    assert (answer.status, answer.body) == ((200, b"X" * size) if size else (204, None))


@pytest.mark.parametrize(("allow", "status"), [([], 200), (["Allow: 206, 204"], 204)])
def test_behind_the_rest_of_a_body_204_has_to_be_allowed(serve, allow, status):
    client = serve({b"avi": leave}).client()
    whole = raw("avi", "Preview: 0", *allow, body=b"hello")
    head, rest = whole[:-15], whole[-15:]
    assert ask(client, head + b"0\r\n\r\n").status == 100
    answer = ask(client, rest)
    assert (answer.status, answer.body) == (status, b"hello" if status == 200 else None)


def test_a_small_body_needs_no_second_round(serve):
    with serve({b"avi": leave}).client() as client:
        assert client.options("avi").headers["Preview"] == "4096"


def test_the_istag_is_quoted_and_stays_while_the_handlers_do(serve):
    tags = set()
    for _ in range(2):
        client = serve({b"avi": leave}).client()
        tags |= {ask(client, raw("avi")).headers["ISTag"] for _ in range(2)}
        tags.add(client.options("avi").headers["ISTag"])
    (tag,) = tags
    assert tag[0] == tag[-1] == '"'
    assert serve({b"avi": mark}).client().options("avi").headers["ISTag"] != tag


def test_every_answer_has_a_date_and_what_the_handler_adds(serve):
    headers = ask(serve({b"avi": mark}).client(), raw("avi")).headers
    assert abs(parsedate_to_datetime(headers["Date"]).timestamp() - time.time()) < 60
    assert headers["X-Marked"] == "yes"


def test_options_are_answered_without_the_handler(serve):
    answer = serve({b"avi": fail}).client().options("avi")
    assert (answer.status, answer.headers["Methods"]) == (200, "REQMOD, RESPMOD")


def test_who_serves_one_method_only_says_so(serve):
    client = serve({b"avi": service_of(leave, methods=("REQMOD",))}).client()
    assert client.options("avi").headers["Methods"] == "REQMOD"
    assert client.ask(respmod_request("http://x/", endpoint="avi")).status == 405
    assert client.ask(reqmod_request("http://x/", endpoint="avi")).status == 204


def test_a_request_for_the_last_answer_closes_the_connection(serve):
    client = serve({b"avi": leave}).client()
    assert ask(client, raw("avi", "Connection: close")).headers["Connection"] == "close"
    with pytest.raises(EOFError):
        client.answer()


# Which handler


def test_each_path_has_its_own_handler(serve):
    names = [b"", b"a", b"a/b", b"reqmod", b"respmod", b"echo", b"%C3%A9", b"\xc3\xa9;x"]
    running = serve(dict.fromkeys(names, mark))
    for name in ("", "a", "a/b", "reqmod", "respmod", "echo", "%C3%A9"):
        by = ask(running.client(), raw(name)).request.headers["X-By"]
        assert by == name


def test_a_handler_may_be_met_under_another_spelling(serve):
    client = serve({b"a b": leave}).client()
    assert [ask(client, raw(name, "Allow: 204")).status for name in ("a%20b", "a%20b/")] == [
        204
    ] * 2


@pytest.mark.parametrize("other", [b"/a/", b"%61"])
def test_one_path_has_one_handler(other):
    async def run():
        async with run_server(
            service_name_to_handler={b"a": leave, other: mark}, server_options=ANY_PORT
        ):
            pass

    with pytest.raises(ValueError, match="the path of another handler"):
        asyncio.run(run())


def test_whom_the_uri_names_as_the_host_does_not_matter(serve, caplog):
    client = serve({b"avi": leave}).client()
    request = raw("avi", "Allow: 204").replace(b"icap://h/", b"icap://[h/")
    assert ask(client, request).status == 204
    assert not caplog.records


@pytest.mark.parametrize("name", ["", "other", "echo", "reqmod", "avi/x", "%00"])
def test_an_unknown_path_is_404_and_the_connection_goes_on(serve, caplog, name):
    client = serve({b"avi": leave}).client()
    for answer in [client.options(name), ask(client, raw(name, "Allow: 204"))]:
        assert answer.status == 404
        assert answer.headers["ISTag"]
    assert "no handler under /" in caplog.text
    assert ask(client, raw("avi", "Allow: 204")).status == 204


# What goes wrong


@pytest.mark.parametrize(
    "request_",
    [b"GET / HTTP/1.1\r\n\r\n", b"REQMOD icap://h/avi ICAP/1.0\r\nHost: h\r\n\r\n"],
)
def test_what_is_no_request_is_400(serve, request_):
    running = serve({b"avi": leave})
    assert ask(running.client(), request_).status == 400
    assert running.client().options("avi").status == 200


def test_a_failure_is_500_is_logged_and_the_connection_goes_on(serve, caplog):
    client = serve({b"bad": fail, b"avi": leave}).client()
    with caplog.at_level(logging.ERROR, icap_server.LOG.name):
        assert ask(client, raw("bad", "Allow: 204", body=b"hello")).status == 500
    assert "service 'bad' failed" in caplog.text
    assert ask(client, raw("avi", "Allow: 204")).status == 204


@pytest.mark.parametrize(
    "bounds",
    [
        {"settings": ICAPSettings(body_bytes=10)},
        {"body_bytes": 10},
        {"body_bytes": 10, "settings": ICAPSettings(connections=5)},
        {"body_bytes": 20, "settings": ICAPSettings(body_bytes=10)},
        {"body_bytes": 10, "settings": ICAPSettings(body_bytes=20)},
    ],
)
def test_a_body_beyond_the_lesser_bound_is_413(serve, bounds):
    running = serve({b"avi": leave}, **bounds)
    for size, status in [(10, 204), (11, 413), (10, 204)]:
        request = raw("avi", "Allow: 204", body=b"x" * size)
        assert ask(running.client(), request).status == status


def test_a_handler_gets_what_fits_into_memory_if_nothing_is_said():
    assert inspect.signature(run_server).parameters["body_bytes"].default == 256 * 1024 * 1024


def test_a_handler_takes_what_the_server_does(monkeypatch, serve):
    """Whatever `service_of` would have it take."""
    monkeypatch.setitem(service_of.__kwdefaults__, "body_bytes", 10)
    client = serve({b"avi": leave}).client()
    assert ask(client, raw("avi", "Allow: 204", body=b"x" * 11)).status == 204


def test_what_cannot_be_a_service_is_not_served():
    async def run():
        async with run_server(
            service_name_to_handler={b"avi": service_of(leave, methods=("PATCH",))},
            server_options=ANY_PORT,
        ):
            pass

    with pytest.raises(ValueError, match="methods must be"):
        asyncio.run(run())


# Where it listens


def test_options_are_those_of_start_server(serve):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with socket.create_server(("127.0.0.1", 0)) as given:
        for options in (
            {"host": ["127.0.0.1"], "port": str(port), "limit": 1000, "reuse_address": True},
            {"sock": given.dup(), "backlog": 5},
        ):
            assert serve({b"avi": leave}, options).client().options("avi").status == 200


def test_many_clients_may_come_at_once(new_loop):
    async def test(server, talk):
        (sock,) = server.sockets
        told = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32)
        waiting = struct.unpack_from("=8x4x4x4x4x4xI", told)[0]  # tcpi_sacked, of one that listens
        assert waiting == min(1024, most)

    most = int(Path("/proc/sys/net/core/somaxconn").read_text())
    served(new_loop, test)


def test_tls_can_be_served(serve, tmp_path):
    key, pem = tmp_path / "key", tmp_path / "pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x"]
    subprocess.run([*command, "-keyout", key, "-out", pem], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    running = serve({b"avi": shout}, {**ANY_PORT, "ssl": context})
    trusting = ssl.create_default_context(cafile=pem)
    trusting.check_hostname = False
    with (
        socket.create_connection(("127.0.0.1", running.port), DEADLINE) as plain,
        trusting.wrap_socket(plain) as secure,
        secure.makefile("rb") as answer,
    ):
        secure.sendall(raw("avi", body=b"hello"))
        assert answer.readline() == b"ICAP/1.0 200 OK\r\n"
        assert b"HELLO\r\n" in iter(answer.readline, b"0\r\n")


def test_without_options_it_is_the_port_of_icap(monkeypatch, serve):
    """A free one stands for it here: it may be taken."""
    assert icap_server.ADDRESS == {"host": "127.0.0.1", "port": 1344}
    monkeypatch.setattr(icap_server, "ADDRESS", ANY_PORT)
    assert serve({b"avi": leave}, None).client().options("avi").status == 200


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"host": "127.0.0.1", "colour": "red"}, TypeError),
        ({}, ValueError),
        ({"host": "192.0.2.1", "port": 0}, OSError),
    ],
)
def test_where_it_cannot_listen_nothing_stays(options, error):
    async def run():
        with pytest.raises(error):
            async with run_server(service_name_to_handler={b"avi": leave}, server_options=options):
                pass
        return [each for each in asyncio.get_running_loop()._scheduled if not each.cancelled()]

    assert asyncio.run(run()) == [], "no timer"


# How it ends


async def talk(port, stack):
    """Return what a client reads, which has been answered and stays until the end of `stack`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    stack.callback(writer.close)
    writer.write(raw("avi", "Allow: 204"))
    assert await reader.readline() == b"ICAP/1.0 204 No Modifications Needed\r\n"
    await reader.readuntil(b"\r\n\r\n")
    return reader


def served(new_loop, test, **options):
    """Run `test` with a server and how to talk to it, for no longer than it may take."""

    async def main():
        how = {"service_name_to_handler": {b"avi": leave}, "server_options": ANY_PORT | options}
        with contextlib.ExitStack() as stack:
            async with asyncio.timeout(DEADLINE), run_server(**how) as server:
                port = server.sockets[0].getsockname()[1]
                await test(server, lambda: talk(port, stack))

    run(new_loop, main())


def test_it_has_the_interface_of_asyncios(new_loop):
    async def test(server, talk):
        assert server.is_serving()
        assert server.get_loop() is asyncio.get_running_loop()
        server.close()
        assert (server.is_serving(), server.sockets) == (False, ())
        await server.wait_closed()

    served(new_loop, test)
    wanted = {name for name in dir(asyncio.Server) if not name.startswith("_")}
    assert wanted | {"close_clients", "abort_clients"} <= set(dir(icap_server.Server))


def test_to_close_it_needs_no_client_to_leave(new_loop):
    async def test(server, talk):
        reader = await talk()
        server.close()
        with pytest.raises(ConnectionRefusedError):
            await talk()
        await server.wait_closed()
        assert await reader.read() == b""

    served(new_loop, test)


def test_to_leave_the_block_needs_no_client_to_leave(new_loop):
    async def test(server, talk):
        await talk()

    served(new_loop, test)


@pytest.mark.parametrize("end", ["close", "cancel"])
def test_it_serves_until_it_is_closed_or_cancelled(new_loop, end):
    async def test(server, talk):
        serving = asyncio.create_task(server.serve_forever())
        await talk()
        with pytest.raises(RuntimeError, match="already"):
            await server.serve_forever()
        server.close() if end == "close" else serving.cancel()
        assert await asyncio.wait([serving], timeout=DEADLINE / 2) == ({serving}, set())
        assert serving.cancelled()
        await server.wait_closed()
        with pytest.raises(RuntimeError, match="closed"):
            await server.serve_forever()

    served(new_loop, test)


def test_who_waits_for_its_end_waits_until_it_is_closed(new_loop):
    async def test(server, talk):
        waiting = asyncio.create_task(server.wait_closed())
        await talk()
        assert not waiting.done()
        async with server:
            await talk()
        await waiting

    served(new_loop, test)


def test_it_may_begin_later(new_loop):
    async def test(server, talk):
        assert not server.is_serving()
        await server.start_serving()
        await talk()

    served(new_loop, test, start_serving=False)


def test_to_serve_for_ever_is_to_begin(new_loop):
    async def test(server, talk):
        serving = asyncio.create_task(server.serve_forever())
        await asyncio.wait([serving], timeout=0)  # one step
        await talk()
        server.close()
        await asyncio.wait([serving])

    served(new_loop, test, start_serving=False)


def test_the_end_of_the_block_is_its_end_for_all(new_loop):
    async def main():
        how = {"service_name_to_handler": {b"avi": leave}, "server_options": ANY_PORT}
        with contextlib.ExitStack() as stack:
            async with asyncio.timeout(DEADLINE), run_server(**how) as server:
                port = server.sockets[0].getsockname()[1]
                waiting = asyncio.create_task(server.wait_closed())
                await talk(port, stack)
            assert not server.is_serving()
            await asyncio.wait_for(waiting, DEADLINE)
            with pytest.raises(ConnectionRefusedError):
                await talk(port, stack)

    run(new_loop, main())


WHOLE = raw("avi", "Preview: 0", "Allow: 204", body=b"hello")
REST = b"5\r\nhello\r\n0\r\n\r\n"


class Half:
    """A client that has sent the half of a request, which is being answered."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def of(cls, server, stack):
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        stack.callback(writer.close)
        writer.write(WHOLE.removesuffix(REST) + b"0\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"ICAP/1.0 100 Continue\r\n\r\n"
        return cls(reader, writer)

    async def is_answered(self):
        self.writer.write(REST)
        return (await self.reader.read()).startswith(b"ICAP/1.0 204 ")


@pytest.mark.parametrize("end", ["wait", "give up"])
def test_who_is_being_answered_has_time_for_that(new_loop, end):
    assert icap_server.GRACE == 10.0

    async def test(server, talk):
        idle = await talk()
        with contextlib.ExitStack() as stack:
            half = await Half.of(server, stack)
            server.close()
            closing = asyncio.create_task(server.wait_closed())
            assert await idle.read() == b""
            if end == "give up":
                closing.cancel()
                await asyncio.wait([closing])
            assert await half.is_answered()
            await asyncio.wait([closing])

    served(new_loop, test)


def test_clients_can_be_told_to_go(new_loop):
    async def test(server, talk):
        idle = await talk()
        with contextlib.ExitStack() as stack:
            half = await Half.of(server, stack)
            server.close_clients()
            assert await idle.read() == b""
            assert await half.is_answered()
        await talk()

    served(new_loop, test)


def test_clients_can_be_cut_off(new_loop):
    async def test(server, talk):
        idle = await talk()
        with contextlib.ExitStack() as stack:
            half = await Half.of(server, stack)
            server.abort_clients()
            for reader in idle, half.reader:
                with contextlib.suppress(ConnectionResetError):
                    assert await reader.read() == b""
        await talk()

    served(new_loop, test)
