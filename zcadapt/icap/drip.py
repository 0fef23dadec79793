"""A client that sends nothing more of a response before its answer begins is answered early.

Squid before 2025 does so (its bug 5352): after some 64 KB of a response it
waits for the answer, while a service waits for the rest. So the client is sent
the head of the response as it is and single bytes of its body, and goes on.
From then on the answer can only be completed, or stopped.
"""

import asyncio
import logging
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Final

from zcadapt.icap.answer import Answer
from zcadapt.icap.decisions import KEEP, Allow, Modify
from zcadapt.icap.events import RequestHead
from zcadapt.icap.http import HTTPResponse
from zcadapt.rule import Won

if TYPE_CHECKING:
    from zcadapt.icap.exchange import Exchange

__all__ = [
    "BEFORE",
    "STEP",
    "EarlyAnswer",
    "Stallers",
    "drip_if_silent",
    "drip_soon",
    "may_stall",
]

logger = logging.getLogger("zcadapt.icap")

#: So much of a body comes before a client stalls; what is shorter comes whole.
BEFORE: Final = 60 * 1024
#: After so much more of a body another byte of it goes back.
STEP: Final = 48 * 1024
#: Seconds of silence that are enough where a client is known to stall.
SOON: Final = 0.05
#: Seconds within which a client that stalled goes on when its answer begins.
PROMPT: Final = 0.25
#: Seconds for which a client is remembered: it may have been mended since.
REMEMBERED: Final = 3600.0
MOST_REMEMBERED: Final = 1024


TEXT: Final = (
    "%s sends nothing more of a response before its answer begins, as Squid does before 2025 "
    "(its bug 5352): from now on its answers begin early, and what is blocked then is broken off"
)


class Stallers:
    """The hosts of the clients that stall, as far as that has been seen.

    Args:
        clock: returns the time in seconds.
        enabled: whether anybody is answered early at all.

    Attributes:
        seen: how often a client has stalled.
    """

    __slots__ = ("_clock", "_enabled", "_until", "seen")

    def __init__(self, clock: Callable[[], float], *, enabled: bool) -> None:
        self.seen = 0
        self._clock = clock
        self._enabled = enabled
        self._until: dict[str, float] = {}

    def know(self, host: str) -> bool:
        """Return whether the client at `host` is one of them."""
        return self._enabled and self._until.get(host, 0.0) > self._clock()

    def add(self, host: str) -> None:
        """Remember a client that has stalled."""
        self.seen += 1
        if host not in self._until:
            logger.warning(TEXT, host)
            if len(self._until) >= MOST_REMEMBERED:
                del self._until[next(iter(self._until))]  # seen longest ago
        self._until.pop(host, None)
        self._until[host] = self._clock() + REMEMBERED


def may_stall(head: RequestHead) -> bool:
    """Whether the client of this request may be one that stalls.

    It is no REQMOD client, and none that may be told 204 outside of a preview:
    Squid never offers that for as much as makes it stall.
    """
    may_204 = head.preview is None and "204" in head.allow
    return head.line.method == "RESPMOD" and not may_204


def drip_if_silent(exchange: "Exchange") -> None:
    """Drip for a client that has been silent for long, and see whether it goes on then."""
    early, after = exchange.early, exchange.wire.settings.drip_after
    if early is None or monotonic() - early.dripped_at > after:
        exchange.drip()
        if early is None and exchange.early is not None:
            exchange.early.probes = True


def drip_soon(exchange: "Exchange") -> None:
    """Drip for a client that goes on, or is known to stall, when a piece of the body has come."""
    wire = exchange.wire
    if exchange.early is not None:
        exchange.early.go_on()
    elif wire.server.stallers.know(wire.peer[0]):
        size = exchange.body.spool.size
        asyncio.get_running_loop().call_later(SOON, _drip_if_same, exchange, size)


def _drip_if_same(exchange: "Exchange", size: int) -> None:
    """Drip if nothing more has come: else it does not stall, or a service was quick to decide."""
    wire = exchange.wire
    if wire.exchange is not exchange or exchange.early is not None:
        return
    if exchange.body.spool.size == size and not wire.held:
        exchange.drip()
    else:
        drip_soon(exchange)


class EarlyAnswer:
    """An answer that begins before it is decided: the head as it came, and single bytes."""

    __slots__ = ("_exchange", "_size", "dripped_at", "probes")

    def __init__(self, exchange: "Exchange", answer: Answer) -> None:
        self._exchange = exchange
        self._size = exchange.body.spool.size
        self.probes = False
        exchange.wire.begin_answer(answer)
        self._send_byte()

    def go_on(self) -> None:
        """Send a byte more, if there is one."""
        wire = self._exchange.wire
        if self.probes and self._exchange.body.spool.size > self._size:
            self.probes = False
            if monotonic() - self.dripped_at < PROMPT:
                wire.server.stallers.add(wire.peer[0])
        if self._exchange.echoed < self._exchange.body.spool.size:
            self._send_byte()

    def _send_byte(self) -> None:
        exchange = self._exchange
        exchange.wire.put(exchange.body.spool.read_at(exchange.echoed)[:1])
        exchange.echoed += 1
        exchange.wire.flush()
        self.dripped_at = monotonic()

    def end(self, won: Won | None) -> None:
        """Do what has been decided: complete it, or stop."""
        exchange = self._exchange
        exchange.wire.server.observe(exchange.request, won)
        if won is None or isinstance(won.answer, Allow):
            exchange.send_rest()
            return
        if isinstance(won.answer, Modify) and won.answer.body is KEEP:
            text = "%r stays as it is: service %r changes its head after its answer had begun"
            logger.warning(text, exchange.request, won.candidate.name)
            exchange.send_rest()
            return
        text = "%r is broken off: service %r decided so (%s) after its answer had begun"
        logger.warning(text, exchange.request, won.candidate.name, won.answer.reason)
        self.stop()

    def stop(self) -> None:
        """End it so that the user's client sees that it is not whole.

        Where the head has told its length, that is seen if the body ends too
        early. Otherwise the connection is cut, which a proxy counts as our failure.
        """
        exchange = self._exchange
        headers = HTTPResponse(exchange.head.response or b"").headers
        if headers.get("content-length", "").isdecimal() and "transfer-encoding" not in headers:
            exchange.wire.end_body()
            exchange.finish()
        else:
            exchange.wire.break_off()
