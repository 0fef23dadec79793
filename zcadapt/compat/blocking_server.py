"""A TCP server that asks a handler in the manner of pyicap, for one client or for many at once."""

import logging
import select
import socket
import socketserver
import sys
import threading
import time
from contextlib import suppress
from functools import cached_property
from socketserver import BaseRequestHandler
from typing import Any, Final
from weakref import WeakSet

from zcadapt.icap.answer import CLOSE, Answer, field
from zcadapt.icap.options import http_date, istag
from zcadapt.icap.settings import ICAPSettings
from zcadapt.icap.spool import Disk
from zcadapt.version import VERSION

__all__ = ["BlockingServer"]

logger = logging.getLogger("zcadapt.icap")

#: The ISTag where nobody is asked.
TAG: Final = istag([VERSION])

#: Seconds that a client may take to ask while another one waits for its turn:
#: for its first request, and for each further one.
FIRST: Final = 1.0
FURTHER: Final = 0.1

#: So many clients at once are told that there are too many; more are cut off without a word.
MOST_TURNED_AWAY: Final = 64
#: Seconds that such a client has to read it.
TURNED_AWAY: Final = 1.0


class BlockingServer(socketserver.TCPServer):
    """Listens for ICAP clients.

    By itself it serves one client after the other; with `socketserver.ThreadingMixIn`
    in front of it, each in a thread of its own.

    Attributes:
        settings: what clients may send, for how long, and how many of them
            there may be: as in the table ``[icap]``, where ``listen`` and
            ``options_ttl`` do not count. A subclass, or an instance before it
            serves, may have others.
        tags: the ISTag that the handler has set for a service, by its name.
    """

    allow_reuse_address = True
    request_queue_size = 128
    settings: ICAPSettings = ICAPSettings(connections=1024)

    def __init__(
        self,
        server_address: Any,  # noqa: ANN401 - as its base has it
        RequestHandlerClass: type[BaseRequestHandler],  # noqa: N803 - as its base calls it
        bind_and_activate: bool = True,  # noqa: FBT001, FBT002 - as its base has it
    ) -> None:
        self.tags: dict[str, str] = {}
        self._lock = threading.Lock()
        self._clients = 0
        self._turned_away = 0
        self._idle: set[socket.socket] = set()
        self._is_leaving = False
        #: Whether a client that is served keeps all others waiting.
        serve = type(self).process_request
        self._is_alone = serve is socketserver.BaseServer.process_request
        super().__init__(server_address, RequestHandlerClass, bind_and_activate)

    @cached_property
    def disk(self) -> Disk:
        """The room for the temporary files of all bodies together."""
        return _SharedDisk(self.settings.spool_bytes)

    # What its users call

    def handle_request(self) -> None:
        """Serve one client, to its last request."""
        self._is_leaving = False
        super().handle_request()

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Serve clients until `shutdown` is called."""
        self._is_leaving = False
        super().serve_forever(poll_interval)

    def shutdown(self) -> None:
        """End `serve_forever`: requests that have begun are answered, and nobody stays."""
        self.leave()
        super().shutdown()

    def server_close(self) -> None:
        """Listen no more: requests that have begun are answered, and nobody stays."""
        self.leave()
        super().server_close()

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as above
        """Serve a client, or tell it that there are too many."""
        _leave_at_exit(self)
        with self._lock:
            self._clients += 1
            is_welcome = self._clients <= self.settings.connections
        try:
            if is_welcome:
                super().finish_request(request, client_address)
            else:
                self._turn_away(request)
        finally:
            with self._lock:
                self._clients -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as above
        """Log what has gone wrong outside of any request."""
        del request
        logger.error(
            "the client %s:%s cannot be served", *client_address[:2], exc_info=sys.exc_info()
        )

    # What each connection says and asks

    def enter_idle(self, sock: socket.socket) -> bool:
        """Note that nothing is lost if a client goes now; False: it is to go."""
        with self._lock:
            if not self._is_leaving:
                self._idle.add(sock)
            return not self._is_leaving

    def leave_idle(self, sock: socket.socket) -> None:
        """Note that a client asks something."""
        with self._lock:
            self._idle.discard(sock)

    def has_time_for(self, sock: socket.socket, *, first: bool) -> bool:
        """Wait until a client asks something; return False where another has to be served first."""
        if not self._is_alone or getattr(sock, "pending", int)():  # int() is 0
            return True
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        if poll.poll((FIRST if first else FURTHER) * 1000):
            return True
        with suppress(OSError, ValueError):  # not if it listens no more
            poll.register(self.socket, select.POLLIN)
        happened = poll.poll(self.settings.idle_timeout * 1000)
        return any(descriptor == sock.fileno() for descriptor, _ in happened)

    def is_wanted_elsewhere(self) -> bool:
        """Whether a client that has its answer must go."""
        if self._is_leaving or not self._is_alone:
            return self._is_leaving
        poll = select.poll()
        with suppress(OSError, ValueError):
            poll.register(self.socket, select.POLLIN)
        return bool(poll.poll(0))

    def leave(self) -> None:
        """Let go of all clients that ask nothing, and of each other when it is answered."""
        with self._lock:
            self._is_leaving = True
            for sock in self._idle:
                with suppress(OSError):  # a TLS connection would end at once if asked itself
                    socket.socket.shutdown(sock, socket.SHUT_RD)

    def _turn_away(self, sock: socket.socket) -> None:
        with self._lock:
            self._turned_away += 1
            is_told = self._turned_away <= MOST_TURNED_AWAY
        try:
            if is_told:
                with suppress(OSError):
                    sock.settimeout(TURNED_AWAY)
                    fields = field("ISTag", f'"{TAG}"') + field("Date", http_date(time.time()))
                    sock.sendall(Answer(503, fields + CLOSE).encoded)
                    sock.shutdown(socket.SHUT_WR)
                    while sock.recv(65536):  # its request would destroy the answer
                        pass
        finally:
            with self._lock:
                self._turned_away -= 1


class _SharedDisk(Disk):
    """Room that threads take and give."""

    __slots__ = ("_lock",)

    def __init__(self, room: int) -> None:
        super().__init__(room)
        self._lock = threading.Lock()

    def take(self, size: int) -> None:
        """Take room for `size` bytes."""
        with self._lock:
            super().take(size)

    def give(self, size: int) -> None:
        """Give room for `size` bytes back."""
        with self._lock:
            super().give(size)


#: Those whose threads Python would wait for when the program ends, and who sees to that.
_serving: WeakSet[BlockingServer] = WeakSet()
_watching = threading.Lock()


def _leave_at_exit(server: BlockingServer) -> None:
    """Let `server` let go of its clients when the program ends: its threads are waited for."""
    if server in _serving:
        return
    _serving.add(server)
    if _watching.acquire(blocking=False):
        threading.Thread(target=_watch, name="zcadapt-exit", daemon=True).start()


def _watch() -> None:
    threading.main_thread().join()
    for server in list(_serving):
        server.leave()
