"""What a client does, as `Connection.next_event` tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from zcadapt.icap.head import RequestLine

__all__ = ["BodyData", "BodyEnd", "Cue", "PreviewEnd", "RequestHead"]


class Cue(Enum):
    """What `next_event` returns when nothing has happened."""

    NEED_DATA = auto()  #: more bytes must come first
    PAUSED = auto()  #: it is our turn: an answer, or `continue_`, comes first
    CLOSED = (
        auto()
    )  #: the client has closed, or its last request is answered; nothing more will come


@dataclass(slots=True)
class RequestHead:
    """A request has begun: its head and the encapsulated heads are here, whole.

    Where it `has_body`, `BodyData` follow, then `PreviewEnd` or `BodyEnd`; else
    nothing does. `preview` is the number in its Preview header (RFC 3507, 4.5).
    """

    line: RequestLine
    raw: bytes  #: the ICAP head as it came, without its blank line
    fields: Mapping[str, bytes]  #: by lower-case name, repeated ones joined
    request: bytes | None  #: the encapsulated ``req-hdr``
    response: bytes | None  #: the encapsulated ``res-hdr``
    has_body: bool
    preview: int | None
    allow: frozenset[str]


@dataclass(frozen=True, slots=True)
class BodyData:
    """A piece of the body, of whatever chunks it came in."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PreviewEnd:
    """The client has shown what it promised, and waits.

    Call `Connection.continue_` to see the rest, or answer to be spared it
    (RFC 3507, 4.5).
    """


@dataclass(frozen=True, slots=True)
class BodyEnd:
    """The body is complete; `trailers` are the lines behind its last chunk."""

    trailers: bytes = b""
