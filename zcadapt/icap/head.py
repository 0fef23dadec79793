"""The head of an ICAP request (RFC 3507, 4.3) and its Encapsulated header (4.4.1).

Lenient where clients err: offsets in any order and with any spaces, names in
any case, header lines folded or repeated. Strict where an error would hide
where the message ends.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from zcadapt.icap.errors import (
    BrokenMessageError,
    TooLargeError,
    UnknownMethodError,
    UnknownVersionError,
)
from zcadapt.icap.settings import Limits

__all__ = ["NO_PARTS", "Layout", "parse_allow", "parse_encapsulated", "parse_head"]

METHODS: Final = frozenset({"OPTIONS", "REQMOD", "RESPMOD"})
BLANK_LINE: Final = b"\r\n\r\n"
NO_BODY: Final = "null-body"

#: Which parts each method may encapsulate.
PARTS: Final = {
    "OPTIONS": {"opt-body", NO_BODY},
    "REQMOD": {"req-hdr", "req-body", NO_BODY},
    "RESPMOD": {"req-hdr", "res-hdr", "res-body", NO_BODY},
}

_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e\x80-\xff]+) ([A-Z]+)/(\d+\.\d+)")
_URI = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?([^?#]*)\??([^#]*)")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PART = re.compile(r"([a-z]+-[a-z]+) *= *(\d{1,9})")


class RequestLine(NamedTuple):
    """A request line: the URI whole, and its path and query."""

    method: str
    uri: str
    path: str
    query: str


class Layout(NamedTuple):
    """Where the encapsulated parts lie: the heads in their order, then the body."""

    heads: tuple[tuple[str, slice], ...]
    has_body: bool
    body_at: int


NO_PARTS: Final = Layout((), has_body=False, body_at=0)


@lru_cache(256)
def parse_line(line: bytes) -> RequestLine:
    """Return the parts of a request line.

    Raises:
        BrokenMessageError: it is no ICAP request line.
        UnknownVersionError: the version is not 1.0.
        UnknownMethodError: the method is not one of RFC 3507.
    """
    match = _LINE.fullmatch(line.decode("latin-1"))
    if match is None or match[3] != "ICAP":
        raise BrokenMessageError(f"{line[:80]!r} is not an ICAP request line")
    method, uri, _, version = match.groups()
    if version != "1.0":
        raise UnknownVersionError(f"ICAP/{version} is not spoken here")
    if method not in METHODS:
        raise UnknownMethodError(f"{method[:40]!r} is not an ICAP method")
    path, query = _URI.fullmatch(uri).groups()  # type: ignore[union-attr]  # matches any text
    return RequestLine(method, uri, path, query)


def parse_field(line: bytes) -> tuple[str, bytes]:
    """Return (name in lower case, value) of a header line; a folded one has no name.

    Raises:
        BrokenMessageError: it is no header line.
    """
    name, colon, value = line.partition(b":")
    if line[:1] in (b" ", b"\t"):
        return "", line.strip(b" \t")
    if not colon or _NAME.fullmatch(name) is None:
        raise BrokenMessageError(f"{line[:40]!r} is not a header line")
    return name.decode("ascii").lower(), value.strip(b" \t")


#: Most header lines of a client are those of its last request. Those of long
#: heads are not kept, so that what is kept is bounded.
LONG_HEAD: Final = 2048
_known_field = lru_cache(2048)(parse_field)


def parse_head(head: bytes, limits: Limits) -> tuple[RequestLine, bytes, dict[str, bytes]]:
    """Return (request line, header lines, fields) of `head`, which ends before its blank line.

    Raises:
        BrokenMessageError: it is not the head of an ICAP request.
        TooLargeError: it is longer than allowed.
    """
    first, _, block = head.partition(b"\r\n")
    if len(first) > limits.uri_bytes:
        raise TooLargeError(f"a request line of more than {limits.uri_bytes} bytes")
    line = parse_line(first)
    lines = block.split(b"\r\n") if block else []
    if len(lines) > limits.header_count:
        raise TooLargeError(f"{len(lines)} header lines")
    if block.count(b"\n") >= len(lines) > 0 or b"\0" in block:
        raise BrokenMessageError("a header line holds a bare LF or a NUL")
    return line, block, _fields(lines, _known_field if len(head) < LONG_HEAD else parse_field)


def _fields(lines: list[bytes], parse: Callable[[bytes], tuple[str, bytes]]) -> dict[str, bytes]:
    """Return the values by name: repeated fields joined, folded lines unfolded."""
    fields: dict[str, bytes] = {}
    last = ""
    for line in lines:
        key, value = parse(line)
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
    left out.

    Raises:
        BrokenMessageError: it is no list of parts, or one that the method does
            not have, or it names no body or two.
    """
    words = [word.strip() for word in value.decode("latin-1").lower().split(",") if word.strip()]
    matches = [_PART.fullmatch(word) for word in words]
    parts = {match[1]: int(match[2]) for match in matches if match}
    bodies = [name for name in parts if name.endswith("-body")]
    if len(parts) != len(words) or not PARTS[method].issuperset(parts) or len(bodies) != 1:
        raise BrokenMessageError(f"Encapsulated: {value[:80]!r} is not what a {method} has")
    body_at = parts.pop(bodies[0])
    heads = sorted((at, name) for name, at in parts.items() if at < body_at)
    ends = [at for at, _ in [*heads[1:], (body_at, "")]]
    return Layout(
        tuple((name, slice(at, end)) for (at, name), end in zip(heads, ends, strict=False)),
        has_body=bodies[0] != NO_BODY,
        body_at=body_at,
    )


@lru_cache(256)
def parse_allow(value: bytes) -> frozenset[str]:
    """Return the features of an Allow header (RFC 3507, 4.6)."""
    words = value.decode("latin-1").lower().replace(",", " ").split()
    return frozenset(words)
