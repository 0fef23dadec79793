"""The socket side of one ICAP connection: bytes in, bytes out, and nothing of ICAP.

Flow control runs both ways. A client that takes nothing of its answer is not
read from, so that memory stays bounded; unless it writes everything before it
reads anything, which would be a deadlock: after a while its body is read ahead.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from zcadapt.icap.answer import CLOSE, Answer
from zcadapt.icap.connection import AnswerSide, Connection, RequestSide
from zcadapt.icap.endpoint import Endpoint
from zcadapt.icap.errors import (
    BrokenMessageError,
    IcapError,
    OverloadedError,
    ServiceFailedError,
)
from zcadapt.icap.events import BodyData, BodyEnd, Cue, RequestHead
from zcadapt.icap.exchange import Exchange
from zcadapt.icap.patience import is_idle
from zcadapt.icap.spool import Spool

if TYPE_CHECKING:
    from zcadapt.icap.server import ICAPServer

__all__ = ["Wire"]

logger = logging.getLogger("zcadapt.icap")

#: Bytes of pipelined requests, or of answers, that may wait.
HIGH_WATER: Final = 256 * 1024
#: Up to this size the buffers of an answer are joined to one.
SHORT: Final = 16 * 1024
#: So many pipelined requests are answered before others have their turn.
TURNS: Final = 32


class Wire(asyncio.Protocol):
    """One connection.

    Attributes:
        ahead: the client does not read, and still sends: its body is read ahead.
        congested: the client does not take what it is sent.
        held: reading is paused.
        lingering: all is said; the client may read it before we close.
        most_unsent: what waited to be sent at the last progress while congested.
        since: when the client last did what it should.
    """

    __slots__ = (
        "_drained",
        "_due",
        "_joins",
        "_out",
        "_room",
        "_transport",
        "_turns",
        "ahead",
        "congested",
        "conn",
        "exchange",
        "held",
        "lingering",
        "most_unsent",
        "peer",
        "server",
        "settings",
        "since",
    )

    def __init__(self, server: "ICAPServer") -> None:
        self.server = server
        self.settings = server.settings
        self.conn = Connection(server.settings)
        self.exchange: Exchange | None = None
        self.peer: tuple[str, int] = ("", 0)
        self.ahead = False
        self.congested = False
        self.held = False
        self.lingering = False
        self.most_unsent = 0
        self.since = server.now
        self._drained = 0  # how much of a body that nobody wants has come
        self._due: Answer | None = None  # it goes out with the first piece of its body
        self._joins = False  # all that goes out together is joined to one buffer
        self._out: list[bytes] = []
        self._turns = 0
        self._room: asyncio.Future[None] | None = None

    # What the event loop tells

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - asyncio.Transport
        """Accept a client, or tell it that there are too many."""
        self._transport = transport
        # asyncio's writelines joins too, or else, in 3.12.0 to 3.12.8 and in 3.13.0 and 3.13.1,
        # never says that the client does not take it (CVE-2024-12254). uvloop's does neither.
        self._joins = type(transport).__module__.startswith("asyncio")
        address = transport.get_extra_info("peername")
        self.peer = tuple(address[:2]) if isinstance(address, tuple) else ("", 0)
        transport.set_write_buffer_limits(HIGH_WATER)
        if not self.server.admit(self):
            self.refuse(OverloadedError(f"{self.settings.connections} clients are connected"))
            self.pump()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self.lingering:
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
        self._make_room()
        self.server.dismiss(self)

    def pause_writing(self) -> None:
        """The client does not take what it is sent."""
        self.congested = True
        self.most_unsent = self.unsent()
        self.since = self.server.now
        self.regulate()

    def resume_writing(self) -> None:
        """The client takes more."""
        self.since = self.server.now
        self._make_room()
        self.pump(writable=True)

    # What an exchange tells

    def spool(self) -> Spool:
        """Return a place for the body of a message."""
        return Spool(self.settings.body_memory, self.server.disk)

    def send(self, data: bytes) -> None:
        """Send `data`."""
        self._out.append(data)

    def begin_answer(self, answer: Answer) -> None:
        """Send the head of an answer, together with the first piece of its body."""
        self._due = answer

    def put(self, piece: bytes) -> None:
        """Send a piece of the answer's body."""
        if self._due is not None:
            self._send_head(self._due)
        self._out += self.conn.data(piece)

    def end_body(self, *, original_from: int | None = None, trailers: bytes = b"") -> None:
        """End the answer's body."""
        if self._due is not None:
            self._send_head(self._due)
        self._out.append(self.conn.end(original_from=original_from, trailers=trailers))

    def _send_head(self, answer: Answer) -> None:
        self._due = None
        self._out.append(self.conn.answer(answer))

    def flush(self) -> None:
        """Write what was sent, in one go."""
        out = self._out
        if not out:
            return
        self._out = []
        if len(out) == 1:
            self._transport.write(out[0])
        elif self._joins or sum(map(len, out)) <= SHORT:
            self._transport.write(b"".join(out))
        else:
            self._transport.writelines(out)

    async def room(self) -> None:
        """Wait until the client takes more, or is gone."""
        while self.congested:
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def _make_room(self) -> None:
        self.congested = False
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def answered(self) -> None:
        """The answer is out: what still comes of the request is dropped."""
        self.exchange = None
        self.ahead = False
        self.since = self.server.now

    def refuse(self, error: IcapError) -> None:
        """Tell the client what is wrong, as far as it can still be told."""
        self.server.refused(self.peer, error)
        conn = self.conn
        if not error.keeps_connection:
            conn.fail()
        exchange = self.exchange
        self.answered()
        if exchange is not None:
            exchange.abort()
        if conn.answer_side is AnswerSide.WAITING:
            server = self.server
            fields = exchange.endpoint.fields(server.second) if exchange else server.fields
            self.send(
                conn.answer(Answer(error.status, fields + (CLOSE if conn.must_close else b"")))
            )
        elif conn.answer_side is AnswerSide.STREAMING:
            self.break_off()

    def break_off(self) -> None:
        """Cut the connection, so that the client sees that its answer is not whole."""
        self.conn.fail()
        self._out.clear()
        self._transport.abort()

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
        if self.congested and self._is_between():
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
            asyncio.get_running_loop().call_soon(self.pump)
            return True
        return self.congested

    def _begin(self, head: RequestHead) -> None:
        server = self.server
        server.counters.requests += 1
        endpoint = server.endpoints.find(head.line.path)
        if head.line.method == "OPTIONS":
            self._answer_options(head, endpoint)
            return
        self.exchange = Exchange(self, head, endpoint)
        self.exchange.begin()

    def _answer_options(self, head: RequestHead, endpoint: Endpoint) -> None:
        conn = self.conn
        trailers = "trailers" in head.allow
        answer = endpoint.options(self.server.second, trailers=trailers, close=conn.must_close)
        self.send(conn.answer(answer))

    def _drain(self, data: bytes) -> None:
        self._drained += len(data)
        if self._drained > self.settings.drain_bytes:
            raise BrokenMessageError("more of a body that nobody wants than is read")

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

    def unsent(self) -> int:
        """Return how many bytes wait for the client to take them."""
        return int(self._transport.get_write_buffer_size())

    def close(self) -> None:
        """Close when the request at hand, if any, has been answered."""
        self.conn.must_close = True
        if not self.is_busy:
            self.hang_up()

    def hang_up(self) -> None:
        """Close as soon as the client has taken what was written."""
        self.since = self.server.now
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
        self.since = self.server.now
        self.regulate()
        if self._transport.can_write_eof():
            self._transport.write_eof()


MID_BODY: Final = frozenset({RequestSide.PREVIEW, RequestSide.BODY})
BETWEEN: Final = frozenset({RequestSide.IDLE, RequestSide.DONE})
