"""One ICAP connection, seen from the server, without any I/O (RFC 3507).

Bytes go in with `receive_data`, events come out of `next_event`; what is to be
said goes through `continue_`, `answer`, `data` and `end`, which return the
bytes to send. Two small tables say what may happen when: one for the request
that is read, one for the answer that is sent. Both meet in a few places, all
of them here:

- A final answer to a preview spares us the rest of the body (4.5): where the
  client waits, its request is over.
- An answer may begin, and end, before the body has been read: what still comes
  is told as `BodyData`, for the server to drop.
- The next request is looked for when both sides are through with this one,
  unless this one said that it is the last (``Connection: close``).

The socket, time-outs, back-pressure and what the answers are belong to others.
"""

import re
from typing import Final

from zcadapt.icap.answer import CONTINUE, Answer
from zcadapt.icap.chunked import CRLF, ChunkReader, frame, last_chunk
from zcadapt.icap.errors import (
    BrokenMessageError,
    ClientGoneError,
    LocalProtocolError,
    TooLargeError,
)
from zcadapt.icap.events import BodyData, BodyEnd, Cue, PreviewEnd, RequestHead
from zcadapt.icap.head import (
    BLANK_LINE,
    NO_PARTS,
    Layout,
    RequestLine,
    check_beginning,
    parse_encapsulated,
    parse_head,
    parse_words,
)
from zcadapt.icap.limits import Limits
from zcadapt.icap.sides import ANSWER_SIDE, REQUEST_SIDE, AnswerSide, RequestSide, Step

__all__ = ["AnswerSide", "Connection", "RequestSide", "Step"]

NOTHING: Final[frozenset[str]] = frozenset()

#: What an offset may count as part of a head though its blank line is over, by length.
MORE_LINE_ENDS: Final = {2: CRLF, 4: CRLF + CRLF}

#: What some clients send twice: line ends, and the end of an empty body.
STRAY_ENDS: Final = (b"\r\n", b"0\r\n\r\n", b"0; ieof\r\n\r\n", b"0;ieof\r\n\r\n")
_STRAY_ENDS = re.compile(rb"(?:%s)+" % b"|".join(STRAY_ENDS))

Fields = dict[str, bytes]
Parts = dict[str, bytes]
Event = RequestHead | BodyData | PreviewEnd | BodyEnd | Cue


# The way of a request without a body is walked without looking it up.
_IDLE: Final = RequestSide.IDLE
_PREVIEW: Final = RequestSide.PREVIEW
_PAUSED: Final = RequestSide.PAUSED
_BODY: Final = RequestSide.BODY
_DONE: Final = REQUEST_SIDE[_IDLE][Step.HEAD_ONLY]
_WAITING: Final = AnswerSide.WAITING
_SENT: Final = ANSWER_SIDE[_WAITING][Step.ANSWER_WHOLE]


