"""The ICAP server: it listens, counts and keeps time."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from zcadapt.blockpage import Pages
from zcadapt.icap.admission import Admission, Clients
from zcadapt.icap.drip import Stallers
from zcadapt.icap.endpoints import Endpoints
from zcadapt.icap.errors import ClientGoneError, IcapError, ServiceFailedError
from zcadapt.icap.patience import check
from zcadapt.icap.request import Request
from zcadapt.icap.settings import ICAPSettings
from zcadapt.icap.spool import Disk
from zcadapt.icap.wire import Wire
from zcadapt.rule import Won

__all__ = ["Counters", "ICAPServer"]

logger = logging.getLogger("zcadapt.icap")

#: Seconds between two looks at the clock; time-outs are that exact.
TICK: Final = 0.25
BACKLOG: Final = 1024

Observer = Callable[[Request, Won | None], None]


@dataclass(slots=True)
class Counters:
    """What has happened since the start, as plain numbers."""

    connections: int = 0
    requests: int = 0
    errors: dict[int, int] = field(default_factory=dict)  #: by ICAP status
    answered_early: int = 0  #: requests of clients that stalled, or were silent for long
    broken_off: int = 0  #: those among them that could not be completed


class ICAPServer:
    """Answers ICAP clients from `endpoints`.

    Args:
        endpoints: what is consulted under which path.
        settings: the table ``[icap]``.
        observer: is told every decision, in place: it must not block.
        pages: what makes the pages of what is blocked; without, those of zcadapt.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        settings: ICAPSettings,
        *,
        observer: Observer | None = None,
        pages: Pages | None = None,
    ) -> None:
        self.endpoints = endpoints
        self.pages = Pages(endpoints.components) if pages is None else pages
        self.settings = settings
        self.counters = Counters()
        self.disk = Disk(settings.spool_bytes)
        self.now = 0.0  # the loop's time at the last tick
        self.second = 0  # and the world's
        self.observer = observer
        self.stallers = Stallers(lambda: self.now, enabled=settings.drip_after > 0)
        self._clients = Clients(settings.connections)
        self._listeners: list[asyncio.Server] = []
        self._timer: asyncio.TimerHandle | None = None
        self._gone: asyncio.Event = asyncio.Event()

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Accept clients at an address, and return it as bound; port 0 takes a free one.

        Raises:
            OSError: the address cannot be had.
        """
        loop = asyncio.get_running_loop()
        if self._timer is None:
            self._tick()
        listener = await loop.create_server(lambda: Wire(self), host, port, backlog=BACKLOG)
        self._listeners.append(listener)
        bound = listener.sockets[0].getsockname()
        return bound[0], bound[1]

    async def close(self, grace: float) -> None:
        """Accept nobody more, and end when all is answered or `grace` seconds are over.

        Who cancels it waits no longer: clients are cut off at once.
        """
        for listener in self._listeners:
            listener.close()
        clients = self._clients
        clients.is_closed = True
        for wire in clients.all():
            wire.close()
        self._gone.clear()
        try:
            if clients:
                await asyncio.wait_for(self._gone.wait(), grace)
        except TimeoutError:
            logger.warning("%d clients are cut off", len(clients))
        finally:
            for wire in clients.all():
                wire.break_off()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        if clients:
            await self._gone.wait()

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    # What wires tell

    def admit(self, wire: Wire) -> Admission:
        """Count a client; say what becomes of it."""
        self.counters.connections += 1
        return self._clients.admit(wire)

    def dismiss(self, wire: Wire) -> None:
        """Count a client off."""
        self._clients.dismiss(wire)
        if not self._clients:
            self._gone.set()

    def observe(self, request: Request, won: Won | None) -> None:
        """Tell who observes what was decided."""
        if self.observer is not None:
            try:
                self.observer(request, won)
            except KeyboardInterrupt:
                raise
            except BaseException:
                logger.exception("who observes decisions failed")

    def refused(self, peer: tuple[str, int], error: IcapError) -> None:
        """Count and log an error; failures of services are logged where they happen."""
        errors = self.counters.errors
        errors[error.status] = errors.get(error.status, 0) + 1
        if not isinstance(error, ServiceFailedError):
            level = logging.DEBUG if isinstance(error, ClientGoneError) else logging.WARNING
            kind = {"kind": error.status}  # a flood of one does not hide another in the log
            logger.log(level, "%s:%d: %d: %s", *peer, error.status, error, extra=kind)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(TICK, self._tick)
        late = loop.time() - self.now - TICK  # so long it was we who were silent
        self.now = loop.time()
        self.second = int(time.time())
        for wire in self._clients.all():
            if late > TICK:
                wire.since += late
                wire.taken_at += late
            try:
                check(wire, self.now)
            except Exception:
                logger.exception("a connection of %s is cut", wire.peer)
                wire.break_off()
