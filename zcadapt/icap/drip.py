"""A client that sends nothing more of a response before its answer begins is answered early.

Squid before 2025 does so (its bug 5352): after some 64 KB of a response it
waits for the answer, while a service waits for the rest. So the client is sent
the head of the response as it is and single bytes of its body, and goes on.
From then on the answer can only be completed, or stopped.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from zcadapt.icap.answer import Answer
from zcadapt.icap.decisions import Allow
from zcadapt.icap.events import RequestHead
from zcadapt.icap.http import HTTPResponse
from zcadapt.rule import Won

if TYPE_CHECKING:
    from zcadapt.icap.exchange import Exchange

__all__ = ["BEFORE", "STEP", "EarlyAnswer", "Stallers"]

logger = logging.getLogger("zcadapt.icap")

#: So much of a body comes before a client stalls; what is shorter comes whole.
BEFORE: Final = 60 * 1024
#: After so much more of a body another byte of it goes back.
STEP: Final = 48 * 1024
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

    def stalls(self, host: str, head: RequestHead, *, silent: bool) -> bool:
        """Return whether the client at `host` waits, or will wait, for the answer to `head`.

        It is no REQMOD client, and none that may be told 204 outside of a
        preview: Squid never offers that for as much as makes it stall.
        """
        may_204 = head.preview is None and "204" in head.allow
        if not self._enabled or head.line.method != "RESPMOD" or may_204:
            return False
        if silent:
            self._add(host)
        return self._until.get(host, 0.0) > self._clock()

    def _add(self, host: str) -> None:
        self.seen += 1
        if host not in self._until:
            logger.warning(TEXT, host)
            if len(self._until) >= MOST_REMEMBERED:
                del self._until[next(iter(self._until))]  # the oldest
        self._until[host] = self._clock() + REMEMBERED


class EarlyAnswer:
    """An answer that begins before it is decided: the head as it came, and single bytes."""

    __slots__ = ("_exchange",)

    def __init__(self, exchange: "Exchange", answer: Answer) -> None:
        self._exchange = exchange
        exchange.wire.begin_answer(answer)
        self.go_on()

    def go_on(self) -> None:
        """Send a byte more."""
        exchange = self._exchange
        wire = exchange.wire
        wire.put(exchange.body.spool.read_at(exchange.echoed)[:1])
        exchange.echoed += 1
        wire.flush()
        wire.since = wire.server.now

    def end(self, won: Won | None) -> None:
        """Do what has been decided: complete it, or stop."""
        exchange = self._exchange
        exchange.wire.server.observe(exchange.request, won)
        if won is None or isinstance(won.answer, Allow):
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
