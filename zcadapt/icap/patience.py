"""How long a client may keep us waiting, on one connection."""

from typing import TYPE_CHECKING, Final

from zcadapt.icap.connection import AnswerSide, RequestSide
from zcadapt.icap.errors import SlowClientError

if TYPE_CHECKING:
    from zcadapt.icap.wire import Wire

__all__ = ["check", "is_idle"]

#: Seconds that a client has to read the answer to a broken request.
LINGER: Final = 2.0
#: Where it is the client's turn.
READING: Final = frozenset({RequestSide.IDLE, RequestSide.PREVIEW, RequestSide.BODY})


def check(wire: "Wire", now: float) -> None:
    """Do what is due when the client has kept us waiting for too long."""
    waited = now - wire.since
    settings = wire.settings
    if wire.lingering:
        if waited > LINGER:
            wire.break_off()
    elif wire.is_closing:
        if waited > settings.write_timeout:
            wire.break_off()
    elif wire.congested:
        _check_reader(wire, now)
    elif wire.exchange is None and is_idle(wire):
        if waited > settings.idle_timeout:
            wire.hang_up()
    elif waited > settings.read_timeout and _waits_for_client(wire):
        wire.refuse(SlowClientError(f"silent for {waited:.0f} s in the middle of a request"))
        wire.pump()


def is_idle(wire: "Wire") -> bool:
    """Whether the client is between two requests."""
    conn = wire.conn
    between = conn.request_side is RequestSide.IDLE or conn.answer_side is AnswerSide.SENT
    return between and conn.request_side is not RequestSide.BODY and not conn.left_over


def _waits_for_client(wire: "Wire") -> bool:
    return not wire.held and wire.conn.request_side in READING


def _check_reader(wire: "Wire", now: float) -> None:
    """Look after a client that takes nothing of its answer.

    One that is still sending its body may be one that reads nothing until it
    has sent everything: after a while its body is read ahead.
    """
    unsent = wire.unsent()
    if unsent < wire.most_unsent:
        wire.most_unsent = unsent
        wire.since = now
    waited = now - wire.since
    if waited > wire.settings.write_timeout:
        error = SlowClientError(f"has taken nothing of its answer for {waited:.0f} s")
        wire.server.refused(wire.peer, error)
        wire.break_off()
    elif waited > wire.settings.stall_timeout and wire.conn.request_side is RequestSide.BODY:
        wire.ahead = True
        wire.regulate()
