"""A server on a free port, in a thread of its own, and a client that knows nothing of it."""

import asyncio
import contextlib
import fnmatch
import re
import socket
import textwrap
import threading
import time
from itertools import pairwise
from typing import NamedTuple

import pytest
from zope.interface.registry import Components

from zcadapt.icap.endpoints import Endpoints
from zcadapt.icap.server import ICAPServer
from zcadapt.icap.settings import ICAPSettings
from zcadapt.interfaces import IICAPService

#: Nothing here takes that long, unless it hangs.
DEADLINE = 10.0


@pytest.fixture(params=["asyncio", "uvloop"])
def new_loop(request):
    return pytest.importorskip(request.param).new_event_loop


class Answer(NamedTuple):
    """An ICAP answer, read as RFC 3507 says."""

    status: int
    first: str
    fields: list
    parts: list  #: (name, offset) as Encapsulated says
    heads: dict
    body: bytes | None
    last: bytes  #: the line of the last chunk
    trailers: bytes

    def __getitem__(self, name):
        if isinstance(name, int):
            return tuple.__getitem__(self, name)
        values = [value for key, value in self.fields if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} comes {len(values)} times"
        return values[0] if values else None

    @property
    def http(self):
        """The head that came back."""
        return self.heads.get("res-hdr") or self.heads.get("req-hdr")


class Client:
    """Talks to the server, with a blocking socket."""

    def __init__(self, address, **options):
        self.socket = socket.socket()
        for option, value in options.items():
            self.socket.setsockopt(socket.SOL_SOCKET, getattr(socket, option), value)
        self.socket.settimeout(DEADLINE)
        self.buffer = b""
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Go away without a word."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def more(self):
        data = self.socket.recv(1 << 18)
        self.buffer += data
        return data

    def exactly(self, size):
        while len(self.buffer) < size:
            assert self.more(), f"closed after {self.buffer!r:.300}"
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def until(self, end):
        while end not in self.buffer:
            assert self.more(), f"closed after {self.buffer!r:.300}"
        taken, _, self.buffer = self.buffer.partition(end)
        return taken

    def rest(self):
        """All until the server closes."""
        with contextlib.suppress(ConnectionResetError):
            while self.more():
                pass
        taken, self.buffer = self.buffer, b""
        return taken

    def is_closed_by_server(self):
        return self.rest() == b""

    def chunked(self):
        """(body, last line, trailers)."""
        body = bytearray()
        while size := int((line := self.until(b"\r\n")).partition(b";")[0], 16):
            body += self.exactly(size)
            assert self.exactly(2) == b"\r\n"
        trailers = b""
        while trailer := self.until(b"\r\n"):
            trailers += trailer + b"\r\n"
        return bytes(body), line, trailers

    def answer(self):
        """The next answer, whole."""
        first, *lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, phrase = first.split(" ", 2)
        assert version == "ICAP/1.0"
        assert phrase, "a reason phrase always"
        fields = [tuple(line.split(": ", 1)) for line in lines]
        if status == "100":
            return Answer(100, first, fields, [], {}, None, b"", b"")
        assert fields[-1][0] == "Encapsulated", "Encapsulated is last"
        parts = [part.split("=") for part in fields[-1][1].split(", ")]
        parts = [(name, int(offset)) for name, offset in parts]
        heads = {}
        for (name, begin), (_, end) in pairwise(parts):
            heads[name] = self.exactly(end - begin)
            assert heads[name].endswith(b"\r\n\r\n")
        body, last, trailers = (None, b"", b"")
        if parts[-1][0] != "null-body":
            body, last, trailers = self.chunked()
        return Answer(int(status), first, fields, parts, heads, body, last, trailers)

    def ask(self, request):
        self.send(request)
        return self.answer()

    def talk(self, script):
        """Play a conversation; ``*`` in a line of the server stands for anything."""
        lines = textwrap.dedent(script).strip().splitlines()
        for who, what in (re.fullmatch(r"(C|S):(?: (.*))?", line).groups("") for line in lines):
            if who == "C":
                self.send(what.encode("latin-1") + b"\r\n")
            else:
                line = self.until(b"\r\n").decode("latin-1")
                assert fnmatch.fnmatchcase(line, re.sub(r"([\[?])", r"[\1]", what)), (line, what)


def chunks(body, size=None):
    """`body` in chunks of `size`, without the last one."""
    size = size or max(len(body), 1)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


END = b"0\r\n\r\n"
IEOF = b"0; ieof\r\n\r\n"
GET = b"GET http://example.com/a HTTP/1.1\r\nHost: example.com\r\n\r\n"
POST = b"POST http://example.com/a HTTP/1.1\r\nHost: example.com\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"


