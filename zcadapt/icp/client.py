"""Asks an ICP server one thing."""

import asyncio
import secrets
import socket
from typing import Final

from zcadapt.icp.datagram import build, parse, parse_reply
from zcadapt.icp.errors import BadReplyError
from zcadapt.icp.message import Query, Reply, SocketAddress

__all__ = ["ask", "exchange"]

TIMEOUT: Final = 2.0


async def ask(
    url: str,
    host: str = "127.0.0.1",
    port: int = 3130,
    timeout: float = TIMEOUT,  # noqa: ASYNC109
) -> Reply:
    """Return what the server at `host` and `port` answers to a query for `url`.

    Args:
        url: what it is asked about.
        host: an address or a name.
        port: its UDP port.
        timeout: seconds to wait, 2 unless given.

    Raises:
        ValueError: the URL does not fit into a query.
        TimeoutError: no answer came within `timeout` seconds.
        OSError: nobody listens there, or there is no such host.
    """
    query = build(url, request_number=secrets.randbits(32))
    return await exchange(query, host, port, timeout)


async def exchange(
    datagram: bytes,
    host: str,
    port: int,
    timeout: float = TIMEOUT,  # noqa: ASYNC109
) -> Reply:
    """Send the query that `datagram` is, and return its reply.

    Only a reply that comes from there and has the same request number and the
    same URL is taken; others are overheard. Of several addresses of `host` the
    first is asked where somebody listens.

    Raises:
        ValueError: the datagram is no query, or a broken one.
        TimeoutError: no answer came within `timeout` seconds, 2 unless given.
        OSError: nobody listens there, or there is no such host.
    """
    query = parse(datagram)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(timeout):
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        *others, last = [(family, address) for family, _, _, _, address in found]
        for family, address in others:
            try:
                return await _exchange(query, family, address)
            except OSError:  # nobody listens there, or there is no way
                continue
        return await _exchange(query, *last)


async def _exchange(query: Query, family: int, address: SocketAddress) -> Reply:
    loop = asyncio.get_running_loop()
    waiting = _Waiting(query, loop.create_future())
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.settimeout(0)
        sock.connect(address)  # so that the system drops what others send
        transport, _ = await loop.create_datagram_endpoint(lambda: waiting, sock=sock)
    except BaseException:
        sock.close()
        raise
    try:
        transport.sendto(query.datagram)
        return await waiting.reply
    finally:
        transport.close()


class _Waiting(asyncio.DatagramProtocol):
    """Waits for the reply to `query`."""

    def __init__(self, query: Query, reply: "asyncio.Future[Reply]") -> None:
        self.query = query
        self.reply = reply

    def datagram_received(self, data: bytes, _: SocketAddress) -> None:
        try:
            reply = parse_reply(data)
        except BadReplyError:
            return
        if self._is_ours(reply) and not self.reply.done():
            self.reply.set_result(reply)

    def error_received(self, exc: Exception) -> None:
        if not self.reply.done():
            self.reply.set_exception(exc)

    def _is_ours(self, reply: Reply) -> bool:
        query = self.query
        is_the_same = (reply.request_number, reply.url) == (query.request_number, query.url)
        return is_the_same and not reply.options & ~query.options  # RFC 2187, 9.7
