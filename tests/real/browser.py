"""What sits on the other side of Squid: a client that trusts its certificates."""

import contextlib
import http.client
import json
import socket
import struct
from typing import NamedTuple
from urllib.parse import urlsplit


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self):
        return json.loads(self.body)


class Browser:
    """Fetches through `squid`; https goes through a CONNECT tunnel that Squid opens up."""

    def __init__(self, squid):
        self.address = "127.0.0.1", squid.port
        self.trusted = squid.authority.trusted()

    @contextlib.contextmanager
    def connected(self, url):
        """Yield a connection for `url`."""
        parts = urlsplit(url)
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(
                *self.address, timeout=30, context=self.trusted
            )
            connection.set_tunnel(parts.hostname, parts.port)
        else:
            connection = http.client.HTTPConnection(*self.address, timeout=30)
        with contextlib.closing(connection):
            yield connection

    def fetch(self, url, method="GET", body=None, **headers):
        """Ask for `url` and return the answer."""
        with self.connected(url) as connection:
            return self.fetch_on(connection, url, method, body, **headers)

    def fetch_on(self, connection, url, method="GET", body=None, **headers):
        """Ask for `url` on a connection that may have been used before."""
        self.ask(connection, url, method, body, **headers)
        return self.answer(connection)

    def ask(self, connection, url, method="GET", body=None, **headers):
        """Send a request; a body that is a list goes out in chunks."""
        if url.startswith("https:"):
            url = urlsplit(url)._replace(scheme="", netloc="").geturl()
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, url, body, headers, encode_chunked=isinstance(body, list))

    def answer(self, connection):
        with connection.getresponse() as response:
            return Answer(response.status, response.headers, response.read())


def reset(connection):
    """Go away the rude way: with a TCP reset, whatever is on its way."""
    linger = struct.pack("ii", 1, 0)
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.close()
