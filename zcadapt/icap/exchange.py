"""One request's way through the server: wait for what services want to see, ask, answer.

An exchange is told what the client does (`data`, `preview_end`, `end`) and
tells its `Wire` what to send. Where no service is asynchronous it runs from
beginning to end inside these calls; a task is made only for one that is.
"""

import asyncio
import logging
from collections.abc import AsyncIterable, AsyncIterator
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from zcadapt.icap.answer import Answer, field
from zcadapt.icap.body import NO_BODY, Body
from zcadapt.icap.connection import RequestSide
from zcadapt.icap.decisions import Decision
from zcadapt.icap.endpoint import Endpoint
from zcadapt.icap.errors import IcapError
from zcadapt.icap.events import RequestHead
from zcadapt.icap.reply import UNMODIFIED, Reply, Source, choose, with_length
from zcadapt.icap.request import Request
from zcadapt.icap.spool import Spool
from zcadapt.rule import Won, consult, go_on

if TYPE_CHECKING:
    from zcadapt.icap.wire import Wire

__all__ = ["Exchange"]

logger = logging.getLogger("zcadapt.icap")

#: How much of a body may wait for its reader before the client is held back.
WINDOW: Final = 256 * 1024


CLOSE: Final = b"Connection: close\r\n"

#: Answers that tell the client to take its own copy of the body.
WAIT_FOR_END: Final = frozenset({204, 206})


class Phase(Enum):
    """What an exchange does with a piece of the body that comes."""

    GATHER = auto()  #: keep it; services are asked when enough is there
    ASK = auto()  #: keep it for those who are asked, or make the new body of it
    ECHO = auto()  #: send it back
    HOLD = auto()  #: drop it; the answer waits for its end


