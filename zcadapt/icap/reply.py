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
from email.utils import mktime_tz, parsedate_tz
from enum import Enum, auto
from typing import Final, NamedTuple

from zcadapt.icap.answer import NO_BODY
from zcadapt.icap.decisions import (
    KEEP,
    Allow,
    Body,
    Decision,
    Keep,
    Modify,
    Pairs,
    Respond,
    phrase_of,
)
from zcadapt.icap.events import RequestHead
from zcadapt.icap.headers import edited, split_head
from zcadapt.icap.http import HTTPRequest, HTTPResponse
from zcadapt.icap.options import http_date

__all__ = ["BODILESS", "Reply", "Source", "choose", "original"]

Heads = tuple[tuple[str, bytes], ...]

#: HTTP responses that have no body whatever their head says (RFC 9112, 6.3).
BODILESS: Final = frozenset({*range(100, 200), 204, 304})

#: What tells where a body ends; Transfer-Encoding is never for a service to say.
FRAMING: Final = ("transfer-encoding", "content-length")


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


def choose(
    decision: Decision | None, head: RequestHead, *, in_preview: bool, now: int | None = None
) -> Reply:
    """Return how `decision` goes out.

    Args:
        decision: what was decided; None: nobody has an opinion.
        head: what the client sent.
        in_preview: whether it sent a preview and has not been told to continue.
        now: the time, in seconds since the epoch, for the Date of a response of
            our own (RFC 9110, 6.6.1).
    """
    may_204 = in_preview or "204" in head.allow
    if decision is None or isinstance(decision, Allow):
        return UNMODIFIED if may_204 else original(head)
    if isinstance(decision, Respond):
        return _response(decision, head, now)
    if not isinstance(decision, Modify):
        raise TypeError(f"{type(decision).__name__} is not a decision")
    if decision.body is not KEEP:
        return _new_body(decision, head)
    if may_204 and _heads(head, decision) == _heads(head, None):
        return UNMODIFIED
    return original(head, decision, may_206=may_204 and "206" in head.allow)


def with_length(reply: Reply, length: int) -> Reply:
    """Return `reply` with the length of its body in the head."""
    ((name, raw),) = reply.heads
    first, end, block = split_head(raw)
    block = edited(block, replace=(("Content-Length", str(length)),))
    return reply._replace(heads=((name, first + end + block + b"\r\n"),))


def original(head: RequestHead, change: Modify | None = None, *, may_206: bool = False) -> Reply:
    """Return the message with its own body, and the head changed or not."""
    if not head.has_body:
        return Reply(200, _heads(head, change))
    if change is not None and change.status in BODILESS:
        return Reply(200, _heads(head, change, framing=()))
    heads = _heads(head, change)
    body = _body_name(head)
    if may_206:
        return Reply(206, heads, body, Source.CLIENT)
    return Reply(200, heads, body, Source.ORIGINAL)


def _new_body(change: Modify, head: RequestHead) -> Reply:
    body = change.body
    bodiless = _status(head, change) in BODILESS
    heads = _heads(head, change, framing=() if bodiless else _length(body))
    if body == b"" or bodiless or (head.line.method == "RESPMOD" and _is_head(head)):
        return Reply(200, heads)
    assert isinstance(body, bytes | AsyncIterable)  # noqa: S101 - KEEP is dealt with elsewhere
    return Reply(200, heads, _body_name(head), _source(body), body)


def _response(decision: Respond, head: RequestHead, now: int | None) -> Reply:
    """Return a response of our own; one to HEAD has the head that GET would get."""
    first = b"HTTP/1.1 %d %s\r\n" % (decision.status, decision.phrase.encode("latin-1"))
    bodiless = decision.status in BODILESS
    length = () if bodiless else _length(decision.body)
    headers = _without(FRAMING if length or bodiless else FRAMING[:1], decision.headers)
    date = () if any(name.lower() == "date" for name, _ in headers) else _date(head, now)
    heads = (("res-hdr", first + edited(b"", add=date + headers + length) + b"\r\n"),)
    if bodiless or decision.body == b"" or _is_head(head):
        return Reply(200, heads)
    return Reply(200, heads, "res-body", _source(decision.body), decision.body)


def _date(head: RequestHead, now: int | None) -> Pairs:
    """Return the Date of a response of our own.

    A cache may use the response that it has, where that seems to be newer (as
    Squid does). So ours is as old as the one whose place it takes, even where
    the clock of who sent that is ahead.
    """
    if now is None:
        return ()
    theirs = parsedate_tz(HTTPResponse(head.response or b"").headers.get("date", ""))
    try:
        return (("Date", http_date(now if theirs is None else max(now, mktime_tz(theirs)))),)
    except (ValueError, OverflowError):  # no such day
        return (("Date", http_date(now)),)


def _source(body: Body) -> Source:
    return Source.NEW if isinstance(body, bytes) else Source.MADE


def _length(body: Body | Keep) -> Pairs:
    return (("Content-Length", str(len(body))),) if isinstance(body, bytes) else ()


def _without(names: tuple[str, ...], pairs: Pairs) -> Pairs:
    return tuple(pair for pair in pairs if pair[0].lower() not in names)


def _is_head(head: RequestHead) -> bool:
    return head.request is not None and head.request.startswith(b"HEAD ")


def _status(head: RequestHead, change: Modify) -> int | None:
    """Return the status that the response under adaptation will have; None in REQMOD."""
    if head.line.method == "REQMOD":
        return None
    return change.status or HTTPResponse(head.response or b"").status


def _body_name(head: RequestHead) -> str:
    return "req-body" if head.line.method == "REQMOD" else "res-body"


def _heads(head: RequestHead, change: Modify | None, *, framing: Pairs | None = None) -> Heads:
    """Return the head that goes back, changed: the request's in REQMOD, else the response's.

    With a new body `framing` tells its length, or nothing where that is not
    known. How the body is framed further on is the ICAP client's affair.
    """
    in_reqmod = head.line.method == "REQMOD"
    name, raw = ("req-hdr", head.request) if in_reqmod else ("res-hdr", head.response)
    if raw is None:
        return ()
    if change is None:
        return ((name, raw),)
    first, end, block = split_head(raw)
    first = _request_line(first, change) if in_reqmod else _status_line(first, change)
    removed, new, added = change.remove_headers, change.set_headers, change.add_headers
    if framing is None:
        new, added = _without(FRAMING, new), _without(FRAMING, added)
    else:
        # What a service says of the length counts only where it is not known.
        told = FRAMING if framing or _status(head, change) in BODILESS else FRAMING[:1]
        new, added = _without(told, new) + framing, _without(told, added)
        replaced = {name.lower() for name, _ in new}
        removed += tuple(name for name in FRAMING if name not in replaced)
    block = edited(block, remove=removed, replace=new, add=added)
    return ((name, first + end + block + b"\r\n"),)


def _request_line(line: bytes, change: Modify) -> bytes:
    if change.method is None and change.url is None:
        return line
    old = HTTPRequest(line)
    words = (change.method or old.method, change.url or old.target, old.version)
    return " ".join(word for word in words if word).encode("latin-1")


def _status_line(line: bytes, change: Modify) -> bytes:
    if change.status is None and change.phrase is None:
        return line
    version, _, rest = line.partition(b" ")
    status, _, phrase = rest.partition(b" ")
    if change.status is not None:
        status = b"%d" % change.status
        phrase = phrase_of(change.status).encode("latin-1")
    if change.phrase is not None:
        phrase = change.phrase.encode("latin-1")
    return b" ".join((version, status, phrase))
