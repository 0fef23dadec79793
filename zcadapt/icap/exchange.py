"""One request's way through the server: wait for what services want to see, ask, answer.

An exchange is told what the client does (`data`, `preview_end`, `end`) and
tells its `Wire` what to send. Where no service is asynchronous it runs from
beginning to end inside these calls; a task is made only for one that is.
"""

import asyncio
import inspect
import logging
from contextlib import AbstractAsyncContextManager, suppress
from typing import TYPE_CHECKING, Final

from zcadapt.icap.answer import CLOSE, Answer, field
from zcadapt.icap.body import NO_BODY, Body
from zcadapt.icap.clock import Clock
from zcadapt.icap.connection import RequestSide
from zcadapt.icap.decisions import Block
from zcadapt.icap.drip import SQUIDS_BUFFER, EarlyAnswer, drip_on, may_stall
from zcadapt.icap.endpoint import Endpoint
from zcadapt.icap.errors import IcapError, ServiceFailedError
from zcadapt.icap.events import RequestHead
from zcadapt.icap.phase import UNDECIDED, Phase
from zcadapt.icap.reply import UNMODIFIED, Reply, Source, choose, original
from zcadapt.icap.request import Request
from zcadapt.icap.stream import Stream
from zcadapt.rule import Candidate, Won, consult, go_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zcadapt.icap.decisions import Decision
    from zcadapt.icap.wire import Wire

__all__ = ["Exchange"]

logger = logging.getLogger("zcadapt.icap")

#: How much of a body may wait for its reader before the client is held back.
WINDOW: Final = 256 * 1024
#: How much of a body that was kept is sent back in one write.
WRITE_SIZE: Final = 64 * 1024

#: Seconds that a service has to end, once its time is over and it has been cancelled.
CLEANUP: Final = 5.0

#: Answers that tell the client to take its own copy of the body.
WAIT_FOR_END: Final = frozenset({204, 206})


