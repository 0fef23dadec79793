"""How a decision goes out: a pure function of the decision and what the client allowed.

======================  ==========================================================
204 may be said         in a preview, or with ``Allow: 204`` (RFC 3507, 4.5 and 4.6)
206 may be said         with ``Allow: 206`` in a preview, with ``Allow: 204, 206``
                        outside of it too (the partial content extension)
otherwise               200, with the whole message
======================  ==========================================================

So wherever 206 may be said 204 may be too: a message that stays as it is never
goes out as 206.
"""

from collections.abc import AsyncIterable
from enum import Enum, auto
from typing import Final, NamedTuple

from zcadapt.icap.answer import NO_BODY
from zcadapt.icap.decisions import (
    KEEP,
    Allow,
    Body,
    Decision,
    Modify,
    Pairs,
    Respond,
    phrase_of,
)
from zcadapt.icap.events import RequestHead
from zcadapt.icap.headers import edited
from zcadapt.icap.http import HTTPResponse

__all__ = ["Reply", "Source", "choose"]

Heads = tuple[tuple[str, bytes], ...]

#: HTTP responses that have no body whatever their head says (RFC 9112, 6.3).
BODILESS: Final = frozenset({204, 304})


class Source(Enum):
    """Where the body of an answer comes from."""

    NONE = auto()
    ORIGINAL = auto()  #: the client's own body, sent back
    CLIENT = auto()  #: the client's own body, which it still has (206)
    NEW = auto()  #: bytes at hand
    MADE = auto()  #: bytes made bit by bit


class Reply(NamedTuple):
    """What goes out: status, encapsulated heads, the name of the body and its source."""

    status: int
    heads: Heads = ()
    body: str = NO_BODY
    source: Source = Source.NONE
    data: Body = b""


UNMODIFIED: Final = Reply(204)


def choose(decision: Decision | None, head: RequestHead, *, in_preview: bool) -> Reply:
    """Return how `decision` goes out.

    `in_preview` says that the client sent a preview and has not been told to
    continue.
    """
    may_204 = in_preview or "204" in head.allow
    if decision is None or isinstance(decision, Allow):
        return UNMODIFIED if may_204 else _original(head)
    if isinstance(decision, Respond):
        return _response(decision, head)
    if not isinstance(decision, Modify):
        raise TypeError(f"{decision!r} is not a decision")
    if decision.body is KEEP:
        return _original(head, decision, may_206=may_204 and "206" in head.allow)
    return _new_body(decision, head)


def with_length(reply: Reply, length: int) -> Reply:
    """Return `reply` with the length of its body in the head."""
    ((name, raw),) = reply.heads
    first, _, block = raw.partition(b"\r\n")
    replace = (("Content-Length", str(length)),)
    block = edited(block[:-2], replace=replace)
    return reply._replace(heads=((name, first + b"\r\n" + block + b"\r\n"),))


def _original(
    head: RequestHead, change: Modify | None = None, *, may_206: bool = False
) -> Reply:
    """Return the message with its own body, and the head changed or not."""
    heads = _heads(head, change)
    if not head.has_body:
        return Reply(200, heads)
    body = _body_name(head)
    return Reply(206, heads, body, Source.CLIENT) if may_206 else Reply(200, heads, body, Source.ORIGINAL)


def _new_body(change: Modify, head: RequestHead) -> Reply:
    body = change.body
    if isinstance(body, bytes):
        heads = _heads(head, change, replace=_length(body))
    else:
        heads = _heads(head, change, remove=("Content-Length",))
    if body == b"" or _is_bodiless(head):
        return Reply(200, heads)
    assert isinstance(body, bytes | AsyncIterable)  # noqa: S101 - KEEP is dealt with elsewhere
    return Reply(200, heads, _body_name(head), _source(body), body)


def _response(decision: Respond, head: RequestHead) -> Reply:
    """Return a response of our own; one to HEAD has the head that GET would get."""
    first = f"HTTP/1.1 {decision.status} {decision.phrase}\r\n".encode("latin-1")
    length = _length(decision.body) if isinstance(decision.body, bytes) else ()
    no_body = decision.status in BODILESS
    headers = _overridden(decision.headers, () if no_body else length)
    heads = (("res-hdr", first + edited(b"", add=headers) + b"\r\n"),)
    if no_body or decision.body == b"" or _is_head(head):
        return Reply(200, heads)
    return Reply(200, heads, "res-body", _source(decision.body), decision.body)


def _source(body: Body) -> Source:
    return Source.NEW if isinstance(body, bytes) else Source.MADE


def _length(body: bytes) -> Pairs:
    return (("Content-Length", str(len(body))),)


def _overridden(pairs: Pairs, by: Pairs) -> Pairs:
    names = {name.lower() for name, _ in by}
    return (*(pair for pair in pairs if pair[0].lower() not in names), *by)


def _is_head(head: RequestHead) -> bool:
    return head.request is not None and head.request.startswith(b"HEAD ")


def _is_bodiless(head: RequestHead) -> bool:
    """Whether the response under adaptation has no body whatever its head says."""
    if head.line.method == "REQMOD":
        return False
    return _is_head(head) or HTTPResponse(head.response or b"").status in BODILESS


def _body_name(head: RequestHead) -> str:
    return "req-body" if head.line.method == "REQMOD" else "res-body"


def _heads(
    head: RequestHead,
    change: Modify | None,
    *,
    remove: tuple[str, ...] = (),
    replace: Pairs = (),
) -> Heads:
    """Return the head that goes back, changed: the request's in REQMOD, else the response's.

    With a new body, `remove` or `replace` tell its length: then its framing is
    the ICAP client's affair, and Transfer-Encoding goes.
    """
    in_reqmod = head.line.method == "REQMOD"
    name, raw = ("req-hdr", head.request) if in_reqmod else ("res-hdr", head.response)
    if raw is None:
        return ()
    if change is None:
        return ((name, raw),)
    first, _, block = raw.partition(b"\r\n")
    first = _request_line(first, change) if in_reqmod else _status_line(first, change)
    framing = ("Transfer-Encoding",) if remove or replace else ()
    block = edited(
        block[:-2],
        remove=(*change.remove_headers, *remove, *framing),
        replace=_overridden(change.set_headers, replace),
        add=change.add_headers,
    )
    return ((name, first + b"\r\n" + block + b"\r\n"),)


def _request_line(line: bytes, change: Modify) -> bytes:
    if change.method is None and change.url is None:
        return line
    method, _, rest = line.partition(b" ")
    target, _, version = rest.rpartition(b" ")
    if change.method is not None:
        method = change.method.encode("latin-1")
    if change.url is not None:
        target = change.url.encode("latin-1")
    return b" ".join((method, target, version))


def _status_line(line: bytes, change: Modify) -> bytes:
    if change.status is None and change.phrase is None:
        return line
    version, _, rest = line.partition(b" ")
    status, _, phrase = rest.partition(b" ")
    if change.status is not None:
        status, phrase = str(change.status).encode("ascii"), phrase_of(change.status).encode("latin-1")
    if change.phrase is not None:
        phrase = change.phrase.encode("latin-1")
    return b" ".join((version, status, phrase))
