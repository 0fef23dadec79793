"""An origin server: HTTP/1.1 and HTTPS on loopback, where the path says what is answered.

``/bytes/N``, ``/chunked/N``, ``/gzip/N``, ``/dribble/N`` and ``/abort/N`` are N bytes of
`content`; ``/status/N`` is an answer without body; what is sent to ``/digest`` and ``/echo``
comes back as its digest or whole; ``/zeros/N`` holds nothing in memory. `seen` holds the
requests of one test.
"""

import contextlib
import gzip
import hashlib
import json
import random
import re
import ssl
import threading
from email.message import Message
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import NamedTuple
from urllib.parse import urlsplit

HOST = "origin.test"
LARGE = 50_000_000
PATTERN = random.Random(3507).randbytes(65521)  # a prime: no block of a power of two repeats


def content(size):
    """Return the `size` bytes that all paths serve."""
    return (PATTERN * (size // len(PATTERN) + 1))[:size]


def digest(body):
    """Return what tells `body` from others; ``/digest`` answers it of what was sent there."""
    return [len(body), hashlib.sha256(body).hexdigest()]


class Seen(NamedTuple):
    method: str
    path: str
    headers: Message


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def do_GET(self):
        origin = self.server.origin
        url = urlsplit(self.path)  # a whole URL where we are a proxy's parent
        origin.seen.append(Seen(self.command, url.path, self.headers))
        kind, _, number = url.path[1:].partition("/")
        getattr(self, f"get_{kind}")(int(number or 0))

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815 - http.server wants these names

    def get_bytes(self, size):
        body, etag = content(size), f'"{size}"'
        if self.headers["If-None-Match"] == etag:
            self.answer(304, ETag=etag)
        elif asked := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"] or ""):
            first, last = map(int, asked.groups())
            part = body[first : last + 1]
            self.answer(206, part, Content_Range=f"bytes {first}-{last}/{size}", ETag=etag)
        else:
            self.answer(200, body, ETag=etag)

    def get_zeros(self, size):
        self.answer(200, None, Content_Length=str(size))
        piece = bytes(1 << 20)
        for at in range(0, size, len(piece)):
            self.wfile.write(piece[: size - at])

    def get_gzip(self, size):
        self.answer(200, gzip.compress(content(size)), Content_Encoding="gzip")

    def get_status(self, status):
        self.answer(status)

    def get_chunked(self, size):
        self.answer(200, None, Transfer_Encoding="chunked")
        sizes = random.Random(size)
        left = content(size)
        while left:
            chunk, left = left[: (some := sizes.choice([1, 80, 1460, 16384]))], left[some:]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    def get_dribble(self, size):
        """Ten pieces, each a moment after the other."""
        self.answer(200, None, Content_Length=str(size))
        for start in range(0, size, size // 10):
            self.server.origin.moment()
            self.wfile.write(content(size)[start : start + size // 10])

    def get_abort(self, size):
        """Half of what was promised."""
        self.answer(200, None, Content_Length=str(size))
        self.wfile.write(content(size)[: size // 2])
        self.close_connection = True

    def get_digest(self, _):
        self.answer(200, json.dumps(digest(self.body())).encode())

    def get_echo(self, _):
        self.answer(200, self.body())

    def body(self):
        if self.headers["Transfer-Encoding"] == "chunked":
            return b"".join(iter(self.chunk, b""))
        return self.rfile.read(int(self.headers["Content-Length"] or 0))

    def chunk(self):
        data = self.rfile.read(int(self.rfile.readline(), 16))
        self.rfile.readline()
        return data

    def answer(self, status, body=b"", **headers):
        """Send an answer, its body unless the caller sends it: then `body` is None."""
        self.send_response(status)
        if body is not None and status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("X-Served-By", self.server.origin.name)
        self.send_header("X-Unwanted", "yes")
        self.end_headers()
        if body and self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        """Tests look at `seen`."""


class Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        """Let clients go away; the tests tell what else goes wrong."""


class Origin:
    """`certificate`, a pair of files, is what HTTPS shows; without it there is only HTTP."""

    def __init__(self, name="origin", certificate=None):
        self.name = name
        self.seen = []
        self.schemes = {"http": self._server()}
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            secure = self.schemes["https"] = self._server()
            secure.socket = context.wrap_socket(
                secure.socket, server_side=True, do_handshake_on_connect=False
            )

    def url(self, path, scheme="http"):
        return f"{scheme}://{HOST}:{self.port(scheme)}{path}"

    def port(self, scheme="http"):
        return self.schemes[scheme].server_address[1]

    def moment(self):
        threading.Event().wait(0.02)

    @contextlib.contextmanager
    def running(self):
        threads = [
            threading.Thread(target=server.serve_forever, args=(0.05,))
            for server in self.schemes.values()
        ]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            for server in self.schemes.values():
                server.shutdown()
                server.server_close()
            for thread in threads:
                thread.join()

    def _server(self):
        server = Server(("127.0.0.1", 0), Handler)
        server.origin = self
        return server
