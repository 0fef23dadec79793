"""The head of an ICAP request (RFC 3507, 4.3) and its Encapsulated header (4.4.1).

Lenient where clients err: offsets in any order and with any spaces, names in
any case, header lines folded or repeated. Strict where an error would hide
where a line or the message ends.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from zcadapt.icap.errors import (
    BrokenMessageError,
    TooLargeError,
    UnknownMethodError,
    UnknownVersionError,
)
from zcadapt.icap.limits import Limits

__all__ = [
    "BLANK_LINE",
    "NO_PARTS",
    "Layout",
    "RequestLine",
    "check_beginning",
    "parse_encapsulated",
    "parse_field",
    "parse_head",
    "parse_words",
]

CRLF: Final = b"\r\n"
CR, LF, NUL = CRLF[0], CRLF[1], 0  # a byte is looked for as a number several times as fast
METHODS: Final = frozenset({"OPTIONS", "REQMOD", "RESPMOD"})
BLANK_LINE: Final = b"\r\n\r\n"
NO_BODY: Final = "null-body"

#: Which parts each method may encapsulate.
PARTS: Final = {
    "OPTIONS": {"opt-body", NO_BODY},
    "REQMOD": {"req-hdr", "req-body", NO_BODY},
    "RESPMOD": {"req-hdr", "res-hdr", "res-body", NO_BODY},
}

#: Longer lists than any client sends are refused: what was read is kept.
LONG_LIST: Final = 1024

#: Most lines of a head are those of the last one, so what was read of them is
#: kept. A secret must not outlive its request, though: of header lines only those
#: of these fields are kept, none of which has one, and of request lines those
#: without a query or a user. An address is no secret, and comes with each request.
KEPT: Final = frozenset(
    {
        "allow",
        "connection",
        "date",
        "encapsulated",
        "host",
        "preview",
        "trailer",
        "user-agent",
        "x-client-ip",
    }
)
#: How many of a kind are kept, and how long one may be.
MOST_KEPT: Final = 2048
LONGEST_KEPT: Final = 256

Parsed = TypeVar("Parsed")

_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e\x80-\xff]+) ([A-Z]+)/(\d+\.\d+)")
_LINE_BEGUN = re.compile(  # whatever may yet become such a line
    rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?: (?:[\x21-\x7e\x80-\xff]+(?: (?:[A-Z]+(?:/[0-9.]*)?)?)?)?)?\r?"
)
_URI = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?([^?#]*)\??([^#]*)(?:#.*)?")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PART = re.compile(r"([a-z]+-[a-z]+) *= *(\d{1,9})")


class RequestLine(NamedTuple):
    """A request line: the URI whole, and its path and query."""

    method: str
    uri: str
    path: str
    query: str


class Layout(NamedTuple):
    """Where the encapsulated parts lie: the heads in their order, then the body.

    `heads` has the name of each and the offset of its end.
    """

    heads: tuple[tuple[str, int], ...]
    has_body: bool
    body_at: int


NO_PARTS: Final = Layout((), has_body=False, body_at=0)


_known_lines: dict[bytes, RequestLine] = {}
_known_fields: dict[bytes, tuple[str, bytes]] = {}
_known_names: dict[bytes, str] = {}


def _keep(known: dict[bytes, Parsed], line: bytes, parsed: Parsed) -> None:
    if len(line) <= LONGEST_KEPT:
        if len(known) >= MOST_KEPT:
            known.clear()
        known[line] = parsed


def parse_line(line: bytes) -> RequestLine:
    """Return the parts of a request line.

    Raises:
        BrokenMessageError: it is no ICAP request line.
        UnknownVersionError: the version is not 1.0.
        UnknownMethodError: the method is not one of RFC 3507.
    """
    known = _known_lines.get(line)
    if known is not None:
        return known
    match = _LINE.fullmatch(line.decode("latin-1"))
    if match is None or match[3] != "ICAP":
        raise BrokenMessageError(f"{_word(line)} begins no ICAP request line")
    method, uri, _, version = match.groups()
    if version != "1.0":
        raise UnknownVersionError(f"ICAP/{version} is not spoken here")
    if method not in METHODS:
        raise UnknownMethodError(f"{method[:40]!r} is not an ICAP method")
    path, query = _URI.fullmatch(uri).groups()  # type: ignore[union-attr]  # matches any text
    parsed = RequestLine(method, uri, path, query)
    if "?" not in uri and "@" not in uri:
        _keep(_known_lines, line, parsed)
    return parsed


def _word(data: bytes) -> str:
    """Return the first word of what a client sent, for a log: what follows may be secret."""
    return repr(data[:24].split(None, 1)[0] if data[:24].strip() else data[:24])


def parse_field(line: bytes) -> tuple[str, bytes]:
    """Return (name in lower case, value) of a header line; a folded one has no name.

    Raises:
        BrokenMessageError: it is no header line, or hides another.
    """
    if LF in line or CR in line or NUL in line:
        raise BrokenMessageError("a header line holds a bare CR or LF, or a NUL")
    name, colon, value = line.partition(b":")
    key = _known_names.get(name)
    if key is None or not colon:
        if line[:1] in (b" ", b"\t"):
            return "", line.strip(b" \t")
        if not colon or _NAME.fullmatch(name) is None:
            raise BrokenMessageError(f"{_word(name)} is not the name of a header field")
        key = name.decode("ascii").lower()
        _keep(_known_names, name, key)
    return key, value.strip(b" \t")


def parse_head(head: bytes, limits: Limits) -> tuple[RequestLine, dict[str, bytes]]:
    """Return (request line, fields) of `head`, which ends before its blank line.

    Raises:
        BrokenMessageError: it is not the head of an ICAP request.
        TooLargeError: it is longer than allowed.
    """
    lines = head.split(CRLF)
    first = lines[0]
    if len(first) > limits.uri_bytes:
        check_beginning(first + CRLF, limits)
    line = parse_line(first)
    del lines[0]
    if len(lines) > limits.header_count:
        raise TooLargeError(f"{len(lines)} header lines")
    return line, _fields(lines)


def check_beginning(begun: bytes, limits: Limits) -> None:
    """Refuse at once what can never become a head: nobody waits for the rest of garbage, or of TLS.

    Raises:
        IcapError: as `parse_head` would, if the rest had come.
    """
    most = min(limits.uri_bytes, limits.header_bytes)
    end = begun.find(CRLF, 0, most + len(CRLF))
    if end >= 0:
        parse_line(begun[:end])
    elif _LINE_BEGUN.fullmatch(begun[:most]) is None:
        raise BrokenMessageError(f"{_word(begun)} is not the beginning of an ICAP request")
    elif len(begun) >= most + len(CRLF):
        raise TooLargeError(f"a request line of more than {most} bytes")


def _fields(lines: list[bytes]) -> dict[str, bytes]:
    """Return the values by name: repeated fields joined, folded lines unfolded."""
    fields: dict[str, bytes] = {}
    last = ""
    known = _known_fields.get
    for line in lines:
        field = known(line)
        if field is None:
            field = parse_field(line)
            if field[0] in KEPT:
                _keep(_known_fields, line, field)
        key, value = field
        if key and key not in fields:
            fields[key] = value
            last = key
        elif key:
            fields[key] += b", " + value
            last = key
        elif last:
            fields[last] += b" " + value
        else:
            raise BrokenMessageError("the first header line is folded")
    return fields


@lru_cache(1024)
def parse_encapsulated(value: bytes, method: str) -> Layout:
    """Return where the parts lie.

    Heads that are said to lie behind the body cannot be found there and are
    left out, as are those of no length.

    Raises:
        BrokenMessageError: it is no list of parts, or one that the method does
            not have, or it names no body or two, or bytes that are in no part.
    """
    if len(value) > LONG_LIST:
        raise BrokenMessageError(f"Encapsulated with {len(value)} bytes")
    words = [word.strip() for word in value.decode("latin-1").lower().split(",") if word.strip()]
    matches = [_PART.fullmatch(word) for word in words]
    parts = {match[1]: int(match[2]) for match in matches if match}
    bodies = [name for name in parts if name.endswith("-body")]
    if len(parts) != len(words) or not PARTS[method].issuperset(parts) or len(bodies) != 1:
        raise BrokenMessageError(f"Encapsulated: {value[:80]!r} is not what a {method} has")
    body_at = parts.pop(bodies[0])
    heads = sorted((at, name) for name, at in parts.items() if at < body_at)
    if body_at and not heads:
        raise BrokenMessageError(f"Encapsulated: {value[:80]!r} leaves out what comes first")
    ends = [at for at, _ in [*heads[1:], (body_at, "")]]
    return Layout(
        tuple((name, end) for (at, name), end in zip(heads, ends, strict=False) if end > at),
        has_body=bodies[0] != NO_BODY,
        body_at=body_at,
    )


@lru_cache(256)
def parse_words(value: bytes) -> frozenset[str]:
    """Return the words of a list, such as the features in Allow (RFC 3507, 4.6).

    Raises:
        TooLargeError: it is longer than any client has reason to.
    """
    if len(value) > LONG_LIST:
        raise TooLargeError(f"a list of {len(value)} bytes")
    return frozenset(value.decode("latin-1").lower().replace(",", " ").split())
