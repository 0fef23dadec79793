"""How long a client may keep us waiting, on one connection, and a plugin that was to end."""

from typing import TYPE_CHECKING, Final

from zcadapt.icap.connection import AnswerSide, RequestSide
from zcadapt.icap.drip import drip_if_silent
from zcadapt.icap.errors import SlowClientError
from zcadapt.icap.sides import MID_BODY

if TYPE_CHECKING:
    from zcadapt.icap.wire import Wire

__all__ = ["check", "is_idle"]

#: Seconds of silence after which a client that has been told all is not waited for any more.
LINGER: Final = 2.0
#: Seconds that it may go on sending what nobody wants.
LINGER_MOST: Final = 30.0


def check(wire: "Wire", now: float) -> None:
    """Do what is due when somebody has kept us waiting for too long."""
    if wire.lingering:
        _check_lingering(wire, now)
    elif wire.is_closing:
        _check_reader(wire, now)
    elif wire.exchange is None and is_idle(wire) and not wire.congested:
        if now - wire.since > wire.settings.idle_timeout:
            wire.hang_up()
    elif _is_endless(wire, now):
        _give_up(wire, f"not answered in {wire.settings.request_timeout:.0f} s")
    elif wire.congested:
        _check_reader(wire, now)
    else:
        _check_sender(wire, now)
    if wire.exchange is not None:
        wire.exchange.leave_behind(now)


def is_idle(wire: "Wire") -> bool:
    """Whether the client is between two requests."""
    conn = wire.conn
    between = conn.request_side is RequestSide.IDLE or conn.answer_side is AnswerSide.SENT
    return between and conn.request_side is not RequestSide.BODY and not conn.left_over


def _is_endless(wire: "Wire", now: float) -> bool:
    at_work = wire.exchange is not None or wire.conn.request_side in MID_BODY
    return at_work and now - wire.begun > wire.settings.request_timeout


def _check_sender(wire: "Wire", now: float) -> None:
    """Look after a client whose turn it is to send; the heads have to come within their time."""
    side = wire.conn.request_side
    waited = now - wire.since
    if wire.held:
        return
    if wire.exchange is not None and 0 < wire.settings.drip_after < waited:
        drip_if_silent(wire.exchange, waited)
    if side is RequestSide.IDLE and waited > wire.settings.head_timeout:
        _give_up(wire, f"the heads of a request have not come in {waited:.0f} s")
    elif side in MID_BODY and waited > wire.settings.read_timeout:
        _give_up(wire, f"silent for {waited:.0f} s in the middle of a request")


def _check_reader(wire: "Wire", now: float) -> None:
    """Look after a client that takes nothing of its answer.

    One that is still sending its body may be one that reads nothing until it
    has sent everything: after a while its body is read ahead.
    """
    waited, whole = wire.untaken_for(now), now - wire.begun
    if waited > wire.settings.write_timeout or whole > wire.settings.request_timeout:
        what = f"taken nothing of its answer for {waited:.0f} s, not all of it for {whole:.0f} s"
        error = SlowClientError(f"has {what}")
        wire.server.refused(wire.peer, error)
        wire.break_off()
    elif waited > wire.settings.stall_timeout and wire.conn.request_side is RequestSide.BODY:
        wire.ahead = True
        wire.regulate()


def _check_lingering(wire: "Wire", now: float) -> None:
    if wire.unsent():
        _check_reader(wire, now)
    elif now - wire.since > LINGER or now - wire.begun > LINGER_MOST:
        wire.break_off()


def _give_up(wire: "Wire", why: str) -> None:
    wire.refuse(SlowClientError(why))
    wire.pump()
