"""ICP within any program: the reply to one datagram, and a server in a thread of its own."""

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final, Self
from weakref import WeakSet

from zope.component import getGlobalSiteManager  # type: ignore[import-untyped]

from zcadapt.address import HIGHEST_PORT
from zcadapt.icp.datagram import NOWHERE, read, reply_to
from zcadapt.icp.errors import BadDatagramError
from zcadapt.icp.opcodes import ANSWERS, DEFAULT_ANSWER
from zcadapt.icp.policies import Policies, check_url
from zcadapt.icp.seldom import Seldom
from zcadapt.icp.server import ICPServer
from zcadapt.icp.settings import ICPSettings
from zcadapt.registry import watch

__all__ = ["CheckURL", "RunningServer", "handle_request", "start_server"]

log = logging.getLogger("zcadapt.icp")

#: Returns an answer such as ``'ICP_OP_HIT'`` for a URL, or ``None`` for no opinion.
CheckURL = Callable[[str], str | None]

#: All IPv4 addresses of the machine, as the socket module too understands ''.
ANY: Final = "0.0.0.0"  # noqa: S104 - the setting allow says who is answered

#: Seconds that queries have which wait for asynchronous policies, when the server is stopped.
GRACE: Final = 1.0
#: Seconds after which a server that was stopped has to have ended.
PATIENCE: Final = 5.0

_seldom_failed = Seldom()

watch(getGlobalSiteManager())  # now, before threads register policies and start servers


def handle_request(datagram: bytes, check_url: CheckURL = check_url) -> bytes:
    r"""Return the reply to `datagram`, empty where there is to be none.

    >>> from zcadapt.icp import build, parse_reply
    >>> query = build('http://example.com/', request_number=0xDEADBEEF)
    >>> parse_reply(handle_request(query, lambda url: 'ICP_OP_HIT')).answer
    'ICP_OP_HIT'

    It is `check_url` that is asked about a good query (RFC 2186, 2). ``None``
    counts as ``'ICP_OP_MISS'``; when it raises, or returns what is no answer,
    that is logged, once a minute at most, and the reply is ICP_OP_ERR. It is
    ICP_OP_ERR for a broken query, too. Whatever is no query, such as a reply,
    and what has fewer than 21 bytes has no reply:

    >>> handle_request(handle_request(query))
    b''

    Without `check_url` the policies of the global registry are asked, or those
    of the local site where one is set, as by `zcadapt.icp.check_url`: as if this
    very host had sent the query, and not in code that runs in an event loop,
    where one of them is asynchronous.
    """
    try:
        _, url, _ = read(datagram, NOWHERE)
    except BadDatagramError as error:
        return error.reply or b""
    return reply_to(datagram, _opcode(check_url, url))


def _opcode(check_url: CheckURL, url: str) -> int:
    try:
        answer = check_url(url)
        return ANSWERS[DEFAULT_ANSWER if answer is None else answer]
    except Exception:  # whoever asks would wait for a reply
        if _seldom_failed.due():
            log.exception("%r gave no answer", check_url)
        return ANSWERS["ICP_OP_ERR"]


class _Server(ICPServer):
    """One that knows its sockets until they are closed."""

    def __init__(self, policies: Policies, settings: ICPSettings | None) -> None:
        super().__init__(policies, settings)
        self._all: list[socket.socket] = []
        _servers.add(self)

    def serve(self, sock: socket.socket) -> None:
        self._all.append(sock)
        super().serve(sock)

    def leave(self) -> None:
        """Close the sockets, and leave them to the process that this one was forked from."""
        for sock in self._all:
            sock.close()


_servers: Final[WeakSet[_Server]] = WeakSet()


def _leave_all() -> None:
    for server in list(_servers):
        server.leave()


# Else their addresses would be taken for as long as the child lives, with nobody to answer.
os.register_at_fork(after_in_child=_leave_all)


