"""One connection to clamd."""

import asyncio
import socket
from contextlib import suppress
from typing import Final, Self

__all__ = ["Connection", "connect"]

#: No answer of clamd's is longer.
LONGEST_REPLY: Final = 4096
#: Seconds until the next try where the queue of a Unix socket is full.
AGAIN: Final = 0.02


async def connect(where: str | tuple[str, int]) -> "Connection":
    """Return a connection to `where`: the path of a Unix socket, or (host, port).

    Raises:
        OSError: there is nobody, or there cannot be.
    """
    try:
        return Connection(await (_to_unix(where) if isinstance(where, str) else _to_tcp(*where)))
    except ValueError as error:  # a host that cannot be written in DNS, a path with a NUL
        raise OSError(str(error)) from error


async def _to_tcp(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    failed: OSError = ConnectionRefusedError("it has no address")
    for family, kind, protocol, _, address in await loop.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)  # noqa: FBT003 - socket's own
            await loop.sock_connect(sock, address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            failed = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failed


async def _to_unix(path: str) -> socket.socket:
    """Not with the loop's own: that takes a full queue for a connection."""
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.setblocking(False)  # noqa: FBT003 - socket's own
        while True:
            try:
                sock.connect(path)
            except BlockingIOError:
                await asyncio.sleep(AGAIN)
            else:
                return sock
    except BaseException:
        sock.close()
        raise


class Connection:
    """A socket, to be used as a context.

    Not a transport: clamd may answer and hang up while we still send, and a
    transport that fails to send has thrown away what it could have read.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    async def send(self, data: bytes) -> bool:
        """Send `data`; return False if clamd has hung up."""
        try:
            await self._loop.sock_sendall(self._sock, data)
        except OSError:
            return False
        return True

    def is_answered(self) -> bool:
        """Whether there is an answer, or none will come; this does not wait."""
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    async def reply(self) -> str:
        """Return the answer; empty: it hung up without."""
        read = b""
        with suppress(OSError):
            while b"\0" not in read and len(read) < LONGEST_REPLY:
                piece = await self._loop.sock_recv(self._sock, LONGEST_REPLY)
                if not piece:
                    break
                read += piece
        return read.partition(b"\0")[0].decode("utf-8", "replace").strip()
