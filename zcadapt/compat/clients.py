"""The clients of one server, whatever its kind: how many, who asks nothing, and what they share."""

import resource
import select
import socket
import socketserver
import threading
import time
from contextlib import suppress
from typing import Any, Final
from weakref import WeakSet

from zcadapt.icap.answer import CLOSE, Answer, field
from zcadapt.icap.options import http_date, istag
from zcadapt.icap.settings import ICAPSettings
from zcadapt.icap.spool import Disk
from zcadapt.version import VERSION

__all__ = ["DEFAULTS", "Clients", "clients_of"]

#: What counts where a server has no ``icap_settings``.
DEFAULTS: Final = ICAPSettings(connections=1024)

#: The ISTag where nobody is asked.
TAG: Final = istag([VERSION])

#: So much is received at once, in bytes.
RECEIVE: Final = 64 * 1024

#: Seconds that a client may take to ask while another one waits for its turn:
#: for its first request, and for each further one.
FIRST: Final = 1.0
FURTHER: Final = 0.1

#: So many clients at once are told that there are too many; more are cut off without a word.
MOST_TURNED_AWAY: Final = 64
#: Seconds that such a client has to read it.
TURNED_AWAY: Final = 2.0
#: So many of the files that the program may have open are not for clients who are served:
#: those that are turned away have some, and so has the rest of the program.
OTHER_FILES: Final = 2 * MOST_TURNED_AWAY


class Clients:
    """Those of `server`, which is one of `socketserver`.

    Attributes:
        tags: the ISTag that the handler has set for a service, by its name.
    """

    def __init__(self, server: Any) -> None:  # noqa: ANN401 - any of socketserver
        self._server = server
        self.tags: dict[str, str] = {}
        self._lock = threading.Lock()
        self._count = 0
        self._turned_away = 0
        self._idle: set[socket.socket] = set()
        self._is_leaving = self._is_closed = False
        self._disk: Disk | None = None
        # Whether a client that is served keeps all others waiting.
        serve = type(server).process_request
        self._is_alone = serve is socketserver.BaseServer.process_request

    @property
    def settings(self) -> ICAPSettings:
        """The ``icap_settings`` of the server.

        Raises:
            TypeError: they are something else.
        """
        found = getattr(self._server, "icap_settings", DEFAULTS)
        if not isinstance(found, ICAPSettings):
            kind = type(self._server).__name__
            raise TypeError(f"icap_settings of {kind} is an ICAPSettings, not {found!r:.80}")
        return found

    @property
    def disk(self) -> Disk:
        """The room for the temporary files of all bodies together."""
        with self._lock:
            if self._disk is None:
                self._disk = _SharedDisk(self.settings.spool_bytes)
            return self._disk

    # How many there are

    def come(self) -> bool:
        """Count one more; return whether there is room for it."""
        leave_at_exit(self)
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        most = self.settings.connections
        if files != resource.RLIM_INFINITY:
            most = min(most, max(files - OTHER_FILES, files // 2))
        with self._lock:
            self._count += 1
            return self._count <= most

    def go(self) -> None:
        """Count one less."""
        with self._lock:
            self._count -= 1

    def turn_away(self, sock: socket.socket) -> None:
        """Tell one that there are too many."""
        with self._lock:
            self._turned_away += 1
            is_told = self._turned_away <= MOST_TURNED_AWAY
        try:
            if is_told:
                with suppress(OSError):
                    self._tell(sock)
        finally:
            with self._lock:
                self._turned_away -= 1

    def _tell(self, sock: socket.socket) -> None:
        until = time.monotonic() + TURNED_AWAY
        left = self.settings.drain_bytes
        sock.settimeout(TURNED_AWAY)
        fields = field("ISTag", f'"{TAG}"') + field("Date", http_date(time.time()))
        sock.sendall(Answer(503, fields + CLOSE).encoded)
        sock.shutdown(socket.SHUT_WR)
        while left > 0 and (seconds := until - time.monotonic()) > 0:
            sock.settimeout(seconds)
            data = sock.recv(RECEIVE)  # its request would destroy the answer
            if not data:
                return
            left -= len(data)

    # Who asks nothing

    def next_of(self, sock: socket.socket, seconds: float, *, first: bool) -> bytes:
        """Return what a client sends when it likes to, within so long; ``b""``: it has to go.

        Args:
            sock: its connection.
            seconds: how long it may ask nothing.
            first: it has not asked anything yet.
        """
        with self._lock:
            if self._is_leaving:
                return b""
            self._idle.add(sock)
        try:
            if not self._has_time_for(sock, seconds, FIRST if first else FURTHER):
                return b""
            sock.settimeout(seconds)
            return sock.recv(RECEIVE)
        except OSError:  # TimeoutError among them
            return b""
        finally:
            with self._lock:
                self._idle.discard(sock)

    def _has_time_for(self, sock: socket.socket, seconds: float, soon: float) -> bool:
        """Wait until a client asks something; return False where another has to be served first."""
        if not self._is_alone:
            return True
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        if poll.poll(soon * 1000):
            return True
        self._watch(poll)
        return any(descriptor == sock.fileno() for descriptor, _ in poll.poll(seconds * 1000))

    def is_wanted_elsewhere(self) -> bool:
        """Whether a client that has its answer must go."""
        if self._is_leaving or not self._is_alone:
            return self._is_leaving
        poll = select.poll()
        self._watch(poll)
        return bool(poll.poll(0))

    def _watch(self, poll: select.poll) -> None:
        with suppress(OSError, ValueError):  # not if it listens no more
            poll.register(self._server.socket, select.POLLIN)

    # The end

    def stay(self) -> None:
        """Let clients stay, if they were to leave; not if the server has been closed."""
        with self._lock:
            self._is_leaving = self._is_closed

    def leave(self, *, for_ever: bool = False) -> None:
        """Let go of all clients that ask nothing, and of each other when it is answered."""
        with self._lock:
            self._is_closed = self._is_closed or for_ever
            self._is_leaving = True
            for sock in self._idle:
                with suppress(OSError):  # a TLS connection would end at once if asked itself
                    socket.socket.shutdown(sock, socket.SHUT_RD)


def clients_of(server: Any) -> Clients:  # noqa: ANN401 - any of socketserver
    """Return the clients of a server: the same at each call."""
    found: Clients | None = getattr(server, "_zcadapt_clients", None)
    return found or vars(server).setdefault("_zcadapt_clients", Clients(server))  # one for all


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
_serving: WeakSet[Clients] = WeakSet()
_watching = threading.Lock()


def leave_at_exit(clients: Clients) -> None:
    """Let `clients` go when the program ends: their threads are waited for."""
    if clients in _serving:
        return
    _serving.add(clients)
    if _watching.acquire(blocking=False):
        threading.Thread(target=_watch, name="zcadapt-exit", daemon=True).start()


def _watch() -> None:
    threading.main_thread().join()
    for clients in list(_serving):
        clients.leave()