def message(
    method, path, *fields, request=GET, response=None, body=None, preview=None, end=None, chunk=None
):
    """An ICAP request; of a body with a preview what comes before 100 Continue."""
    lines = [f"{method} icap://127.0.0.1{path} ICAP/1.0", "Host: 127.0.0.1", *fields]
    if preview is not None:
        lines.append(f"Preview: {preview}")
    heads = [("req-hdr", request), ("res-hdr", response)]
    parts, at = [], 0
    for name, head in heads:
        if head is not None:
            parts.append(f"{name}={at}")
            at += len(head)
    kind = "req-body" if method == "REQMOD" else "res-body"
    parts.append(f"{kind if body is not None else 'null-body'}={at}")
    lines.append("Encapsulated: " + ", ".join(parts))
    whole = (
        "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (request or b"") + (response or b"")
    )
    if body is None:
        return whole
    if preview is None:
        return whole + chunks(body, chunk) + (end or END)
    is_all = len(body) <= preview
    return whole + chunks(body[:preview], chunk) + (end or (IEOF if is_all else END))


def reqmod(path="/reqmod", *fields, **parts):
    if parts.get("body") is not None:
        parts.setdefault("request", POST)
    return message("REQMOD", path, *fields, **parts)


def respmod(path="/respmod", *fields, **parts):
    parts.setdefault("response", OK)
    return message("RESPMOD", path, *fields, **parts)


def options(path="/reqmod", *fields):
    lines = [f"OPTIONS icap://127.0.0.1{path} ICAP/1.0", "Host: 127.0.0.1", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


class Talk:
    """How requests are written: handed to tests, which cannot import it."""

    END, IEOF, GET, POST, OK = END, IEOF, GET, POST, OK
    chunks = staticmethod(chunks)
    reqmod = staticmethod(reqmod)
    respmod = staticmethod(respmod)
    options = staticmethod(options)


@pytest.fixture(name="icap", scope="session")
def icap_():
    return Talk


class Running:
    """A server that runs in a thread."""

    def __init__(self, new_loop, server, components):
        self.server = server
        self.components = components
        self.problems = []
        self.clients = []
        self._runner = asyncio.Runner(loop_factory=new_loop)
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(DEADLINE)

    def _run(self):
        with self._runner as runner:
            runner.run(self._serve())

    async def _serve(self):
        self.loop = asyncio.get_running_loop()
        self.loop.set_exception_handler(lambda _, context: self.problems.append(context))
        self.stop = asyncio.Event()
        self.address = await self.server.listen("127.0.0.1", 0)
        self._ready.set()
        await self.stop.wait()

    def call(self, function, *args):
        """What `function` returns in the server's loop."""

        async def called():
            result = function(*args)
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(called(), self.loop).result(DEADLINE)

    def wait_for(self, condition):
        """Wait until `condition` holds, looked at in the server's loop."""

        async def held():
            end = time.monotonic() + DEADLINE
            while not condition():
                assert time.monotonic() < end, "it never came true"
                await asyncio.sleep(0.002)

        self.call(held)

    def client(self, **options):
        client = Client(self.address, **options)
        self.clients.append(client)
        return client

    def register(self, name, service):
        self.components.registerUtility(service, IICAPService, name)

    def tasks(self):
        """What runs in the loop, but for the server's own."""
        return [
            t
            for t in asyncio.all_tasks(self.loop)
            if "_serve" not in repr(t) and "called" not in repr(t)
        ]

    def nothing_is_left(self):
        """All clients gone, nothing of them stays."""
        for client in self.clients:
            client.close()
        self.wait_for(lambda: self.server.connections == 0 and not self.tasks())

    def end(self):
        try:
            self.nothing_is_left()
            self.call(self.server.close, 1.0)
            assert self.problems == []
        finally:
            self.loop.call_soon_threadsafe(self.stop.set)
            self._thread.join(DEADLINE)
            assert not self._thread.is_alive()


@pytest.fixture
def serve(new_loop):
    """Run a server with these services, by name, and these settings."""
    with contextlib.ExitStack() as stack:

        def run(services=None, *, observer=None, around=None, **settings):
            components = Components()
            for name, service in (services or {}).items():
                components.registerUtility(service, IICAPService, name)
            icap = ICAPSettings(**settings)
            endpoints = Endpoints(components, settings=icap, **(around or {}))
            running = Running(new_loop, ICAPServer(endpoints, icap, observer=observer), components)
            stack.callback(running.end)
            return running

        yield run


@pytest.fixture
def ask(serve):
    """Ask one server with these services one thing."""

    def ask(request, services=None, **settings):
        return serve(services, **settings).client().ask(request)

    return ask
