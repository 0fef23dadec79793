"""The socket side of one ICAP connection: bytes in, bytes out, and nothing of ICAP.

Flow control runs both ways. A client that takes nothing of its answer is not
read from, so that memory stays bounded; unless it writes everything before it
reads anything, which would be a deadlock: after a while its body is read ahead.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from zcadapt.icap.answer import Answer
from zcadapt.icap.connection import AnswerSide, Connection, RequestSide
from zcadapt.icap.endpoint import Endpoint
from zcadapt.icap.errors import (
    BrokenMessageError,
    IcapError,
    OverloadedError,
    ServiceFailedError,
    SlowClientError,
)
from zcadapt.icap.events import BodyData, BodyEnd, Cue, PreviewEnd, RequestHead
from zcadapt.icap.exchange import CLOSE, Exchange

if TYPE_CHECKING:
    from zcadapt.icap.server import ICAPServer

__all__ = ["Wire"]

logger = logging.getLogger("zcadapt.icap")

#: Bytes of pipelined requests, or of answers, that may wait.
HIGH_WATER: Final = 256 * 1024
#: Up to this size the buffers of an answer are joined to one.
SHORT: Final = 16 * 1024
#: Seconds that a client has to read the answer to a broken request.
LINGER: Final = 2.0


class Wire(asyncio.Protocol):
    """One connection."""

    __slots__ = (
        "_ahead",
        "_corked",
        "_drained",
        "_held",
        "_lingering",
        "_out",
        "_room",
        "_since",
        "_transport",
        "_unsent",
        "congested",
        "conn",
        "exchange",
        "peer",
        "server",
        "settings",
    )

    def __init__(self, server: "ICAPServer") -> None:
        self.server = server
        self.settings = server.settings
        self.conn = Connection(server.settings)
        self.exchange: Exchange | None = None
        self.peer: tuple[str, int] = ("", 0)
        self.congested = False
        self._ahead = False  # the client does not read: its body is read ahead
        self._corked = False  # a head waits for the first piece of its body
        self._drained = 0
        self._held = False  # reading is paused
        self._lingering = False
        self._out: list[bytes] = []
        self._room: asyncio.Future[None] | None = None
        self._since = server.now
        self._unsent = 0

    # What the event loop tells

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - asyncio.Transport
        """Accept a client, or tell it that there are too many."""
        self._transport = transport
        address = transport.get_extra_info("peername")
        self.peer = tuple(address[:2]) if isinstance(address, tuple) else ("", 0)
        transport.set_write_buffer_limits(HIGH_WATER)
        if not self.server.admit(self):
            self.refuse(OverloadedError(f"{self.settings.connections} clients are connected"))
            self.pump()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        conn = self.conn
        if self._lingering:
            return
        if self.exchange is not None or not conn.left_over:
            self._since = self.server.now
        conn.receive_data(data)
        self.pump()

    def eof_received(self) -> bool:
        """The client sends nothing more; it may still read."""
        if self._lingering:
            return False
        self.conn.receive_data(b"")
        self.pump()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        del exc
        if self.exchange is not None:
            self.exchange.abort()
            self.exchange = None
        if self._room is not None:
            self._room.cancel()
        self.server.dismiss(self)

    def pause_writing(self) -> None:
        """The client does not take what it is sent."""
        self.congested = True
        self._unsent = self._transport.get_write_buffer_size()
        self._since = self.server.now
        if not self._ahead:
            self.hold_reading()

    def resume_writing(self) -> None:
        """The client takes more."""
        self.congested = False
        self._since = self.server.now
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        if self.exchange is not None:
            self.exchange.writable()
        self.go_on_reading()
        self.pump()

    # What an exchange tells

    def send(self, data: bytes, *, more: bool = False) -> None:
        """Send `data`; where there is `more` to come soon, together with it."""
        self._out.append(data)
        self._corked = more

    def put(self, piece: bytes) -> None:
        """Send a piece of the answer's body."""
        self._out += self.conn.data(piece)
        self._corked = False

    def end_body(self, *, original_from: int | None = None, trailers: bytes = b"") -> None:
        """End the answer's body."""
        self._out.append(self.conn.end(original_from=original_from, trailers=trailers))
        self._corked = False

    def flush(self) -> None:
        """Write what was sent, in one go."""
        out = self._out
        if not out or self._corked:
            return
        self._out = []
        if len(out) == 1:
            self._transport.write(out[0])
        elif sum(map(len, out)) <= SHORT:
            self._transport.write(b"".join(out))
        else:
            self._transport.writelines(out)

    async def room(self) -> None:
        """Wait until the client takes more."""
        while self.congested:
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def hold_reading(self) -> None:
        """Let the client wait with what it sends."""
        if not self._held and not self._transport.is_closing():
            self._held = True
            self._transport.pause_reading()

    def go_on_reading(self) -> None:
        """Read again."""
        if self._held and not self._transport.is_closing():
            self._held = False
            self._since = self.server.now
            self._transport.resume_reading()

    def answered(self) -> None:
        """The answer is out: what still comes of the request is dropped."""
        self.exchange = None
        self._ahead = False
        self._drained = 0
        if not self.congested:
            self.go_on_reading()

    def break_off(self) -> None:
        """Cut the answer so that the client sees that it is not whole."""
        self._transport.abort()

    # Between the two

    def pump(self) -> None:
        """Let everything happen that can."""
        if self._lingering:
            return
        try:
            self._handle_events()
        except IcapError as error:
            self.refuse(error)
        except Exception:
            logger.exception("a request of %s could not be handled", self.peer)
            self.refuse(ServiceFailedError("an error of our own"))
        self.flush()
        conn = self.conn
        if conn.must_close and self.exchange is None:
            self._close_if_done()

    def _handle_events(self) -> None:
        conn = self.conn
        while True:
            event = conn.next_event()
            kind = type(event)
            if kind is Cue:
                break
            exchange = self.exchange
            if kind is RequestHead:
                self._begin(event)
            elif kind is BodyData:
                if exchange is not None:
                    exchange.data(event.data)
                else:
                    self._drain(event.data)
            elif exchange is not None:
                if kind is BodyEnd:
                    exchange.end(event.trailers)
                elif kind is PreviewEnd:
                    exchange.preview_end()
        if event is Cue.PAUSED and len(conn.left_over) > HIGH_WATER:
            self.hold_reading()

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
        second = self.server.second
        answer = endpoint.options(second, trailers="trailers" in head.allow)
        self.send(self.conn.answer(answer))

    def _drain(self, data: bytes) -> None:
        self._drained += len(data)
        if self._drained > self.settings.drain_bytes:
            raise BrokenMessageError("more of a body that nobody wants than is read")

    def refuse(self, error: IcapError) -> None:
        """Tell the client what is wrong, as far as it can still be told."""
        self.server.refused(self.peer, error)
        if not error.keeps_connection:
            self.conn.fail()
        if self.exchange is not None:
            exchange, self.exchange = self.exchange, None
            exchange.abort()
        self._corked = False
        if self.conn.answer_side is AnswerSide.WAITING:
            fields = self.server.fields + (CLOSE if self.conn.must_close else b"")
            self.send(self.conn.answer(Answer(error.status, fields)))
        elif self.conn.answer_side is AnswerSide.STREAMING:
            self.break_off()

    def _close_if_done(self) -> None:
        side = self.conn.request_side
        if side is RequestSide.FAILED:
            self._linger()
        elif side is RequestSide.IDLE or (
            side is RequestSide.DONE and self.conn.answer_side is AnswerSide.SENT
        ):
            self._transport.close()

    def _linger(self) -> None:
        """Close, but let the client read the answer before it learns that its bytes are lost.

        Closing a socket with unread bytes in it would take back what was sent.
        """
        self._lingering = True
        self._since = self.server.now
        self.go_on_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()

    # Time

    def check(self, now: float) -> None:
        """Look whether the client has kept us waiting for too long."""
        waited = now - self._since
        if self._lingering:
            if waited > LINGER:
                self._transport.abort()
        elif self.congested:
            self._check_reader(now)
        elif self.exchange is None and self._is_idle():
            if waited > self.settings.idle_timeout:
                self._transport.close()
        elif waited > self.settings.read_timeout and self._waits_for_client():
            self.refuse(SlowClientError(f"silent for {waited:.0f} s in the middle of a request"))
            self.pump()

    def _is_idle(self) -> bool:
        conn = self.conn
        between = conn.request_side is RequestSide.IDLE or conn.answer_side is AnswerSide.SENT
        return between and conn.request_side is not RequestSide.BODY and not conn.left_over

    def _waits_for_client(self) -> bool:
        side = self.conn.request_side
        return not self._held and side in _READING

    def _check_reader(self, now: float) -> None:
        unsent = self._transport.get_write_buffer_size()
        if unsent < self._unsent:
            self._unsent = unsent
            self._since = now
        waited = now - self._since
        if waited > self.settings.write_timeout:
            self.server.refused(self.peer, SlowClientError("takes nothing of its answer"))
            self.break_off()
        elif waited > self.settings.stall_timeout and self._held:
            self._ahead = True
            self.go_on_reading()
            self._since = now - waited

    @property
    def is_busy(self) -> bool:
        """Whether a request is being read or answered."""
        return self.exchange is not None or not self._is_idle() or self.congested

    def close(self) -> None:
        """Close when the request at hand, if any, has been answered."""
        self.conn.must_close = True
        if not self.is_busy:
            self._transport.close()


_READING: Final = frozenset({RequestSide.IDLE, RequestSide.PREVIEW, RequestSide.BODY})
