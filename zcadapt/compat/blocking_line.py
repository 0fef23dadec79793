"""One ICAP connection in a thread of its own: a socket that blocks, around the same core.

What comes is read by `zcadapt.icap.connection.Connection`, as everywhere. A
head waits for the first piece of its body, and both for what the handler does
next, so that they leave in one write, and the length of a short body is known
before it goes.
"""

import logging
import select
import socket
from contextlib import suppress
from math import inf
from time import monotonic
from typing import Final

from zcadapt.compat.clients import RECEIVE, Clients
from zcadapt.compat.line import Line, Outgoing
from zcadapt.icap.connection import AnswerSide, Connection, RequestSide
from zcadapt.icap.drip import LONG, SQUIDS_BUFFER, STEP, may_stall
from zcadapt.icap.errors import ClientGoneError, IcapError, LocalProtocolError, SlowClientError
from zcadapt.icap.events import BodyData, BodyEnd, Cue, RequestHead
from zcadapt.icap.http import HTTPMessage, HTTPResponse
from zcadapt.icap.settings import ICAPSettings
from zcadapt.icap.sides import MID_BODY
from zcadapt.icap.spool import Spool

__all__ = ["BlockingLine"]

logger = logging.getLogger("zcadapt.icap")

#: Seconds that a client has to take its last answer before we close.
LINGER: Final = 2.0
#: Seconds after which the head of a response waits no longer when a piece of its body comes.
HELD: Final = 0.5


