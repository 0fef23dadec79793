r"""The files that a JSON document holds as base64 (RFC 4648), bit by bit.

Whoever uploads through an API often sends ``{"name": …, "content": "aGVsbG8…"}``,
or a ``data:`` URL. The document is not parsed: each string in it that begins
as base64 does is decoded, wherever it stands.
"""

import re
from base64 import b64decode
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import aclosing
from typing import Final

from zcadapt.bodies.errors import BoundError
from zcadapt.bodies.sections import Event, Section

__all__ = ["Base64String", "Strings", "base64_strings"]

_ALPHABET: Final = re.compile(rb"[A-Za-z0-9+/_=-]*")
_URL: Final = re.compile(rb"data:[^,\"]{0,200},")
#: Longer than that no beginning of a data: URL is.
LONGEST_URL: Final = 206
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_OTHERS: Final = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                       b"abcdefghijklmnopqrstuvwxyz0123456789+/-_="))  # fmt: skip
_BREAKS: Final = b"\r\n"
_SPECIAL: Final = re.compile(rb'["\\]')
_ESCAPES: Final = {b"n"[0]: b"\n", b"r"[0]: b"\r", b"t"[0]: b"\t", b"b"[0]: b"\b", b"f"[0]: b"\f"}


class Base64String(Section):
    """What a string stands for, in pieces."""


async def base64_strings(
    pieces: AsyncIterable[bytes], *, least: int = 64, most: int = 100
) -> AsyncGenerator[Base64String, None]:
    """Iterate over the strings of a JSON document that are base64, decoded.

    Both alphabets of RFC 4648 are read, and ``data:`` URLs. A string counts
    whose first `least` characters are of the alphabet; characters that are not
    are left out from there on, as lenient decoders do.

    Args:
        pieces: the document, in UTF-8, without content codings.
        least: strings shorter than that, in characters, are no files.
        most: how many there may be.

    Raises:
        BoundError: there are more.
    """
    found = 0
    async with aclosing(_events(pieces, Strings(least))) as events:
        async for event in events:
            if event is not BEGIN:
                continue
            found += 1
            if found > most:
                raise BoundError(f"more than {most} strings in base64")
            string = Base64String(events)
            yield string
            await string.skip()


async def _events(pieces: AsyncIterable[bytes], strings: "Strings") -> AsyncGenerator[Event, None]:
    async for piece in pieces:
        for event in strings.feed(piece):
            yield event


class Begin:
    """The type of `BEGIN`: a string begins."""


BEGIN: Final = Begin()


class Strings:
    """The strings of a JSON document that are base64: bytes in, events out.

    An unterminated one at the end of the document has given what it had.
    """

    def __init__(self, least: int) -> None:
        self._least = least
        self._string: _Candidate | None = None  # that which we are in
        self._escape = b""  # what has come of an escape sequence

    def feed(self, data: bytes) -> Iterator[Event]:
        """Take a piece of the document; `BEGIN`, bytes and None come out."""
        at = 0
        while at < len(data):
            if self._string is None:
                at = data.find(b'"', at) + 1
                if not at:
                    return
                self._string = _Candidate(self._least)
            elif self._escape:
                self._escape += data[at : at + 1]
                at += 1
                yield from self._unescape()
            else:
                special = _SPECIAL.search(data, at)
                end = special.start() if special else len(data)
                yield from self._string.feed(data[at:end])
                at = end + 1
                if special and special[0] == b"\\":
                    self._escape = b"\\"
                elif special:
                    yield from self._string.end()
                    self._string = None

    def _unescape(self) -> Iterator[Event]:
        assert self._string is not None  # noqa: S101 - for the type checker
        escape = self._escape
        if escape[1:2] != b"u":
            self._escape = b""
            yield from self._string.feed(_ESCAPES.get(escape[1], escape[1:]))
        elif len(escape) == len(rb"\u0000"):
            self._escape = b""
            yield from self._string.feed(_character(escape[2:]))


def _character(digits: bytes) -> bytes:
    try:
        return chr(int(digits, 16)).encode()
    except ValueError:  # no digits, or half a surrogate pair
        return b"?"


class _Candidate:
    """A string that may be base64."""

    def __init__(self, least: int) -> None:
        self._least = least
        self._is_file: bool | None = None  # it is too early to say
        self._waiting = b""

    def feed(self, data: bytes) -> Iterator[Event]:
        if self._is_file is False:
            return
        self._waiting += data
        if self._is_file is None:
            self._judge()
        if self._is_file:
            yield from self._decode()

    def end(self) -> Iterator[Event]:
        if self._is_file:
            yield from self._decode(last=True)
            yield None

    def _judge(self) -> None:
        """Look at how it begins."""
        head = self._waiting
        if b"data:".startswith(head[:5]):
            url = _URL.match(head)
            if url is None:
                self._is_file = False if len(head) > LONGEST_URL else None
                return
            head = head[url.end() :]
        begin = head.translate(None, _BREAKS)[: self._least]
        if _ALPHABET.fullmatch(begin) is None:
            self._is_file = False
        elif len(begin) >= self._least:
            self._is_file = True
            self._begins = True
            self._waiting = head

    def _decode(self, *, last: bool = False) -> Iterator[Event]:
        if self._begins:
            self._begins = False
            yield BEGIN
        *groups, rest = self._waiting.translate(_STANDARD, _OTHERS).split(b"=")
        self._waiting = b""
        for group in groups:
            yield from _decoded(group)
        whole = len(rest) if last else len(rest) // 4 * 4
        yield from _decoded(rest[:whole])
        self._waiting = rest[whole:]


def _decoded(group: bytes) -> Iterator[bytes]:
    """Decode characters of the alphabet, with whatever padding they need; one alone is nothing."""
    left = len(group) % 4
    if left == 1:
        group = group[:-1]
    elif left:
        group += b"=" * (4 - left)
    if group:
        yield b64decode(group)
