"""What a service may answer about a message.

A decision says what is to become of the message, never how that goes out on
the wire: 204, 206 or 200 is for the server to choose from what the client
allowed.
"""

import re
from collections.abc import AsyncIterable, Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from http import HTTPStatus
from string import Template
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from zcadapt.icap.request import Request

__all__ = ["KEEP", "Allow", "Decision", "Modify", "Respond", "allow", "block", "modify", "respond"]

Pairs = tuple[tuple[str, str], ...]
HeaderItems = Mapping[str, str] | Iterable[tuple[str, str]]
Body = bytes | AsyncIterable[bytes]


class Keep:
    """The type of `KEEP`: the body stays as it is."""

    def __repr__(self) -> str:
        return "KEEP"


KEEP: Final = Keep()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What all decisions have in common.

    `icap_headers` go into the head of the ICAP answer, `reason` into logs.
    """

    icap_headers: Pairs = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow(Decision):
    """The message stays as it is, and nobody else is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Modify(Decision):
    """The message goes on, changed.

    `remove_headers` happens first, then `set_headers`, then `add_headers`.
    What is ``None`` or `KEEP` stays.

    >>> modify(remove_headers=['Cookie'], set_headers={'DNT': '1'}).set_headers
    (('DNT', '1'),)
    """

    set_headers: Pairs = ()
    add_headers: Pairs = ()
    remove_headers: tuple[str, ...] = ()
    method: str | None = None
    url: str | None = None
    status: int | None = None
    phrase: str | None = None
    body: Body | Keep = field(default=KEEP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Respond(Decision):
    """An HTTP response goes to the user in the place of the message."""

    status: int
    headers: Pairs = ()
    body: Body = b""
    phrase: str = ""


def allow(*, icap_headers: HeaderItems = (), reason: str = "") -> Allow:
    """End the consultation and leave the message alone.

    >>> allow(reason='on the list of friends')
    Allow(icap_headers=(), reason='on the list of friends')
    """
    return Allow(icap_headers=_icap_pairs(icap_headers), reason=reason)


def modify(  # noqa: PLR0913 - each part of a message can be changed by itself
    *,
    set_headers: HeaderItems = (),
    add_headers: HeaderItems = (),
    remove_headers: Iterable[str] = (),
    method: str | None = None,
    url: str | None = None,
    status: int | None = None,
    phrase: str | None = None,
    body: Body | Keep = KEEP,
    icap_headers: HeaderItems = (),
    reason: str = "",
) -> Modify:
    """Change the message under adaptation: the request in REQMOD, the response in RESPMOD.

    Args:
        set_headers: replace all headers of these names, or add them.
        add_headers: add these, whatever there is.
        remove_headers: drop all headers of these names.
        method: the new method, in REQMOD.
        url: the new request target, in REQMOD.
        status: the new status code, in RESPMOD.
        phrase: the new reason phrase, in RESPMOD.
        body: the new body; Content-Length follows by itself, Content-Encoding does not.
        icap_headers: headers of the ICAP answer.
        reason: a word for the logs.

    Raises:
        TypeError: the body is none of these.
        ValueError: a name, value or start line cannot stand in a message.
    """
    _check_start_line(method, url, status, phrase)
    _check_body(b"" if body is KEEP else body)
    return Modify(
        set_headers=_pairs(set_headers),
        add_headers=_pairs(add_headers),
        remove_headers=_names(remove_headers),
        method=method,
        url=url,
        status=status,
        phrase=phrase,
        body=body,
        icap_headers=_icap_pairs(icap_headers),
        reason=reason,
    )


def respond(  # noqa: PLR0913 - a response has these parts
    status: int,
    headers: HeaderItems = (),
    body: Body | str = b"",
    *,
    phrase: str = "",
    icap_headers: HeaderItems = (),
    reason: str = "",
) -> Respond:
    """Answer in the origin server's place.

    Content-Length follows from `body` by itself; a `str` goes out as UTF-8.

    Raises:
        TypeError: the body is neither text, nor bytes, nor an asynchronous iterator.
        ValueError: a name, value, status or phrase cannot stand in a message.

    >>> respond(302, {'Location': 'http://example.com/'}).status
    302
    """
    _check_status(status)
    _check_line(phrase)
    if isinstance(body, str):
        body = body.encode()
    _check_body(body)
    return Respond(
        status=status,
        headers=_pairs(headers),
        body=body,
        phrase=phrase or phrase_of(status),
        icap_headers=_icap_pairs(icap_headers),
        reason=reason,
    )


#: What the server says of the answer itself.
RESERVED: Final = frozenset(
    {"connection", "content-length", "encapsulated", "istag", "transfer-encoding"}
)

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET = re.compile(r"[\x21-\x7e\x80-\xff]+")
_FOLD = re.compile(r"\r\n(?=[ \t])")

BLOCK_PAGE: Final = Template("""\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Blocked</title></head>
<body>
<h1>This page is blocked</h1>
<p>$url</p>
<p>$reason</p>
</body>
</html>
""")


def block(
    request: "Request",
    *,
    reason: str = "",
    status: int = 403,
    icap_headers: HeaderItems = (),
) -> Respond:
    """Respond with the block page, which shows the URL and `reason`."""
    page = BLOCK_PAGE.substitute(url=escape(request.http.url), reason=escape(reason))
    headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
    return respond(status, headers, page, icap_headers=icap_headers, reason=reason)


def phrase_of(status: int) -> str:
    """Return the reason phrase of an HTTP status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _pairs(headers: HeaderItems) -> Pairs:
    items = headers.items() if isinstance(headers, Mapping) else headers
    pairs = tuple((name, value) for name, value in items)
    for name, value in pairs:
        if _TOKEN.fullmatch(name) is None:
            raise ValueError(f"{name!r} cannot be the name of a header")
        _check_line(value)
    return pairs


def _icap_pairs(headers: HeaderItems) -> Pairs:
    """Check headers of the ICAP answer; X-Violations-Found is read folded over several lines."""
    items = headers.items() if isinstance(headers, Mapping) else headers
    pairs = tuple((name, value) for name, value in items)
    for name, _ in _pairs((name, _FOLD.sub("", value)) for name, value in pairs):
        if name.lower() in RESERVED:
            raise ValueError(f"{name} is for the server to say")
    return pairs


def _names(names: Iterable[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise ValueError("names of headers are given as a list")  # noqa: TRY004 - documented
    return tuple(names)


def _check_start_line(
    method: str | None, url: str | None, status: int | None, phrase: str | None
) -> None:
    if method is not None and _TOKEN.fullmatch(method) is None:
        raise ValueError(f"{method!r} is not a method")
    if url is not None and _TARGET.fullmatch(url) is None:
        raise ValueError(f"{url!r} cannot stand in a request line: it is to be quoted")
    if status is not None:
        _check_status(status)
    _check_line(phrase)


def _check_status(status: int) -> None:
    if not 200 <= status <= 999:  # noqa: PLR2004 - RFC 9110, 15: three digits, and no interim ones
        raise ValueError(f"{status} is not the status of a final response")


def _check_body(body: object) -> None:
    if not isinstance(body, bytes | AsyncIterable):
        raise TypeError(f"a body is bytes or an asynchronous iterator, not {type(body).__name__}")


def _check_line(*texts: str | None) -> None:
    """Refuse what would end a line, or cannot be sent as latin-1."""
    for text in texts:
        if text is not None:
            if any(bad in text for bad in "\r\n\0"):
                raise ValueError(f"{text!r} would break the line it is put in")
            text.encode("latin-1")
