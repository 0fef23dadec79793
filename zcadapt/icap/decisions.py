"""What a service may answer about a message.

A decision says what is to become of the message, never how that goes out on
the wire: 204, 206 or 200 is for the server to choose from what the client
allowed.
"""

import re
from collections.abc import AsyncIterable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from zcadapt.icap.request import Request

__all__ = [
    "KEEP",
    "Allow",
    "Block",
    "Decision",
    "Modify",
    "Respond",
    "allow",
    "block",
    "modify",
    "respond",
]

Pairs = tuple[tuple[str, str], ...]
HeaderItems = Mapping[str, str] | Iterable[tuple[str, str]]
Body = bytes | AsyncIterable[bytes]


class Keep:
    """The type of `KEEP`: the body stays as it is."""

    def __repr__(self) -> str:
        return "KEEP"

    def __reduce__(self) -> str:
        return "KEEP"  # there is one only, in copies too


KEEP: Final = Keep()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    r"""What all decisions have in common.

    `icap_headers` go into the head of the ICAP answer, `reason` into logs.

    Whichever way a decision is made, what could not go out is refused then.

    Raises:
        TypeError: a part is of another type than is said here.
        ValueError: a name, value, status or start line cannot stand in a message.

    >>> Respond(status=200, headers=(('A', 'b\r\nX: y'),))
    Traceback (most recent call last):
    ValueError: the value of A would break the line it is put in
    """

    icap_headers: Pairs = ()
    reason: str = ""

    def __post_init__(self) -> None:
        # The usual case is cheap: these are made on the way of requests.
        if self.icap_headers != ():
            _check_headers("icap_headers", self.icap_headers, icap=True)
        if not isinstance(self.reason, str):
            raise TypeError(f"reason is a str, not {_kind(self.reason)}")


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

    def __post_init__(self) -> None:
        Decision.__post_init__(self)  # super() does not find its class where there are slots
        if self.set_headers != ():
            _check_headers("set_headers", self.set_headers)
        if self.add_headers != ():
            _check_headers("add_headers", self.add_headers)
        if self.remove_headers != ():
            _check_names(self.remove_headers)
        if self.method is not None:
            _check_method(self.method)
        if self.url is not None:
            _check_url(self.url)
        if self.status is not None:
            _check_status(self.status)
        if self.phrase is not None:
            _check_line("phrase", self.phrase)
        if self.body is not KEEP:
            _check_body(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Respond(Decision):
    """An HTTP response goes to the user in the place of the message.

    Without a `phrase` it has that of its status.
    """

    status: int
    headers: Pairs = ()
    body: Body = b""
    phrase: str = ""

    def __post_init__(self) -> None:
        Decision.__post_init__(self)
        _check_status(self.status)
        if self.headers != ():
            _check_headers("headers", self.headers)
        _check_body(self.body)
        if self.phrase == "":
            object.__setattr__(self, "phrase", phrase_of(self.status))
        else:
            _check_line("phrase", self.phrase)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block(Respond):
    """The block page goes to the user in the place of the message.

    What `block` returns has a line of text for a body: with it a service can be
    tested. The server makes the page of it when it is followed, in the form and
    the language that the user's client wants, and gives it an `id`, which
    stands on the page, in the log and in the answer. Who observes decisions
    sees it with all of that.
    """

    id: str = ""


def allow(*, icap_headers: HeaderItems = (), reason: str = "") -> Allow:
    """End the consultation and leave the message alone.

    >>> allow(reason='on the list of friends')
    Allow(icap_headers=(), reason='on the list of friends')
    """
    return Allow(icap_headers=_pairs(icap_headers), reason=reason)


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
        TypeError: as `Decision` says.
        ValueError: as `Decision` says, or the names to remove are one `str`.
    """
    return Modify(
        set_headers=_pairs(set_headers),
        add_headers=_pairs(add_headers),
        remove_headers=_names(remove_headers),
        method=method,
        url=url,
        status=status,
        phrase=phrase,
        body=body,
        icap_headers=_pairs(icap_headers),
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

    Args:
        status: the HTTP status, an `int` from 200 on.
        headers: a mapping of names to values, or pairs of both, for several of one name.
        body: `bytes`, or an asynchronous iterator of them, which is sent as it comes; a
            `str` goes out as UTF-8. Content-Length follows from it by itself.
        phrase: the reason phrase; without, the usual one of the status.
        icap_headers: headers of the ICAP answer.
        reason: a word for the logs.

    Raises:
        TypeError: as `Decision` says.
        ValueError: as `Decision` says.

    >>> respond(302, {'Location': 'http://example.com/'}).phrase
    'Found'
    """
    return Respond(
        status=status,
        headers=_pairs(headers),
        body=body.encode() if isinstance(body, str) else body,
        phrase=phrase,
        icap_headers=_pairs(icap_headers),
        reason=reason,
    )


#: What the server says of the answer itself.
RESERVED: Final = frozenset(
    {"connection", "content-length", "encapsulated", "istag", "transfer-encoding"}
)

PHRASES: Final = {each.value: each.phrase for each in HTTPStatus}

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET = re.compile(r"[\x21-\x7e\x80-\xff]+")
_LINE = re.compile(r"[\x01-\x09\x0b\x0c\x0e-\xff]*")
_FOLD = re.compile(r"\r\n(?=[ \t])")

#: The headers of a block as long as the server has not made its page.
PLAIN: Final = (("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store"))


def block(
    request: "Request",
    *,
    reason: str = "",
    status: int = 403,
    icap_headers: HeaderItems = (),
) -> Block:
    """Respond with the block page, which tells the user `reason`.

    Args:
        request: what is blocked.
        reason: why, as the user should read it; it is in the log too.
        status: the HTTP status.
        icap_headers: headers of the ICAP answer.

    Raises:
        TypeError: as `Decision` says.
        ValueError: as `Decision` says.
    """
    text = f"{request.http.shown_url} is blocked: {reason}\n"
    return Block(
        status=status,
        headers=PLAIN,
        body=text.encode(errors="replace"),
        icap_headers=_pairs(icap_headers),
        reason=reason,
    )


def phrase_of(status: int) -> str:
    """Return the reason phrase of an HTTP status."""
    return PHRASES.get(status, "Unknown")


def _pairs(headers: HeaderItems) -> Pairs:
    if headers == ():
        return ()
    items = headers.items() if isinstance(headers, Mapping) else headers
    return tuple((name, value) for name, value in items)


def _names(names: Iterable[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise ValueError("names of headers are given as a list")  # noqa: TRY004 - documented
    return tuple(names)


# What can stand in a message. No error shows a value: those are for nobody's log.


def _check_headers(what: str, pairs: object, *, icap: bool = False) -> None:
    if not isinstance(pairs, tuple):
        raise TypeError(f"{what} is a tuple of pairs, not {_kind(pairs)}")
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:  # noqa: PLR2004 - a pair
            raise TypeError(f"{what} is a tuple of pairs, each a name and a value")
        name, value = pair
        if _is_sendable(name, value) and not (icap and name.lower() in RESERVED):
            continue
        _check_name(name)
        if icap:
            if name.lower() in RESERVED:
                raise ValueError(f"{name} is for the server to say")
            if isinstance(value, str):  # X-Violations-Found is read folded over several lines
                value = _FOLD.sub("", value)
        _check_line(f"the value of {name}", value)


def _is_sendable(name: object, value: object) -> bool:
    """Tell whether the usual is the case, in little time: these are made for each block page."""
    if not (isinstance(name, str) and isinstance(value, str)):
        return False
    return _TOKEN.fullmatch(name) is not None and _LINE.fullmatch(value) is not None


def _check_names(names: object) -> None:
    if not isinstance(names, tuple):
        raise TypeError(f"remove_headers is a tuple of names, not {_kind(names)}")
    for name in names:
        _check_name(name)


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"the name of a header is a str, not {_kind(name)}")
    if _TOKEN.fullmatch(name) is None:
        raise ValueError(f"{name!r:.80} cannot be the name of a header")


def _check_method(method: object) -> None:
    if not isinstance(method, str):
        raise TypeError(f"method is a str, not {_kind(method)}")
    if _TOKEN.fullmatch(method) is None:
        raise ValueError(f"{method!r:.80} is not a method")


def _check_url(url: object) -> None:
    if not isinstance(url, str):
        raise TypeError(f"url is a str, not {_kind(url)}")
    if _TARGET.fullmatch(url) is None:
        raise ValueError("url cannot stand in a request line: it is to be quoted")


def _check_status(status: object) -> None:
    if not isinstance(status, int):
        raise TypeError(f"status is an int, not {_kind(status)}")
    if not 200 <= status <= 999:  # noqa: PLR2004 - RFC 9110, 15: three digits, and no interim ones
        raise ValueError(f"{status} is not the status of a final response")


def _check_body(body: object) -> None:
    if not isinstance(body, bytes) and not isinstance(body, AsyncIterable):
        raise TypeError(f"a body is bytes or an asynchronous iterator, not {_kind(body)}")


def _check_line(what: str, text: object) -> None:
    """Refuse what would end a line, or cannot be sent as latin-1."""
    if not isinstance(text, str):
        raise TypeError(f"{what} is a str, not {_kind(text)}")
    if _LINE.fullmatch(text) is not None:
        return
    if any(bad in text for bad in "\r\n\0"):
        raise ValueError(f"{what} would break the line it is put in")
    raise ValueError(f"{what} cannot be sent: it is not latin-1")


def _kind(thing: object) -> str:
    return type(thing).__name__
