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
- The next request is looked for when both sides are through with this one.

The socket, time-outs, back-pressure and what the answers are belong to others.
"""

from enum import Enum, auto
from typing import Final

from zcadapt.icap.answer import CONTINUE, Answer
from zcadapt.icap.chunked import ChunkReader, frame, last_chunk
from zcadapt.icap.errors import BrokenMessageError, LocalProtocolError, TooLargeError
from zcadapt.icap.events import BodyData, BodyEnd, Cue, PreviewEnd, RequestHead
from zcadapt.icap.head import (
    BLANK_LINE,
    NO_PARTS,
    Layout,
    RequestLine,
    parse_allow,
    parse_encapsulated,
    parse_head,
)
from zcadapt.icap.settings import Limits

__all__ = ["AnswerSide", "Connection", "RequestSide", "Step"]

NOTHING: Final[frozenset[str]] = frozenset()

Fields = dict[str, bytes]
Parts = dict[str, bytes]
Event = RequestHead | BodyData | PreviewEnd | BodyEnd | Cue


class _Quick(Enum):
    """Members hash by identity, in C: the tables are walked for every request."""

    __hash__ = object.__hash__


class RequestSide(_Quick):
    """How far the request has been read."""

    IDLE = auto()
    PREVIEW = auto()
    PAUSED = auto()
    BODY = auto()
    DONE = auto()
    FAILED = auto()


class AnswerSide(_Quick):
    """How far the answer has been sent."""

    WAITING = auto()
    STREAMING = auto()
    SENT = auto()


class Step(_Quick):
    """What moves the sides on."""

    HEAD_ONLY = auto()  # a head without a body
    HEAD_PREVIEW = auto()  # a head, a preview follows
    HEAD_BODY = auto()  # a head, the whole body follows
    PREVIEW_END = auto()  # the last chunk of a preview, without ieof
    BODY_END = auto()  # the last chunk of the body
    CONTINUE = auto()  # 100 Continue
    ANSWERED = auto()  # a final answer has begun
    ANSWER_WHOLE = auto()  # an answer without a body
    ANSWER_BEGIN = auto()  # the head of an answer with a body
    ANSWER_END = auto()  # its last chunk
    NEXT = auto()


REQUEST_SIDE: Final = {
    RequestSide.IDLE: {
        Step.HEAD_ONLY: RequestSide.DONE,
        Step.HEAD_PREVIEW: RequestSide.PREVIEW,
        Step.HEAD_BODY: RequestSide.BODY,
    },
    RequestSide.PREVIEW: {
        Step.PREVIEW_END: RequestSide.PAUSED,
        Step.BODY_END: RequestSide.DONE,
    },
    RequestSide.PAUSED: {
        Step.CONTINUE: RequestSide.BODY,
        Step.ANSWERED: RequestSide.DONE,
    },
    RequestSide.BODY: {Step.BODY_END: RequestSide.DONE},
    RequestSide.DONE: {Step.NEXT: RequestSide.IDLE},
    RequestSide.FAILED: {},
}

ANSWER_SIDE: Final = {
    AnswerSide.WAITING: {
        Step.CONTINUE: AnswerSide.WAITING,
        Step.ANSWER_WHOLE: AnswerSide.SENT,
        Step.ANSWER_BEGIN: AnswerSide.STREAMING,
    },
    AnswerSide.STREAMING: {Step.ANSWER_END: AnswerSide.SENT},
    AnswerSide.SENT: {Step.NEXT: AnswerSide.WAITING},
}


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
        "_body_left",
        "_chunks",
        "_closed",
        "_head",
        "_limits",
        "_searched",
        "answer_side",
        "left_over",
        "must_close",
        "request_side",
    )

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._chunks = ChunkReader(limits)
        self._head: tuple[RequestLine, bytes, Fields, Layout, int] | None = None  # while the encapsulated heads come
        self._searched = 0  # how much of a partial head has no blank line
        self._body_left = 0
        self._closed = False
        self.left_over = b""
        self.must_close = False
        self.request_side = RequestSide.IDLE
        self.answer_side = AnswerSide.WAITING

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
        self._chunks = self._new_chunks()
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
            LocalProtocolError: no answer with a body has begun.
        """
        if self.answer_side is not AnswerSide.STREAMING:
            raise LocalProtocolError("body data outside of a body")
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
            end = self.left_over.find(BLANK_LINE, self._searched)
            if end < 0:
                return self._no_head_yet()
            line, block, fields = parse_head(self.left_over[:end], self._limits)
            layout = self._layout(line, fields)
            self._head = line, block, fields, layout, end + len(BLANK_LINE)
        line, block, fields, layout, begin = self._head
        if len(self.left_over) < begin + layout.body_at:
            return self._need_data()
        parts = self._cut_heads(layout, begin)
        if parts is None:
            return self._need_data()
        self._head = None
        self._searched = 0
        return self._begin(line, block, fields, layout, parts)

    def _skip_stray_ends(self) -> None:
        """Skip what some clients send twice: blank lines, and the end of an empty body."""
        while self.left_over[:2] == b"\r\n" or self.left_over[:5] == b"0\r\n\r\n":
            self.left_over = self.left_over[2 if self.left_over[0] == 13 else 5 :]

    def _no_head_yet(self) -> Cue:
        begun = self.left_over
        if len(begun) > self._limits.header_bytes:
            raise TooLargeError(f"a head of more than {self._limits.header_bytes} bytes")
        if begun and not _may_begin_a_request(begun):
            raise BrokenMessageError(f"{begun[:40]!r} is not the beginning of an ICAP request")
        if self._closed and not begun:
            return Cue.CLOSED
        self._searched = max(len(begun) - len(BLANK_LINE) + 1, 0)
        return self._need_data()

    def _need_data(self) -> Cue:
        if self._closed:
            raise BrokenMessageError("the client closed in the middle of a request")
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
        """Take the encapsulated heads off `left_over`; None while they are not there."""
        end = begin + layout.body_at
        block = self.left_over[begin:end]
        parts: Parts = {}
        for name, where in layout.heads:
            parts[name] = part = block[where]
            if not part.endswith(BLANK_LINE):
                return self._search_heads(layout, begin)
        self.left_over = self.left_over[end:]
        return parts

    def _search_heads(self, layout: Layout, begin: int) -> Parts | None:
        """Do the same where the offsets are wrong: then the blank lines count."""
        most = begin + self._limits.header_bytes
        parts: Parts = {}
        at = begin
        for name, _ in layout.heads:
            end = self.left_over.find(BLANK_LINE, at, most)
            if end < 0:
                if len(self.left_over) < most:
                    return None
                raise BrokenMessageError(f"no blank line ends the encapsulated {name}")
            end += len(BLANK_LINE)
            parts[name] = self.left_over[at:end]
            at = end
        self.left_over = self.left_over[at:]
        return parts

    def _begin(
        self, line: RequestLine, block: bytes, fields: Fields, layout: Layout, parts: Parts
    ) -> RequestHead:
        preview = _preview(fields["preview"]) if "preview" in fields else None
        if "connection" in fields and b"close" in fields["connection"].lower():
            self.must_close = True
        if not layout.has_body:
            self.request_side = _DONE
        else:
            self._step(Step.HEAD_BODY if preview is None else Step.HEAD_PREVIEW)
            self._body_left = self._limits.body_bytes
            self._chunks = self._new_chunks()
        allow = parse_allow(fields["allow"]) if "allow" in fields else NOTHING
        return RequestHead(
            line,
            block,
            fields,
            parts.get("req-hdr"),
            parts.get("res-hdr"),
            layout.has_body,
            preview,
            allow,
        )

    def _new_chunks(self) -> ChunkReader:
        return ChunkReader(self._limits)

    def _next_of_body(self) -> BodyData | BodyEnd | PreviewEnd | Cue:
        chunks = self._chunks
        if self.left_over and not chunks.ended:
            data = chunks.decode(self.left_over)
            self.left_over = chunks.left_over
            if data:
                self._body_left -= len(data)
                if self._body_left < 0:
                    raise TooLargeError(f"a body of more than {self._limits.body_bytes} bytes")
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


def _may_begin_a_request(begun: bytes) -> bool:
    """Whether a blank line may yet turn `begun` into a head: TLS and garbage are not waited for."""
    first = begun[:64].partition(b"\r\n")[0]
    return first.isascii() and all(32 <= byte < 127 or byte == 13 for byte in first)  # noqa: PLR2004 - printable


def _preview(value: bytes) -> int:
    if not value.isdigit() or len(value) > 9:  # noqa: PLR2004 - below any limit of a body
        raise BrokenMessageError(f"Preview: {value[:40]!r} is not a number of bytes")
    return int(value)