class BlockingLine(Line):
    """The connection of `sock`.

    Args:
        sock: it is connected, and belongs to this from now on.
        clients: who else is served.
        settings: how much, and for how long.
    """

    def __init__(self, sock: socket.socket, clients: Clients, settings: ICAPSettings) -> None:
        self.tags = clients.tags
        self._sock = sock
        self._clients = clients
        self._settings = settings
        self._connection = Connection(settings)
        self._deadline = inf  # of the request
        self._head: RequestHead | None = None
        self._spool = Spool(settings.body_memory, clients.disk)  # what has come of the body
        self._at = 0  # how much of it has been read
        self._keeps = False  # all of it may have to be sent back
        self._continued = False
        self._failure: IcapError | None = None
        self._held: Outgoing | None = None  # an answer that has begun and not gone out
        self._first = b""  # what is held of its body
        self._held_since = 0.0
        self._closes = False
        self._is_raw = False  # a handler writes its answer itself
        self._early = 0  # so much of the body has gone back before there was an answer
        self._drips_at = 0  # when so much of it has come, a byte more goes
        self._is_over = False  # nothing can be said any more

    # The request

    def receive(self) -> RequestHead | None:
        """Return the head of the next request; None: there is none."""
        self._deadline = inf
        event = self._connection.next_event()
        since = None
        while event is Cue.NEED_DATA:
            if not self._connection.left_over:
                seconds = self._settings.idle_timeout
                data = self._clients.next_of(self._sock, seconds, first=self._head is None)
                self._is_over = not data
            else:
                since = since or monotonic()
                self._deadline = since + self._settings.head_timeout
                data = self._receive(self._settings.head_timeout)
            self._connection.receive_data(data)
            event = self._connection.next_event()
        if not isinstance(event, RequestHead):
            return None
        self._deadline = monotonic() + self._settings.request_timeout
        self._head = event
        self._spool.close()
        self._spool = Spool(self._settings.body_memory, self._clients.disk)
        self._at = 0
        self._keeps = "204" not in event.allow
        self._continued = self.ieof = False
        return event

    @property
    def may_204(self) -> bool:
        """Whether 204 can be said."""
        head = self._head
        if head is None or head.line.method == "OPTIONS" or "204" in head.allow:
            return True
        return head.preview is not None and not self._continued

    def read(self) -> bytes:
        """Return a piece of the body; ``b""`` at its end, and at the end of the preview."""
        while not (piece := self._spool.read_at(self._at)):
            if self._failure is not None:
                raise self._failure
            if self._connection.request_side not in MID_BODY:
                return b""
            self._take_in()
        self._at += len(piece)
        if not self._keeps:
            self._spool.forget_before(self._at)
        return piece

    def continue_(self) -> None:
        """Ask for what follows the preview; nothing happens where nothing is to be asked for."""
        while self._connection.request_side is RequestSide.PREVIEW:
            self._take_in()
        if self._connection.request_side is RequestSide.PAUSED:
            self._continued = True
            self._send(self._connection.continue_())
        elif self._head and self._head.preview is not None and not self.ieof | self._continued:
            raise LocalProtocolError("100 Continue after an answer")

    def keep(self) -> None:
        """Keep what is read of the body from now on, if that is its beginning."""
        self._keeps = self._keeps or not (self._at or self.has_begun)

    @property
    def has_kept(self) -> bool:
        """Whether all that has been read of the body is still there."""
        return not self._spool.begin

    def drain(self) -> None:
        """Drop what the client sends by itself, as far as that is worth it."""
        most = self._at + self._settings.drain_bytes
        self._keeps = False
        while self._at < most and self.read():
            pass

    def _take_in(self) -> None:
        """Read on: the next piece goes into the spool, or the body or preview ends."""
        if not self._next_of_body():
            self.flush()
            if self._has_stalled():
                self._begin_early()
            self._connection.receive_data(self._receive(self._settings.read_timeout))
        elif self._early and self._spool.size >= self._drips_at:
            self._drip()

    def _next_of_body(self) -> bool:
        """Take what has been received on; return whether there was anything."""
        in_preview = self._connection.request_side is RequestSide.PREVIEW
        try:
            event = self._connection.next_event()
            if isinstance(event, BodyData):
                self._spool.append(event.data)
        except IcapError as error:
            raise self._broken(error) from None
        if isinstance(event, BodyEnd):
            self.ieof = in_preview
        return event is not Cue.NEED_DATA

    def _receive(self, seconds: float) -> bytes:
        """Return what the client sends now; ``b""``: it has closed."""
        left = min(seconds, self._deadline - monotonic())
        try:
            if left <= 0:
                raise TimeoutError  # noqa: TRY301 - the same as if it had been waited for
            self._sock.settimeout(left)
            data = self._sock.recv(RECEIVE)
        except TimeoutError:
            raise self._broken(SlowClientError("the client is silent")) from None
        except OSError:
            data = b""
        return data

    def _broken(self, error: IcapError) -> IcapError:
        """Note that nothing more can be read, and why: that can still be told."""
        self._deadline = max(self._deadline, monotonic() + LINGER)
        self._connection.fail()
        self._failure = error
        return error

    # The answer

    @property
    def has_begun(self) -> bool:
        """Whether there is an answer to the request."""
        answered = self._connection.answer_side is not AnswerSide.WAITING
        return (answered and not self._early) or self._held is not None or self._is_raw

    def echo(self, outgoing: Outgoing) -> None:
        """Answer with the body as it came; `read` begins anew for that."""
        early = self._early
        if early and outgoing.is_exact:
            self._early = 0
        else:
            self.begin(outgoing)
        self._at, self._keeps = early, False
        if outgoing.has_body:
            while piece := self.read():
                self.write(piece)
            self.end()

    def begin(self, outgoing: Outgoing) -> None:
        """Answer; where a body follows, this is its beginning."""
        if self._early:
            raise self._too_late()
        self._keeps = False
        self._held, self._first, self._held_since = outgoing, b"", monotonic()
        if not outgoing.has_body:
            self.flush()

    def write(self, data: bytes) -> None:
        """Write a piece of the body."""
        if self._held is not None and not self._first:
            self._first = data
            if self._is_late():
                self.flush()
            return
        self.flush()
        self._send(b"".join(self._connection.data(data)))

    def _is_late(self) -> bool:
        """Whether a response has been held for so long that its length is not waited for.

        One that is made in REQMOD is: Squid 5.7 never ends it otherwise.
        """
        in_respmod = self._head is not None and self._head.line.method == "RESPMOD"
        return in_respmod and monotonic() - self._held_since > HELD

    def end(self) -> None:
        """End the body, if it has not ended."""
        if self._held is not None:
            self._held.tell_length(len(self._first))
            self.flush(last=True)
        elif self._connection.answer_side is AnswerSide.STREAMING:
            self._send(self._connection.end())

    def flush(self, *, last: bool = False) -> None:
        """Send what is held."""
        if self._held is None:
            return
        outgoing, self._held = self._held, None
        connection = self._connection
        self._closes = self._closes or connection.closes or self._clients.is_wanted_elsewhere()
        pieces = [connection.answer(outgoing.answer(close=self._closes))]
        if self._first:
            pieces += connection.data(self._first)
        if last:
            pieces.append(connection.end())
        self._first = b""
        self._send(b"".join(pieces))

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            reads_ahead = self._connection.request_side in MID_BODY
            settings = self._settings
            left = self._deadline - monotonic()
            if left <= 0:
                raise self._gone("its answer takes too long")
            try:
                most = settings.stall_timeout if reads_ahead else settings.write_timeout
                self._sock.settimeout(min(most, left))
                view = view[self._sock.send(view) :]
            except TimeoutError:
                if not reads_ahead or not self._read_ahead():
                    raise self._gone("the client takes nothing of its answer") from None
            except OSError:
                raise self._gone("the client has closed before its answer") from None

    def _read_ahead(self) -> bool:
        """Take in what the client sends until it takes something; return whether it does.

        Some clients write all before they read anything: both would wait for ever.
        """
        poll = select.poll()
        until = min(monotonic() + self._settings.write_timeout, self._deadline)
        while (left := until - monotonic()) > 0:
            comes = select.POLLIN if self._connection.request_side in MID_BODY else 0
            poll.register(self._sock, select.POLLOUT | comes)
            happened = poll.poll(left * 1000)
            if any(event != select.POLLIN for _, event in happened):
                return True
            if happened:
                self._connection.receive_data(self._receive(left))
                while self._connection.request_side in MID_BODY and self._next_of_body():
                    pass
        return False

    def _gone(self, why: str) -> IcapError:
        self._is_over = True
        return self._broken(ClientGoneError(why))

    # An answer before there is one: see zcadapt.icap.drip

    def _has_stalled(self) -> bool:
        """Whether the client sends nothing more of a response, as Squid before 2025 does."""
        settings, size = self._settings, self._spool.size
        if self._early or not settings.drip_after or size < SQUIDS_BUFFER or self.has_begun:
            return False
        in_body = self._connection.request_side is RequestSide.BODY
        if self._head is None or not in_body or not may_stall(self._head):
            return False
        silence = settings.drip_after * (1 if size == SQUIDS_BUFFER else LONG)
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return not poll.poll(min(silence, self._deadline - monotonic()) * 1000)

    def _begin_early(self) -> None:
        """Send the head of the response as it is, and the first byte of its body."""
        self._send(self._connection.answer(self.unchanged().answer(close=False)))
        self._drip()

    def _drip(self) -> None:
        """Send a byte more of the body as it is."""
        byte = self._spool.read_at(self._early)[:1]
        self._early += 1
        self._drips_at = self._spool.size + STEP
        self._send(b"".join(self._connection.data(byte)))

    def _too_late(self) -> IcapError:
        """Break off what has begun early, so that the user's client sees it is not whole."""
        self._early = 0
        shown = HTTPMessage(self._head.request, None).shown_url if self._head else ""
        logger.warning("the answer to %.100r has begun early, and is broken off", shown)
        headers = HTTPResponse((self._head and self._head.response) or b"").headers
        if headers.get("content-length", "").isdecimal() and "transfer-encoding" not in headers:
            self._send(self._connection.end())
            return self._broken(ClientGoneError("another answer comes too late"))
        return self._gone("another answer comes too late")

    # The end

    def close_after(self) -> None:
        """Let this answer be the last."""
        self._closes = True

    def fails(self, error: Exception) -> None:
        """Log what a handler has raised."""
        head = self._head
        what = f"{head.line.method} {head.line.path}" if head else "a client"
        logger.error("the handler failed for %.200r", what, exc_info=error)

    def take_back(self) -> bool:
        """Take back an answer that has not gone out, or break off one that is not at its end."""
        self._held, self._first = None, b""
        if self._early:
            with suppress(IcapError):
                self._too_late()
        if self._connection.answer_side is AnswerSide.STREAMING:
            self._is_over = True
        return not self.has_begun and not self._is_over

    def finish(self) -> bool:
        """End the exchange; return whether there can be another."""
        try:
            if self._is_over:
                return False
            self.end()
            if not self._closes and self._connection.request_side in MID_BODY:
                self.drain()
        except IcapError:
            return False
        finally:
            self._spool.close()
        return not self._closes and self._connection.request_side is RequestSide.DONE

    def close(self) -> None:
        """Let the client take its last answer: what it still sends would destroy that."""
        self._spool.close()
        self._held = None
        if self._is_over:
            return
        until = monotonic() + LINGER
        left = self._settings.drain_bytes
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)
            while left > 0 and (seconds := until - monotonic()) > 0:
                self._sock.settimeout(seconds)
                data = self._sock.recv(RECEIVE)
                if not data:
                    return
                left -= len(data)

    def send_raw(self, data: bytes) -> None:
        """Send what a handler has written as it is: the answer, after which we close."""
        self.flush()
        self._is_raw = self._closes = True
        self._send(data)