class Exchange:
    """One request and its answer."""

    # What few exchanges need begins here; setting it for each would cost time.
    _phase = Phase.GATHER
    _continued = False
    _echoed = 0  # how much of what was kept has been sent back
    _trailers = b""
    _held: tuple[Answer, Reply]
    _task: asyncio.Task[None] | None = None

    def __init__(self, wire: "Wire", head: RequestHead, endpoint: Endpoint) -> None:
        self.wire = wire
        self.head = head
        self.endpoint = endpoint
        self._asked = iter(endpoint.asked(head.line.method))
        if head.has_body:
            self.body = Body(Spool(wire.settings.body_memory), self._pull, complete=False)
        else:
            self.body = NO_BODY
        self.request = Request(head, wire.peer, endpoint.name, self.body)

    # What the client does

    def begin(self) -> None:
        """Ask at once where there is nothing to wait for."""
        head = self.head
        if not head.has_body or (head.preview is None and self._has_enough()):
            self._ask()

    def data(self, data: bytes) -> None:
        """Take a piece of the body."""
        phase = self._phase
        if phase is Phase.ECHO:
            self._echo(data)
        elif phase is Phase.GATHER:
            self.body.feed(data)
            if self.head.preview is None and self._has_enough():
                self._ask()
        elif phase is Phase.ASK:
            self.body.feed(data)
            if self.body.spool.size - self.body.position > WINDOW:
                self.wire.hold_reading()

    def _has_enough(self) -> bool:
        """Whether those who are asked see as much of the body as they want."""
        return self.body.spool.size >= self.endpoint.preview(self.head.line.method)

    def preview_end(self) -> None:
        """The preview is there; the client waits."""
        if self._phase is Phase.GATHER:
            self._ask()

    def end(self, trailers: bytes) -> None:
        """The body is complete."""
        self._trailers = trailers
        self.body.end()
        phase = self._phase
        if phase is Phase.GATHER:
            self._ask()
        elif phase is Phase.HOLD:
            self._send_whole(*self._held)
        elif phase is Phase.ECHO:
            self.writable()

    def writable(self) -> None:
        """Send back what is kept, as far as the client takes it."""
        if self._phase is not Phase.ECHO:
            return
        spool = self.body.spool
        while not self.wire.congested:
            piece = spool.read_at(self._echoed)
            if not piece:
                break
            self._echoed += len(piece)
            self.wire.put(piece)
            spool.forget_before(self._echoed)
        if self.body.complete and self._echoed == spool.size:
            self.wire.end_body(trailers=self._trailers if self._may_send_trailers() else b"")
            self._finish()

    def abort(self) -> None:
        """Let everything go: the client is gone, or its request is broken."""
        if self._task is not None:
            self._task.cancel()
        self._let_go()

    # Asking

    def _pull(self) -> None:
        """Somebody waits for more of the body."""
        if self.wire.conn.request_side is RequestSide.PAUSED:
            self._continue()
            self.wire.flush()
        self.wire.go_on_reading()

    def _continue(self) -> None:
        self._continued = True
        self.wire.send(self.wire.conn.continue_())

    def _ask(self) -> None:
        self._phase = Phase.ASK
        if self.body.spool.size:
            self.body.preview = self.body.spool.read_at(0)
        won = consult(self._asked, self.request)
        if won is not None and won.pending:
            self._ask_on(won)
            return
        reply = self._choose(won)
        if reply.source is Source.MADE:
            self._ask_on(won)
        else:
            self._send(reply, won)

    def _ask_on(self, won: Won | None) -> None:
        self._task = asyncio.get_running_loop().create_task(self._take_time(won))

    async def _take_time(self, won: Won | None) -> None:
        """Go on where it takes time: a service is awaited, or a new body is made bit by bit."""
        try:
            while True:
                won = await go_on(self._asked, self.request, won, limit=self.body.limit)
                reply = self._choose(won)
                if won is None or reply.source is not Source.MADE:
                    self._send(reply, won)
                    break
                won, done = await self._stream(reply, won)
                if done:
                    break
        except IcapError as error:
            self.wire.refuse(error)
        except Exception:
            logger.exception("an answer to %s could not be sent", self.wire.peer)
            self.wire.break_off()
        self.wire.pump()

    def _choose(self, won: Won | None) -> Reply:
        decision: Decision | None = won.answer if won is not None else None
        in_preview = self.head.preview is not None and not self._continued
        return choose(decision, self.head, in_preview=in_preview)

    # Answering

    def _send(self, reply: Reply, won: Won | None) -> None:
        """Send a reply whose body, if any, is at hand."""
        server = self.wire.server
        if server.observer is not None:
            server.observe(self.request, won)
        answer = self._answer(reply, won)
        if reply.source is Source.ORIGINAL:
            self._begin_echo(answer)
        elif self.wire.conn.request_side is RequestSide.BODY and reply.status in WAIT_FOR_END:
            # A client that may forget the body on this answer is let finish first.
            self._phase = Phase.HOLD
            self._held = answer, reply
        else:
            self._send_whole(answer, reply)

    def _answer(self, reply: Reply, won: Won | None) -> Answer:
        second = self.wire.server.second
        close = self.wire.conn.must_close
        if reply is UNMODIFIED and not close and (won is None or not won.answer.icap_headers):
            return self.endpoint.unmodified(second)
        fields = [self.endpoint.fields(second)]
        if won is not None:
            fields += [field(name, value) for name, value in won.answer.icap_headers]
        if close:
            fields.append(CLOSE)
        if reply.source is Source.ORIGINAL and self._may_send_trailers():
            fields.append(b"Trailer: %s\r\nAllow: trailers\r\n" % self.head.fields["trailer"])
        return Answer(reply.status, b"".join(fields), reply.heads, reply.body)

    def _may_send_trailers(self) -> bool:
        """Whether the client allows trailers, and has announced some of its own."""
        return "trailers" in self.head.allow and "trailer" in self.head.fields

    def _send_whole(self, answer: Answer, reply: Reply) -> None:
        self.wire.send(self.wire.conn.answer(answer))
        if reply.source is Source.NEW:
            assert isinstance(reply.data, bytes)  # noqa: S101 - for the type checker
            self.wire.put(reply.data)
        if answer.has_body:
            self.wire.end_body(original_from=0 if reply.source is Source.CLIENT else None)
        self._finish()

    def _begin_echo(self, answer: Answer) -> None:
        self._phase = Phase.ECHO
        if self.wire.conn.request_side is RequestSide.PAUSED:
            self._continue()
        self.wire.send(self.wire.conn.answer(answer), more=True)
        self.writable()

    def _echo(self, data: bytes) -> None:
        if self._echoed == self.body.spool.size and not self.wire.congested:
            self.wire.put(data)
        else:
            self.body.feed(data)

    async def _stream(self, reply: Reply, won: Won) -> tuple[Won | None, bool]:
        """Send a reply whose body is made bit by bit; return (who is next, whether it is out).

        Nothing goes out while the maker may yet ask for the rest of a preview,
        since the head of an answer would say that it is not wanted, nor while
        the length has to be told and is not known.
        """
        assert isinstance(reply.data, AsyncIterable)  # noqa: S101 - for the type checker
        needs_length = self.head.line.method == "REQMOD" and reply.heads[:1] and reply.heads[0][0] == "res-hdr"
        kept = Spool(self.wire.settings.body_memory)
        begun = False
        try:
            async for piece in self._limited(reply.data, won):
                if not begun and (needs_length or self.wire.conn.request_side is RequestSide.PAUSED):
                    kept.append(piece)
                elif piece:
                    if not begun:
                        begun = await self._begin_stream(reply, won, kept)
                    await self._put(piece)
            if not begun:
                if needs_length:
                    reply = with_length(reply, kept.size)
                await self._begin_stream(reply, won, kept)
        except Exception as error:
            if begun:
                raise
            answer = won.candidate.failed(self.request, error)
            return (Won(won.candidate, answer) if answer else consult(self._asked, self.request)), False
        finally:
            kept.close()
        self.wire.end_body()
        self._finish()
        return won, True

    async def _begin_stream(self, reply: Reply, won: Won, kept: Spool) -> bool:
        server = self.wire.server
        if server.observer is not None:
            server.observe(self.request, won)
        self.body.forget_what_is_read()
        self.wire.send(self.wire.conn.answer(self._answer(reply, won)), more=True)
        at = 0
        while piece := kept.read_at(at):
            at += len(piece)
            await self._put(piece)
        return True

    async def _put(self, piece: bytes) -> None:
        self.wire.put(piece)
        self.wire.flush()
        with self.body.clock_stopped():
            await self.wire.room()

    async def _limited(self, pieces: AsyncIterable[bytes], won: Won) -> AsyncIterator[bytes]:
        """Iterate, with the time limit of the service for each step."""
        iterator = aiter(pieces)
        while True:
            try:
                async with self.body.limit(won.candidate.timeout):
                    piece = await anext(iterator)
            except StopAsyncIteration:
                return
            yield piece

    def _finish(self) -> None:
        self._let_go()
        self.wire.answered()

    def _let_go(self) -> None:
        if self.body is not NO_BODY:
            self.body.lose()
            self.body.spool.close()
