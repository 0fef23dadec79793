"""The ICP server: carries datagrams between sockets and a `Responder`.

It reads its sockets itself, when the event loop says that something has come,
and takes what is there in one go: that costs the same on asyncio and uvloop,
and less than a datagram transport of either. A reply that the system does not
take at once is dropped, as UDP may: nothing waits, and no memory grows.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import repeat
from typing import Any, Final

from zcadapt.icp.counters import Counters
from zcadapt.icp.datagram import LONGEST
from zcadapt.icp.message import SocketAddress
from zcadapt.icp.responder import Observe, Pending, Responder
from zcadapt.icp.settings import ICPSettings
from zcadapt.icp.sockets import bind_all
from zcadapt.rule import Candidate

__all__ = ["ICPServer"]

#: One byte more than allowed, to see that a datagram is too long.
READ_SIZE: Final = LONGEST + 1
#: How many datagrams are read before others in the event loop have their turn.
BATCH: Final = 64
#: Seconds after which nobody waits for an answer any more; Squid waits two.
LONGEST_WAIT: Final = 30.0
#: How many are still read when the server ends.
LAST_BATCH: Final = 4096


class ICPServer:
    """Answers queries on all sockets that it listens on, until it is closed.

    `policies` returns the candidates as they are now, as a `Policies` does.
    `observe` is called with 'icp', the name of the policy that answered or
    ``None``, the query and the answer. When it raises, that is logged and the
    answer stands.
    """

    def __init__(
        self,
        policies: Callable[[], Sequence[Candidate]],
        settings: ICPSettings | None = None,
        *,
        observe: Observe | None = None,
    ) -> None:
        self._settings = ICPSettings() if settings is None else settings
        self._responder = Responder(policies, self._settings, observe)
        self._sockets: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._answering: set[asyncio.Future[bytes]] = set()

    @property
    def counters(self) -> Counters:
        """What became of the datagrams that came."""
        return self._responder.counters

    @property
    def pending(self) -> int:
        """How many queries wait for asynchronous policies."""
        return len(self._tasks)

    async def listen(self, host: str, port: int, *, reuse_port: bool = False) -> tuple[str, int]:
        """Answer at all addresses of `host`; return the first one really listened on.

        Port 0 lets the system choose one, the same for all. With `reuse_port`
        other processes can listen there too and share the queries, though
        each gets a copy of what is sent to a multicast group.

        Raises:
            OSError: there is no such host, or one of its addresses is taken,
                forbidden or none of this machine; then none is listened on.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)
        socks = bind_all(
            [(family, address) for family, _, _, _, address in found],
            groups=self._settings.multicast,
            receive_buffer=self._settings.receive_buffer,
            reuse_port=reuse_port,
        )
        for sock in socks:
            self.serve(sock)
        return socks[0].getsockname()[:2]  # type: ignore[no-any-return]

    def serve(self, sock: socket.socket) -> None:
        """Answer what comes to `sock`, a bound UDP socket, which the server closes."""
        sock.settimeout(0)
        self._sockets.append(sock)
        asyncio.get_running_loop().add_reader(sock, self._read, sock, BATCH)

    async def close(self, grace: float = 1.0) -> None:
        """Answer what has come so far, for `grace` seconds at most, and stop.

        Whatever comes from the beginning of this call on may be lost.
        """
        loop = asyncio.get_running_loop()
        sockets, self._sockets = self._sockets, []
        try:
            for sock in sockets:
                loop.remove_reader(sock)
                self._read(sock, LAST_BATCH)
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=grace)
            late = list(self._tasks)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        finally:
            for sock in sockets:
                sock.close()

    def _read(self, sock: socket.socket, most: int) -> None:
        """Answer up to `most` datagrams that wait in `sock`.

        All are received, then all answered, then all replies sent: done in
        turn for each datagram that takes an eighth more time.
        """
        respond = self._responder.respond
        replies: list[tuple[bytes, SocketAddress]] = []
        for datagram, address in self._receive(sock, most):
            try:
                reply = respond(datagram, address)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - the others are answered all the same
                reply = self._responder.failed(datagram, address, error)
            if isinstance(reply, bytes):
                replies.append((reply, address))
            elif reply is not None:
                self._wait_for(reply, sock)
        self._send(sock, replies)

    def _receive(self, sock: socket.socket, most: int) -> list[tuple[bytes, SocketAddress]]:
        come: list[tuple[bytes, SocketAddress]] = []
        try:
            # What comes before an error stays in the list.
            come.extend(map(sock.recvfrom, repeat(READ_SIZE, most)))
        except BlockingIOError:
            pass
        except OSError:  # the system tells of an earlier reply that did not arrive
            self.counters.unsent += 1
        return come

    def _send(self, sock: socket.socket, replies: Iterable[tuple[bytes, SocketAddress]]) -> None:
        send = sock.sendto
        for reply, address in replies:
            try:
                send(reply, address)
            except OSError:  # a full buffer, port 0, no route: for ICP a lost datagram
                self.counters.unsent += 1

    def _wait_for(self, pending: Pending, sock: socket.socket) -> None:
        if len(self._tasks) >= self._settings.pending:
            _, _, address = pending.asked
            self._send(sock, [(self._responder.give_up(pending), address)])
            return
        task = asyncio.get_running_loop().create_task(self._finish(pending, sock))
        self._tasks.add(task)
        task.add_done_callback(partial(self._finished, pending))

    async def _finish(self, pending: Pending, sock: socket.socket) -> None:
        datagram, _, address = pending.asked
        answering = asyncio.ensure_future(self._responder.finish(pending))
        self._answering.add(answering)
        answering.add_done_callback(self._answering.discard)
        try:
            reply: bytes | None = await self._in_time(answering)
        except Exception as error:  # noqa: BLE001 - as in `_read`
            reply = self._responder.failed(datagram, address, error)
        if reply is not None:
            self._send(sock, [(reply, address)])

    async def _in_time(self, answering: asyncio.Future[bytes]) -> bytes:
        """Return the reply; a policy that goes on though it was cancelled is left behind."""
        try:
            await asyncio.wait({answering}, timeout=LONGEST_WAIT)
        finally:
            if not answering.done():
                answering.cancel()
        if not answering.done():
            raise TimeoutError("a policy was cancelled and goes on")
        return answering.result()

    def _finished(self, pending: Pending, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        pending.close()  # a task cancelled before its first step has awaited nothing