class RunningServer:
    """An ICP server in a daemon thread, which `start_server` has started.

    In a ``with`` statement it is stopped at the end.

    Attributes:
        address: the address and the port that it listens on; of several
            addresses that a name has the first.
    """

    address: tuple[str, int]

    def __init__(self, host: str, port: int, settings: ICPSettings | None = None) -> None:
        if not 0 <= port <= HIGHEST_PORT:  # a look-up takes it modulo 65536
            raise OverflowError(f"ports are 0 to {HIGHEST_PORT}, not {port}")
        server = _Server(Policies(getGlobalSiteManager()), settings)
        begun: Future[tuple[str, int]] = Future()
        self._loop = asyncio.SelectorEventLoop()
        self._stop = asyncio.Event()
        life = self._serve(server, host or ANY, port, begun)
        self._thread = threading.Thread(target=self._run, args=(life,), name="ICP", daemon=True)
        try:
            self._thread.start()
            self.address = begun.result()
        except Exception:
            if self._thread.ident is None:  # there is no room for a thread
                life.close()
                self._loop.close()
            with suppress(TimeoutError):  # what was raised first says more
                self.stop()
            raise
        except BaseException:  # Ctrl-C: a look-up may take long, and is not waited for
            self._end()
            raise

    def __repr__(self) -> str:
        host, port = self.address
        return f"<{type(self).__name__} on {host} port {port}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Answer what has come so far, and end; harmless when it has ended.

        Any thread may call it, and goes on when the address is free and the
        server's thread has ended. A policy, which runs in that thread, goes on
        at once; but one that is marked ``blocking`` has a thread of its own, and
        goes on after a second, when its query is given up. Queries that wait for
        asynchronous policies, as that one does, have one second. In a process
        that was forked from the server's there is nothing to stop.

        Raises:
            TimeoutError: a policy has not come back within 5 seconds. Its
                thread is left behind, and ends when it does, or with the program.
        """
        self._end()
        if self._thread.ident is None or threading.current_thread() is self._thread:
            return
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            raise TimeoutError("the server does not end: a policy does not come back")

    def _end(self) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._stop.set)

    def _run(self, life: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(life)

    async def _serve(
        self, server: ICPServer, host: str, port: int, begun: "Future[tuple[str, int]]"
    ) -> None:
        try:
            begun.set_result(await server.listen(host, port))
        except BaseException as error:  # noqa: BLE001 - for who waits for the beginning
            begun.set_exception(error)
            return
        try:
            await self._stop.wait()
        finally:  # a policy that raises KeyboardInterrupt ends the thread
            await server.close(GRACE)


def start_server(
    ip: str = "", port: int = 3130, *, settings: ICPSettings | None = None
) -> RunningServer:
    r"""Answer ICP queries in a thread of this program, and return the server.

    It asks the policies of the global registry, as they are at each query, and
    tells that it has started:

    >>> with start_server('127.0.0.1', 0) as server:  # doctest: +ELLIPSIS
    ...     host, port = server.address
    info: ICP server started
        Address: 127.0.0.1
        Port: ...

    Call it in the process that is to answer: a process that is forked later has
    neither the thread nor the sockets. It ends with the program, or when it is
    stopped.

    Args:
        ip: a host, which is listened on at all its addresses; all IPv4
            addresses of this machine where it is empty.
        port: a UDP port; 0 lets the system choose one.
        settings: who may ask, and the rest of the table ``[icp]`` save for
            ``listen``. Without, this machine, private networks and the link may.

    Raises:
        OSError: there is no such host, or one of its addresses is taken,
            forbidden or none of this machine.
        OverflowError: the port is not 0 to 65535.
    """
    server = RunningServer(ip, port, settings)
    _, port = server.address
    with suppress(OSError, ValueError):  # standard output is closed
        print(f"info: ICP server started\n\tAddress: {ip or 'any'}\n\tPort: {port}")  # noqa: T201
    return server
