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
    "SQUIDS_BUFFER",
    "STEP",
    "EarlyAnswer",
    "Stallers",
    "drip_if_silent",
    "drip_on",
    "may_stall",
]

logger = logging.getLogger("zcadapt.icap")

#: So much of a body Squid holds, and has sent when it stalls for the first time: its 64 KB less
#: one byte. Nobody stalls before, and what is shorter comes whole.
SQUIDS_BUFFER: Final = 65535
#: After so much more of a body, and not before, another byte of it goes back. It has to be less
#: than what Squid holds when it stalls: some of that comes, and leaves room, before the byte goes.
STEP: Final = 48 * 1024
#: Seconds of silence that are enough where a client that is known to stall does so as Squid.
SOON: Final = 0.05
#: So many times ``drip_after`` must one be silent that neither is known to stall nor does it so.
LONG: Final = 10
#: Seconds within which a client that stalled goes on when its answer begins.
PROMPT: Final = 0.25
#: Seconds for which a client is remembered: it may have been mended since.
REMEMBERED: Final = 3600.0
MOST_REMEMBERED: Final = 1024


TEXT: Final = (
    "%s sends nothing more of a response before its answer begins, as a Squid before 2025 does "
    "(its bug 5352): from now on its answers begin early, and what is blocked then is broken off"
)


class Stallers:
    """The hosts of the clients that stall, as far as that has been seen.

    Args:
        clock: returns the time in seconds.
        enabled: whether anybody is answered early at all.
    """

    __slots__ = ("_clock", "_enabled", "_until")

    def __init__(self, clock: Callable[[], float], *, enabled: bool) -> None:
        self._clock = clock
        self._enabled = enabled
        self._until: dict[str, float] = {}

    def know(self, host: str) -> bool:
        """Return whether the client at `host` is one of them."""
        return self._enabled and self._until.get(host, 0.0) > self._clock()

    def add(self, host: str) -> None:
        """Remember a client that has stalled, and tell of it if nobody knows."""
        if not self.know(host):
            logger.warning(TEXT, host)
        self._until.pop(host, None)
        if len(self._until) >= MOST_REMEMBERED:
            del self._until[next(iter(self._until))]  # seen longest ago
        self._until[host] = self._clock() + REMEMBERED


def may_stall(head: RequestHead) -> bool:
    """Whether the client of this request may be one that stalls.

    It is no REQMOD client, and none that may be told 204: of as much as makes it
    stall Squid never offers that, with a preview or without.
    """
    return head.line.method == "RESPMOD" and "204" not in head.allow


def drip_if_silent(exchange: "Exchange", waited: float) -> None:
    """Drip for a client that has been silent for `waited` seconds, if that is long for it.

    One that fell silent where Squid stalls is remembered if it goes on then.
    """
    wire, begins = exchange.wire, exchange.early is None
    as_squid = exchange.body.spool.size == SQUIDS_BUFFER
    is_long = as_squid or waited > LONG * wire.settings.drip_after
    if begins and not is_long and not wire.server.stallers.know(wire.peer[0]):
        return
    exchange.drip()
    if begins and as_squid and exchange.early is not None:
        exchange.early.probe()


def drip_on(exchange: "Exchange") -> None:
    """See to it that a client goes on of whose body `drips_at` bytes or more have come."""
    wire = exchange.wire
    if exchange.early is not None:
        exchange.early.go_on()
    elif exchange.body.spool.size == SQUIDS_BUFFER and wire.server.stallers.know(wire.peer[0]):
        asyncio.get_running_loop().call_later(SOON, _drip_if_stalled, exchange)


def _drip_if_stalled(exchange: "Exchange") -> None:
    """Drip if nothing more has come: else it does not stall, or a service was quick to decide."""
    if exchange.wire.exchange is exchange and exchange.body.spool.size == SQUIDS_BUFFER:
        exchange.drip()


class EarlyAnswer:
    """An answer that begins before it is decided: the head as it came, and single bytes."""

    __slots__ = ("_exchange", "_probed_at")

    def __init__(self, exchange: "Exchange", answer: Answer) -> None:
        self._exchange = exchange
        self._probed_at: float | None = None
        exchange.wire.server.counters.answered_early += 1
        exchange.wire.begin_answer(answer)
        self._send_byte()

    def probe(self) -> None:
        """See whether the client goes on at once, now that it has its first byte."""
        self._probed_at = monotonic()
        self._exchange.drips_at = self._exchange.body.spool.size + 1

    def go_on(self) -> None:
        """Send a byte more, where enough of the body has come since the last."""
        exchange = self._exchange
        size = exchange.body.spool.size
        if self._probed_at is not None and size >= exchange.drips_at:
            if monotonic() - self._probed_at < PROMPT:
                exchange.wire.server.stallers.add(exchange.wire.peer[0])
            self._probed_at = None
            exchange.drips_at += STEP - 1
        if size >= exchange.drips_at:
            self._send_byte()

    def _send_byte(self) -> None:
        exchange = self._exchange
        exchange.wire.put(exchange.body.spool.read_at(exchange.echoed)[:1])
        exchange.echoed += 1
        exchange.wire.flush()
        exchange.drips_at = exchange.body.spool.size + STEP

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
        exchange.wire.server.counters.broken_off += 1
        headers = HTTPResponse(exchange.head.response or b"").headers
        if headers.get("content-length", "").isdecimal() and "transfer-encoding" not in headers:
            exchange.wire.end_body()
            exchange.finish()
        else:
            exchange.wire.break_off()
