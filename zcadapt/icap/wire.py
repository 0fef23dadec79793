"""The socket side of one ICAP connection: bytes in, bytes out, and nothing of ICAP.

Flow control runs both ways. A client that takes nothing of its answer is not
read from, so that memory stays bounded; unless it writes everything before it
reads anything, which would be a deadlock: after a while its body is read ahead.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from zcadapt.icap.admission import Admission
from zcadapt.icap.answer import CLOSE, Answer, field
from zcadapt.icap.connection import AnswerSide, Connection, RequestSide
from zcadapt.icap.endpoint import Endpoint
from zcadapt.icap.errors import (
    IcapError,
    OverloadedError,
    ServiceFailedError,
)
from zcadapt.icap.events import BodyData, BodyEnd, Cue, RequestHead
from zcadapt.icap.exchange import Exchange
from zcadapt.icap.outlet import HIGH_WATER, Outlet
from zcadapt.icap.patience import is_idle
from zcadapt.icap.sides import MID_BODY
from zcadapt.icap.spool import Spool

if TYPE_CHECKING:
    from zcadapt.icap.server import ICAPServer

__all__ = ["Wire"]

logger = logging.getLogger("zcadapt.icap")

#: So many pipelined requests are answered before others have their turn.
TURNS: Final = 32


class Wire(Outlet, asyncio.Protocol):
    """One connection.

    Attributes:
        ahead: the client does not read, and still sends: its body is read ahead.
        begun: when the request at hand began; or the lingering, once all is said.
        endpoint: that of the last request which led to one.
        held: reading is paused.
        lingering: all is said; the client may read it before we close.
        since: when the client last sent something, or its turn to send began.
    """

    __slots__ = (
        "_drained",
        "_rests",
        "_turns",
        "ahead",
        "begun",
        "endpoint",
        "exchange",
        "held",
        "lingering",
        "peer",
        "server",
        "settings",
        "since",
    )

    def __init__(self, server: "ICAPServer") -> None:
        super().__init__(Connection(server.settings))
        self.server = server
        self.settings = server.settings
        self.endpoint: Endpoint | None = None
        self.exchange: Exchange | None = None
        self.peer: tuple[str, int] = ("", 0)
        self.ahead = False
        self.held = False
        self.lingering = False
        self.begun = self.since = server.now
        self._drained = 0  # how much of a body that nobody wants has come
        self._turns = 0
        self._rests = False  # others have their turn

    # What the event loop tells

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - asyncio.Transport
        """Accept a client, or tell it that there are too many."""
        self.open(transport)
        address = transport.get_extra_info("peername")
        self.peer = tuple(address[:2]) if isinstance(address, tuple) else ("", 0)
        admission = self.server.admit(self)
        if admission is Admission.REFUSED:
            self.refuse(OverloadedError(f"{self.settings.connections} clients are connected"))
            self.pump()
        elif admission is Admission.CUT:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self.lingering:
            self.since = self.server.now
            return
        conn = self.conn
        if self.exchange is not None or not conn.left_over:
            self.since = self.server.now
        conn.receive_data(data)
        self.pump()

    def eof_received(self) -> bool:
        """The client sends nothing more; it may still read."""
        if self.lingering:
            return False
        self.conn.receive_data(b"")
        self.pump()
        return not self.lingering

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        del exc
        self.conn.fail()
        if self.exchange is not None:
            exchange, self.exchange = self.exchange, None
            exchange.abort()
        self.make_room()
        self.server.dismiss(self)

    def pause_writing(self) -> None:
        """The client does not take what it is sent."""
        self.congested = True
        self.watch_reader(self.server.now)
        self.regulate()

    def resume_writing(self) -> None:
        """The client takes more."""
        self.make_room()
        self.pump(writable=True)

    # What an exchange tells

    def spool(self) -> Spool:
        """Return a place for the body of a message."""
        return Spool(self.settings.body_memory, self.server.disk)

    def answered(self) -> None:
        """The answer is out: what still comes of the request is dropped."""
        self.exchange = None
        self.ahead = False
        self.since = self.server.now

    def refuse(self, error: IcapError) -> None:
        """Tell the client what is wrong, as far as it can still be told."""
        self.server.refused(self.peer, error)
        if error.keeps_connection and self.exchange is not None and self.exchange.early is not None:
            self.exchange.early.stop()
            return
        conn = self.conn
        if not error.keeps_connection:
            conn.fail()
        exchange = self.exchange
        self.answered()
        if exchange is not None:
            exchange.abort()
        if conn.answer_side is AnswerSide.WAITING:
            server = self.server
            endpoint = self.endpoint or server.endpoints.find("")  # an ISTag in every answer
            fields = endpoint.fields(server.second)
            fields += b"".join([field(*pair) for pair in error.icap_headers])
            self.send(conn.answer(Answer(error.status, fields + (CLOSE if conn.closes else b""))))
        elif conn.answer_side is AnswerSide.STREAMING:
            self.break_off()

    def break_off(self) -> None:
        """Cut the connection, so that the client sees that its answer is not whole."""
        self.conn.fail()
        self.cut()

    # Between the two

    def pump(self, *, writable: bool = False) -> None:
        """Let everything happen that can; `writable`: the client takes more of its answer."""
        if self.lingering:
            return
        while not self._handle_all(writable=writable):
            writable = False
        self.flush()
        if self.held:
            self.regulate()
        conn = self.conn
        if conn.must_close and self.exchange is None:
            self._close_if_done()

    def _handle_all(self, *, writable: bool) -> bool:
        """Handle what the client has done; False: an error came between, and there is more."""
        try:
            if writable and self.exchange is not None:
                self.exchange.writable()
            self._handle_events()
        except IcapError as error:
            self.refuse(error)
            return not error.keeps_connection
        except Exception:
            logger.exception("a request of %s could not be handled", self.peer)
            self.conn.fail()
            self.refuse(ServiceFailedError("an error of our own"))
        return True

    def _handle_events(self) -> None:
        conn = self.conn
        if (self.congested or self._rests) and self._is_between():
            self.regulate()
            return
        while not isinstance(event := conn.next_event(), Cue):
            exchange = self.exchange
            if isinstance(event, RequestHead):
                self._begin(event)
            elif isinstance(event, BodyData):
                if exchange is not None:
                    exchange.data(event.data)
                else:
                    self._drain(event.data)
            elif exchange is None:
                self._drained = 0
            elif isinstance(event, BodyEnd):
                exchange.end(event.trailers)
            else:
                exchange.preview_end()
            if conn.left_over and self._is_between() and self._must_rest():
                return
        if event is Cue.PAUSED and len(conn.left_over) > HIGH_WATER:
            self.regulate()

    def _is_between(self) -> bool:
        """Whether one request has been answered and the next has not been looked at."""
        return self.exchange is None and self.conn.request_side in BETWEEN

    def _must_rest(self) -> bool:
        """Whether pipelined requests wait: until their client reads, or others had a turn."""
        self.flush()
        self._turns += 1
        if self._turns % TURNS == 0 and not self.congested:
            self._rests = True
            asyncio.get_running_loop().call_soon(self._go_on)
            return True
        return self.congested

    def _go_on(self) -> None:
        """Answer more, when others have had their turn."""
        self._rests = False
        self.pump()

    def _begin(self, head: RequestHead) -> None:
        server = self.server
        server.counters.requests += 1
        self.begun = server.now
        self.endpoint = endpoint = server.endpoints.find(head.line.path)
        if head.line.method == "OPTIONS":
            self._answer_options(head, endpoint)
            return
        self.exchange = Exchange(self, head, endpoint)
        self.exchange.begin()

    def _answer_options(self, head: RequestHead, endpoint: Endpoint) -> None:
        conn = self.conn
        trailers = "trailers" in head.allow
        answer = endpoint.options(self.server.second, trailers=trailers, close=conn.closes)
        self.send(conn.answer(answer))

    def _drain(self, data: bytes) -> None:
        self._drained += len(data)
        if self._drained > self.settings.drain_bytes:
            logger.debug("%s:%d: sends more of a body that nobody wants than is read", *self.peer)
            self.conn.fail()

    # Reading or not

    def regulate(self) -> None:
        """Read from the client, or let it wait, as there is room for what it sends."""
        hold = self._is_full()
        if hold is not self.held and not self._transport.is_closing():
            self.held = hold
            if hold:
                self._transport.pause_reading()
            else:
                self.since = self.server.now
                self._transport.resume_reading()

    def _is_full(self) -> bool:
        conn = self.conn
        if self.lingering:
            return False
        if conn.request_side in MID_BODY:
            exchange = self.exchange
            full = self.congested or (exchange is not None and exchange.is_full)
            return full and not self.ahead
        return self.congested or len(conn.left_over) > HIGH_WATER

    # The end

    @property
    def is_busy(self) -> bool:
        """Whether a request is being read or answered."""
        return self.exchange is not None or not is_idle(self) or self.congested

    @property
    def is_closing(self) -> bool:
        """Whether nothing more is read, and what waits to be sent is the last."""
        return bool(self._transport.is_closing())

    def close(self) -> None:
        """Close when the request at hand, if any, has been answered."""
        self.conn.must_close = True
        if not self.is_busy:
            self.hang_up()

    def hang_up(self) -> None:
        """Close as soon as the client has taken what was written."""
        self.watch_reader(self.server.now)
        self._transport.close()

    def _close_if_done(self) -> None:
        side = self.conn.request_side
        if self._transport.is_closing():
            return
        if side is RequestSide.FAILED:
            self._linger()
        elif side in BETWEEN and not self.conn.left_over:
            self.hang_up()

    def _linger(self) -> None:
        """Close, but let the client read the answer before it learns that its bytes are lost.

        Closing a socket with unread bytes in it would take back what was sent.
        """
        self.lingering = True
        self.begun = self.since = self.server.now
        self.watch_reader(self.since)
        self.regulate()
        if self._transport.can_write_eof():
            self._transport.write_eof()


BETWEEN: Final = frozenset({RequestSide.IDLE, RequestSide.DONE})