class Connection:
    """The state of one connection.

    `request_side` and `answer_side` are there to be looked at. `left_over`
    holds the bytes that were received and not yet told.
    """

    __slots__ = (
        "_chunks",
        "_closed",
        "_head",
        "_is_last",
        "_limits",
        "_most",
        "_searched",
        "answer_side",
        "left_over",
        "must_close",
        "request_side",
    )

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._most = limits.header_bytes + len(BLANK_LINE)
        self._chunks = ChunkReader(limits)
        # While the encapsulated heads come: the ICAP head, and where they begin.
        self._head: tuple[bytes, RequestLine, Fields, Layout, int] | None = None
        self._is_last = False
        self._searched = 0  # how much of a partial head has no blank line
        self._closed = False
        self.left_over = b""
        self.must_close = False
        self.request_side = RequestSide.IDLE
        self.answer_side = AnswerSide.WAITING

    @property
    def closes(self) -> bool:
        """Whether the answer at hand is the last, after which we close."""
        return self.must_close and (self._is_last or not self.left_over)

    # What the client does

    def receive_data(self, data: bytes) -> None:
        """Take what the socket gave; ``b""`` says that the client closed."""
        if not data:
            self._closed = True
            self.must_close = True
        elif self.left_over:
            self.left_over += data
        else:
            self.left_over = data

    def next_event(self) -> Event:
        """Return what happened next, or a `Cue`.

        Raises:
            IcapError: the client erred; the connection is of no more use
                unless the error says otherwise.
        """
        side = self.request_side
        if side is _DONE and self.answer_side is _SENT:
            if self._is_last:
                self.left_over = b""
                return Cue.CLOSED
            self.request_side = side = _IDLE
            self.answer_side = _WAITING
            if not self.left_over and not self._closed:
                return Cue.NEED_DATA
        try:
            if side is _IDLE:
                return self._next_request()
            if side is _BODY or side is _PREVIEW:
                return self._next_of_body()
        except Exception:
            self.fail()
            raise
        if side is RequestSide.FAILED:
            self.left_over = b""
        return Cue.PAUSED

    def fail(self) -> None:
        """Give the framing up: nothing more is read, and an answer says so."""
        self.request_side = RequestSide.FAILED
        self.must_close = True
        self.left_over = b""

    # What we say

    def continue_(self) -> bytes:
        """Ask for the rest of the body (RFC 3507, 4.5).

        Raises:
            LocalProtocolError: the client does not wait for that.
        """
        self._answer_step(Step.CONTINUE)
        self._step(Step.CONTINUE)
        shown = self._limits.preview_bytes - self._chunks.room
        self._chunks = ChunkReader(self._limits, self._limits.body_bytes - shown)
        return CONTINUE

    def answer(self, answer: Answer) -> bytes:
        """Begin an answer, or give all of it where it has no body.

        Raises:
            LocalProtocolError: this request has been answered, or there is none.
        """
        if self.request_side is _IDLE:
            raise LocalProtocolError("an answer to no request")
        if self.answer_side is _WAITING and not answer.has_body:
            self.answer_side = _SENT
        else:
            self._answer_step(Step.ANSWER_BEGIN)
        if self.request_side is _PAUSED:
            self._step(Step.ANSWERED)
        return answer.encoded

    def data(self, data: bytes) -> tuple[bytes, bytes, bytes]:
        """Return the buffers of a piece of the answer's body, which must not be empty.

        Raises:
            LocalProtocolError: no answer with a body has begun, or the piece
                would end it.
        """
        if self.answer_side is not AnswerSide.STREAMING or not data:
            raise LocalProtocolError("no data, or data outside of a body")
        return frame(data)

    def end(self, *, original_from: int | None = None, trailers: bytes = b"") -> bytes:
        """End the answer's body; see `last_chunk`.

        Raises:
            LocalProtocolError: no answer with a body has begun.
        """
        self._answer_step(Step.ANSWER_END)
        return last_chunk(original_from=original_from, trailers=trailers)

    # How it is done

    def _step(self, step: Step) -> None:
        try:
            self.request_side = REQUEST_SIDE[self.request_side][step]
        except KeyError:
            raise LocalProtocolError(f"{step} while the request is {self.request_side}") from None

    def _answer_step(self, step: Step) -> None:
        try:
            self.answer_side = ANSWER_SIDE[self.answer_side][step]
        except KeyError:
            raise LocalProtocolError(f"{step} while the answer is {self.answer_side}") from None

    def _next_request(self) -> RequestHead | Cue:
        if self._head is None:
            if self.left_over[:1] in (b"\r", b"0"):
                self._skip_stray_ends()
            end = self.left_over.find(BLANK_LINE, self._searched, self._most)
            if end < 0:
                return self._no_head_yet()
            raw = self.left_over[:end]
            line, fields = parse_head(raw, self._limits)
            layout = self._layout(line, fields)
            begin = end + len(BLANK_LINE)
        else:
            raw, line, fields, layout, begin = self._head
            most = begin + self._limits.header_bytes
            if len(self.left_over) < most and self.left_over.find(BLANK_LINE, self._searched) < 0:
                return self._search_later(len(self.left_over))
        parts = self._cut_heads(layout, begin)
        if parts is None:
            self._head = raw, line, fields, layout, begin
            return self._search_later(self._searched)
        self._head = None
        self._searched = 0
        return self._begin(raw, line, fields, layout, parts)

    def _skip_stray_ends(self) -> None:
        ends = _STRAY_ENDS.match(self.left_over)
        if ends is not None:
            self.left_over = self.left_over[ends.end() :]
            self._searched = 0

    def _no_head_yet(self) -> Cue:
        begun = self.left_over
        if any(end.startswith(begun) for end in STRAY_ENDS):
            return Cue.CLOSED if self._closed else Cue.NEED_DATA
        check_beginning(begun, self._limits)
        if len(begun) >= self._most:
            raise TooLargeError(f"a head of more than {self._limits.header_bytes} bytes")
        return self._search_later(len(begun))

    def _search_later(self, end: int) -> Cue:
        """Wait for a blank line that does not end before `end`: nothing is searched twice."""
        self._searched = max(end - len(BLANK_LINE) + 1, 0)
        return self._need_data()

    def _need_data(self) -> Cue:
        if self._closed:
            raise ClientGoneError("the client closed in the middle of a request")
        return Cue.NEED_DATA

    def _layout(self, line: RequestLine, fields: Fields) -> Layout:
        value = fields.get("encapsulated")
        if value is None:
            if line.method == "OPTIONS":
                return NO_PARTS
            raise BrokenMessageError("a request without Encapsulated")
        layout = parse_encapsulated(value, line.method)
        if layout.body_at > self._limits.header_bytes:
            raise TooLargeError(f"encapsulated heads of {layout.body_at} bytes")
        return layout

    def _cut_heads(self, layout: Layout, begin: int) -> Parts | None:
        """Take the encapsulated heads off `left_over`; None while they are not there.

        Each ends with its first blank line: where an offset says otherwise it
        is wrong, since the head of another message must never hide in this one.
        """
        data = self.left_over
        parts: Parts = {}
        at = begin
        for name, where in layout.heads:
            end = begin + where
            if data.find(BLANK_LINE, at, end) != end - len(BLANK_LINE):
                return self._search_heads(layout, begin)
            parts[name] = data[at:end]
            at = end
        self.left_over = data[at:]
        return parts

    def _search_heads(self, layout: Layout, begin: int) -> Parts | None:
        """Do the same where offsets are wrong, and then tell no more than the order."""
        data = self.left_over
        most = begin + self._limits.header_bytes
        parts: Parts = {}
        at = begin
        for name, where in layout.heads:
            end = data.find(BLANK_LINE, at, most) + len(BLANK_LINE)
            if end < len(BLANK_LINE):
                if len(data) >= most:
                    raise BrokenMessageError(f"no blank line ends the encapsulated {name}")
                self._searched = len(data)
                return None
            parts[name] = data[at:end]
            at = end
            if layout.has_body or where < layout.body_at:
                gap = MORE_LINE_ENDS.get(begin + where - end, b"")
                come = data[end : end + len(gap)]
                if gap.startswith(come) and len(come) < len(gap):
                    self._searched = end - 1
                    return None
                at += len(gap) if come == gap else 0
        self.left_over = data[at:]
        return parts

    def _begin(
        self, raw: bytes, line: RequestLine, fields: Fields, layout: Layout, parts: Parts
    ) -> RequestHead:
        preview = _preview(fields["preview"]) if "preview" in fields else None
        if "connection" in fields and "close" in parse_words(fields["connection"]):
            self.must_close = self._is_last = True
        if not layout.has_body:
            self.request_side = _DONE
        else:
            self._step(Step.HEAD_BODY if preview is None else Step.HEAD_PREVIEW)
            most = self._limits.body_bytes if preview is None else self._limits.preview_bytes
            self._chunks = ChunkReader(self._limits, most)
        allow = parse_words(fields["allow"]) if "allow" in fields else NOTHING
        return RequestHead(
            line,
            raw,
            fields,
            parts.get("req-hdr"),
            parts.get("res-hdr"),
            layout.has_body,
            preview,
            allow,
        )

    def _next_of_body(self) -> BodyData | BodyEnd | PreviewEnd | Cue:
        chunks = self._chunks
        if self.left_over and not chunks.ended:
            data = chunks.decode(self.left_over)
            self.left_over = chunks.left_over
            if data:
                return BodyData(data)
        if not chunks.ended:
            return self._need_data()
        return self._end_of_stream(chunks)

    def _end_of_stream(self, chunks: ChunkReader) -> BodyEnd | PreviewEnd:
        if self.request_side is RequestSide.BODY or chunks.ieof:
            self._step(Step.BODY_END)
            return BodyEnd(chunks.trailers)
        self._step(Step.PREVIEW_END)
        if self.answer_side is not AnswerSide.WAITING:
            self._step(Step.ANSWERED)
        return PreviewEnd()


def _preview(value: bytes) -> int:
    if not value.isdigit() or len(value) > 9:  # noqa: PLR2004 - below any limit of a body
        raise BrokenMessageError(f"Preview: {value[:40]!r} is not a number of bytes")
    return int(value)