class Exchange:
    """One request and its answer."""

    # What few exchanges need begins here; setting it for each would cost time.
    _asked: "Iterator[Candidate]" = iter(())
    _at_work: Candidate | None = None  # whose time is limited at present
    _clock: Clock | None = None
    _continued = False
    drips_at = SQUIDS_BUFFER  # so much has come when the answer may begin early, or goes on
    early: EarlyAnswer | None = None
    echoed = 0  # how much of what was kept has been sent back
    _held: tuple[Answer, Reply]
    _phase = Phase.GATHER
    _stream: Stream | None = None
    _task: asyncio.Task[None] | None = None
    _trailers = b""
    _unstarted: Won | None = None  # what a task begins with, as long as it has not begun

    def __init__(self, wire: "Wire", head: RequestHead, endpoint: Endpoint) -> None:
        self.wire = wire
        self.head = head
        self.endpoint = endpoint
        if head.has_body:
            self.body = Body(wire.spool(), self._pull, complete=False)
        else:
            self.body = NO_BODY
        self.request = Request(head, wire.peer, endpoint.name, self.body)

    # What the client does

    def begin(self) -> None:
        """Ask at once where there is nothing to wait for."""
        head = self.head
        self._asked = iter(self.endpoint.asked(head.line.method))
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
            if self.is_full:
                self.wire.regulate()
            if self.body.spool.size >= self.drips_at:
                drip_on(self)

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
        wire = self.wire
        spool = self.body.spool
        unwritten = 0
        while not wire.congested and (piece := spool.read_at(self.echoed)):
            self.echoed += len(piece)
            unwritten += len(piece)
            wire.put(piece)
            spool.forget_before(self.echoed)
            if unwritten >= WRITE_SIZE and self.echoed < spool.size:
                wire.flush()
                unwritten = 0
        if self.body.complete and self.echoed == spool.size:
            wire.end_body(trailers=self._trailers if self._may_send_trailers() else b"")
            self.finish()

    def abort(self) -> None:
        """Let everything go: the client is gone, or its request is broken."""
        if self._task is not None:
            self._task.cancel()
        if self._unstarted is not None and inspect.iscoroutine(self._unstarted.answer):
            self._unstarted.answer.close()
        self.body.lose()

    def drip(self) -> None:
        """Send the head and a byte to a client that may wait for it, or one more byte."""
        if not self._is_undecided():
            return
        if self.early is not None:
            self.early.go_on()
        elif self.body.spool.size >= SQUIDS_BUFFER and may_stall(self.head):
            self.early = EarlyAnswer(self, self._head(original(self.head), None))

    def _is_undecided(self) -> bool:
        """Whether no decision has been made, with some of the body still to come."""
        if self._phase not in UNDECIDED or self.wire.conn.request_side is not RequestSide.BODY:
            return False
        return self._stream is None or not self._stream.has_begun

    def send_rest(self) -> None:
        """Send back what has not been sent back, and what comes."""
        self._phase = Phase.ECHO
        self.writable()

    @property
    def is_full(self) -> bool:
        """Whether more of the body waits for its readers than should."""
        body = self.body
        return self._phase is Phase.ASK and body.spool.size - body.position > WINDOW

    @property
    def is_over(self) -> bool:
        """Whether the task that runs may send nothing for it any more.

        It has been answered or aborted, or goes on without that task.
        """
        return self.wire.exchange is not self or asyncio.current_task() is not self._task

    # Asking

    def _has_enough(self) -> bool:
        """Whether those who are asked see as much of the body as they want."""
        return self.body.spool.size >= self.endpoint.preview(self.head.line.method)

    def _pull(self) -> None:
        """Somebody waits for more of the body."""
        wire = self.wire
        if wire.conn.request_side is RequestSide.PAUSED:
            self._continue()
            wire.pump()  # more may have come in the meantime
        wire.regulate()

    def _continue(self) -> None:
        self._continued = True
        self.wire.since = self.wire.server.now  # from now on it is the client's time
        self.wire.send(self.wire.conn.continue_())
        self.wire.flush()

    def _ask(self) -> None:
        self._phase = Phase.ASK
        if self.body.spool.size:
            self.body.show_preview()
        won = self._with_page(consult(self._asked, self.request))
        if self.early is not None and (won is None or not won.pending):
            self.early.end(won)
            return
        if won is None:
            self._send(self._choose(None), None)
            return
        if won.pending:
            self._ask_on(won)
            return
        try:
            reply = self._choose(won)
        except Exception as error:  # noqa: BLE001 - a decision may hold anything
            self._ask_on(self._instead(won, error))
            return
        if reply.source is Source.MADE:
            self._ask_on(won)
        else:
            self._send(reply, won)

    def _with_page(self, won: Won | None) -> Won | None:
        if won is None or not isinstance(won.answer, Block):
            return won
        return self.wire.server.pages.made(self.request, won)

    def _instead(self, won: Won | None, error: Exception) -> Won | None:
        """Return who is followed in the place of `won`, whose answer led nowhere."""
        if won is None:
            raise error
        answer = won.candidate.failed(self.request, error)
        return Won(won.candidate, answer) if answer else consult(self._asked, self.request)

    def _ask_on(self, won: Won | None) -> None:
        self._unstarted = won
        self._clock = self.body.new_clock()
        self._task = asyncio.get_running_loop().create_task(self._take_time(won))

    async def _take_time(self, won: Won | None) -> None:
        """Go on where it takes time: a service is awaited, or a new body is made bit by bit."""
        self._unstarted = None
        failed: IcapError | None = None
        try:
            await self._conclude(won)
        except IcapError as error:
            failed = error
        except asyncio.CancelledError:
            if self.is_over:
                raise
            failed = ServiceFailedError("a service cancelled the task that asked it")
        except BaseException:
            logger.exception("an answer to %s could not be sent", self.wire.peer)
            failed = ServiceFailedError("an error of our own")
        if failed is not None and not self.is_over:
            self.wire.refuse(failed)
        self.wire.pump()

    def limit(self, candidate: Candidate) -> AbstractAsyncContextManager[object]:
        """Limit the time that `candidate` has, without that spent waiting for the client."""
        assert self._clock is not None  # noqa: S101 - for the type checker
        if asyncio.current_task() is not self._task:  # it was left behind: the clock is another's
            return asyncio.timeout(candidate.timeout)
        self._at_work = candidate
        return self._clock.limit(candidate.timeout)

    def leave_behind(self, now: float) -> None:
        """Go on without a service that does not end though its time is over, long since."""
        candidate, clock = self._at_work, self._clock
        if candidate is None or clock is None or clock.overdue(now) < CLEANUP:
            return
        logger.error("service %r was cancelled and goes on: it is left behind", candidate.name)
        self._asked = iter(tuple(self._asked))  # for it there is nobody left to ask
        self._at_work = self._task = None
        won = Won(candidate, None)
        error = TimeoutError("it did not end when it was cancelled")
        if self._stream is not None and self._stream.has_begun:
            self._cut(won, error)
            return
        try:
            self._ask_on(self._instead(won, error))
        except IcapError as failed:
            self.wire.refuse(failed)
            self.wire.pump()

    async def _conclude(self, won: Won | None) -> None:
        while True:
            won = await go_on(self._asked, self.request, won, limit=self.limit)
            if self.is_over:  # and who was asked went on though it was cancelled
                return
            won = self._with_page(won)
            if self.early is not None:
                self.early.end(won)
                return
            try:
                reply = self._choose(won)
                if won is None or reply.source is not Source.MADE:
                    break
                self._stream = stream = Stream(self, reply, won)
            except Exception as error:  # noqa: BLE001 - a decision may hold anything
                won = self._instead(won, error)
                continue
            try:
                await stream.run()
            except Exception as error:  # noqa: BLE001 - so may its maker
                if self.is_over:
                    return
                if stream.has_begun:
                    self._cut(won, error)
                    return
                won = self._instead(won, error)
            else:
                return
        self._send(reply, won)

    def _cut(self, won: Won, error: Exception) -> None:
        """The maker of a body has failed halfway: the client must not take it for whole."""
        with suppress(ServiceFailedError):
            won.candidate.failed(self.request, error)
        self.wire.break_off()

    def _choose(self, won: Won | None) -> Reply:
        decision: Decision | None = None if won is None else won.answer
        in_preview = self.head.preview is not None and not self._continued
        return choose(decision, self.head, in_preview=in_preview, now=self.wire.server.second)

    # Answering

    def announce(self, reply: Reply, won: Won | None) -> Answer:
        """Tell who observes what has been decided; return the head of the answer."""
        server = self.wire.server
        if server.observer is not None:
            server.observe(self.request, won)
        return self._head(reply, won)

    def _head(self, reply: Reply, won: Won | None) -> Answer:
        server = self.wire.server
        close = self.wire.conn.must_close and self.wire.conn.closes
        if reply is UNMODIFIED and not close and (won is None or not won.answer.icap_headers):
            return self.endpoint.unmodified(server.second)
        fields = [self.endpoint.fields(server.second)]
        if won is not None:
            fields += [field(name, value) for name, value in won.answer.icap_headers]
        if close:
            fields.append(CLOSE)
        if reply.source is Source.ORIGINAL and self._may_send_trailers():
            fields.append(b"Trailer: %s\r\nAllow: trailers\r\n" % self.head.fields["trailer"])
        return Answer(reply.status, b"".join(fields), reply.heads, reply.body)

    def finish(self) -> None:
        """The answer is out."""
        self.body.lose()
        self.wire.answered()

    def _send(self, reply: Reply, won: Won | None) -> None:
        """Send a reply whose body, if any, is at hand."""
        answer = self.announce(reply, won)
        if not answer.has_body and self.wire.conn.request_side is not RequestSide.BODY:
            self.wire.send(self.wire.conn.answer(answer))
            self.finish()
        elif reply.source is Source.ORIGINAL:
            self._begin_echo(answer)
        elif self.wire.conn.request_side is RequestSide.BODY and reply.status in WAIT_FOR_END:
            # A client that may forget the body on this answer is let finish first.
            self._phase = Phase.HOLD
            self._held = answer, reply
        else:
            self._send_whole(answer, reply)

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
        self.finish()

    def _begin_echo(self, answer: Answer) -> None:
        self._phase = Phase.ECHO
        if self.wire.conn.request_side is RequestSide.PAUSED:
            self._continue()
        self.wire.begin_answer(answer)
        self.writable()

    def _echo(self, data: bytes) -> None:
        if self.echoed == self.body.spool.size and not self.wire.congested:
            self.wire.put(data)
        else:
            self.body.feed(data)
