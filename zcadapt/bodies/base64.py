r"""The files that a JSON document holds as base64 (RFC 4648), bit by bit.

Whoever uploads through an API often sends ``{"name": …, "content": "aGVsbG8…"}``,
or a ``data:`` URL. The document is not parsed: each string in it that begins
as base64 does is decoded, wherever it stands.
"""

import asyncio
import re
from base64 import b64decode
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import aclosing
from typing import Final

from zcadapt.bodies.errors import BoundError, CodingError
from zcadapt.bodies.sections import Event, Section

__all__ = ["LONG", "Base64String", "Strings", "base64_strings"]

#: Strings of so many characters are counted, shorter ones may come in one.
LONG: Final = 1024
#: How much of a document is looked at before others get their turn, in bytes.
STEP: Final = 64 * 1024

_ALPHABET: Final = re.compile(rb"[A-Za-z0-9+/_=-]*")
_PADDING: Final = re.compile(rb"=+")
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_OTHERS: Final = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                       b"abcdefghijklmnopqrstuvwxyz0123456789+/-_="))  # fmt: skip
_BLANKS: Final = b" \t\r\n\f\v"
_SPACES: Final = re.compile(rb" +")
#: Breaks with the spaces beside them, of which base64 may have any number.
_BREAK: Final = re.compile(rb" ?[\t\r\n\f\v]\s*")
#: No word has more characters; less than half of 64, so that one space makes no words.
LONGEST_WORD: Final = 30
_NO_SMALL: Final = bytes(set(range(256)) - set(range(ord("a"), ord("z") + 1)))
_URL: Final = b"data:"

#: What is in a string, in whole characters; the beginning of an escape may be left at the end.
_INSIDE: Final = re.compile(rb'(?:[^"\\]+|\\[^u]|\\u[0-9A-Fa-f]{4}|\\u(?![0-9A-Fa-f]{0,3}\Z))*')
#: Escapes in the order in which they are undone; ``!`` is any character that is not of base64.
_ESCAPES: Final = (
    (rb"\\", b"!"),
    (rb"\/", b"/"),
    (rb"\n", b"\n"),
    (rb"\r", b"\n"),
    (rb"\t", b"\n"),
    (rb"\f", b"\n"),
    (rb"\b", b"!"),
)
_UNICODE: Final = re.compile(rb"\\u(?:00([0-7][0-9A-Fa-f])|[0-9A-Fa-f]{4})")
_ASCII: Final = {b"%02x" % code: bytes([code]) for code in range(128)}


class Base64String(Section):
    """What a string stands for, in pieces; the last one, what several short ones do."""


async def base64_strings(
    pieces: AsyncIterable[bytes], *, least: int = 64, most: int = 100
) -> AsyncGenerator[Base64String, None]:
    """Iterate over the strings of a JSON document that are base64, decoded.

    Both alphabets of RFC 4648 are read, and ``data:`` URLs. A string counts
    whose first `least` characters are of the alphabet; blanks and breaks do not
    matter, unless these characters look like words: with spaces between them,
    none of more than 30, and two thirds of them small letters, of which base64
    has two fifths. Characters that are not of the alphabet are left out from
    there on, as lenient decoders do. The event loop gets its turn at least every
    64 KB.

    Args:
        pieces: the document, in UTF-8, without content codings.
        least: strings shorter than that, in characters, are no files.
        most: how many strings of 1,024 characters or more there may be; of shorter
            ones so many come each by itself, and what is in all others together.

    Raises:
        BoundError: there are more long ones.
        CodingError: it is in UTF-16 or UTF-32.
    """
    async with aclosing(_events(pieces, Strings(least, most))) as events:
        async for event in events:
            if event is BEGIN:
                string = Base64String(events)
                yield string
                await string.skip()


async def _events(pieces: AsyncIterable[bytes], strings: "Strings") -> AsyncGenerator[Event, None]:
    async for piece in pieces:
        for at in range(0, len(piece), STEP):
            for event in strings.feed(piece[at : at + STEP]):
                yield event
            await asyncio.sleep(0)
    for event in strings.end():
        yield event


class Begin:
    """The type of `BEGIN`: a string begins."""


BEGIN: Final = Begin()


class Strings:
    """The strings of a JSON document that are base64: bytes in, events out.

    An unterminated one at the end of the document has given what it had.
    """

    def __init__(self, least: int, most: int) -> None:
        self._least = least
        self._most = most
        self._between = _between(least)
        self._first = re.compile(rb"(?:\s*\S){%d}" % least)  # so many characters
        self._string: _Candidate | None = None  # that which we are in
        self._escape = b""  # the beginning of an escape sequence
        self._long = self._short = 0
        self._others = bytearray()  # what is in short ones beyond the bound

    def feed(self, data: bytes) -> Iterator[Event]:
        """Take a piece of the document; `BEGIN`, bytes and None come out."""
        if b"\0" in data:
            raise CodingError("it is not in UTF-8")
        data = self._escape + data
        self._escape = b""
        at = 0
        while at < len(data):
            if self._string is None:
                at = _end(self._between, data, at)
                if at == len(data):
                    return
                self._string = _Candidate(self._least, self._first)
                at += 1
            end = _end(_INSIDE, data, at)
            yield from self._go_on(self._string, data[at:end])
            at = end + 1
            if data[end:at] == b'"':
                yield from self._over(self._string)
                self._string = None
            else:
                self._escape = data[end:]
                return

    def end(self) -> Iterator[Event]:
        """End the document."""
        if self._string is not None:
            yield from self._over(self._string)
        if self._others:
            yield from self._together()

    def _go_on(self, string: "_Candidate", text: bytes) -> Iterator[Event]:
        was_long = string.is_long
        made = string.feed(text)
        if string.is_long and not was_long:
            self._long += 1
            if self._long > self._most:
                raise BoundError(f"more than {self._most} long strings in base64")
            yield BEGIN
        if made:
            yield made

    def _over(self, string: "_Candidate") -> Iterator[Event]:
        made = string.end()
        if string.is_long:
            yield from (made, None) if made else (None,)
        elif made:
            self._short += 1
            if self._short <= self._most:
                yield from (BEGIN, made, None)
                return
            self._others += made
            if len(self._others) > STEP:
                yield from self._together()

    def _together(self) -> Iterator[Event]:
        yield from (BEGIN, bytes(self._others), None)
        self._others.clear()


def _end(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    """Return where the match ends; both patterns match anywhere."""
    found = pattern.match(data, at)
    return found.end() if found else at


def _between(least: int) -> re.Pattern[bytes]:
    """Return what stands between strings, with all that are certainly too short to count.

    Most strings are, and this is much quicker than to look at each: those of
    fewer characters, a few of them escaped, in a handful of them at most.
    """
    escaped = 4
    each = max(least - 1 - escaped, 0) // (escaped + 1)
    plain = rb'[^"\\]{0,%d}+"' % max(least - 1, 0)
    mixed = rb'[^"\\]{0,%d}+(?:\\[^u][^"\\]{0,%d}+){0,%d}"' % (each, each, escaped)
    return re.compile(rb'(?:[^"]*+"(?:%b|%b))*[^"]*+' % (plain, mixed))


class _Candidate:
    """A string that may be base64.

    Attributes:
        is_long: whether it is, and has so many characters that it is given as it comes.
    """

    def __init__(self, least: int, first: re.Pattern[bytes]) -> None:
        self._least = least
        self._first = first
        self._is_file: bool | None = None  # it is too early to say
        self._in_url: bool | None = None  # the same; True: before the comma
        self._waiting = b""
        self.is_long = False

    def feed(self, text: bytes) -> bytes:
        """Take what follows; return what it stands for, if it is long."""
        if self._is_file is False:
            return b""
        self._waiting += _plain(text)
        if self._is_file is None:
            self._judge()
        if not self._is_file:
            return b""
        self._waiting = self._waiting.translate(_STANDARD, _OTHERS)
        self.is_long = self.is_long or len(self._waiting) >= LONG
        return self._decode() if self.is_long else b""

    def end(self) -> bytes:
        """Return what is left."""
        return self._decode(last=True) if self._is_file else b""

    def _judge(self) -> None:
        """Look at how it begins."""
        plain = self._waiting.translate(None, _BLANKS)
        if len(plain) < len(self._waiting):
            self._waiting = _BREAK.sub(b"\n", _SPACES.sub(b" ", self._waiting))
        if self._in_url is None and len(plain) >= len(_URL):
            self._in_url = plain[: len(_URL)].lower() == _URL
        if self._in_url:
            _, comma, self._waiting = self._waiting.partition(b",")
            self._in_url = not comma
            plain = self._waiting.translate(None, _BLANKS)
        if self._in_url is False:
            if _ALPHABET.fullmatch(plain[: self._least]) is None:
                self._is_file = False
            elif found := self._first.match(self._waiting):
                self._is_file = not _are_words(found[0])
            if self._is_file is False:
                self._waiting = b""

    def _decode(self, *, last: bool = False) -> bytes:
        *groups, rest = _PADDING.split(self._waiting)
        whole = len(rest) if last else len(rest) // 4 * 4
        self._waiting = rest[whole:]
        return b"".join(map(_decoded, [*groups, rest[:whole]]))


def _are_words(text: bytes) -> bool:
    """Whether this looks like prose that has no punctuation yet, and not like base64."""
    words = text.replace(b"\n", b"").split()
    characters = sum(map(len, words))
    return (
        len(words) > 1
        and max(map(len, words)) <= LONGEST_WORD
        and 3 * len(text.translate(None, _NO_SMALL)) >= 2 * characters
    )


def _plain(text: bytes) -> bytes:
    """Return the characters of a string; the break, for any."""
    if b"\\" in text:
        for escape, character in _ESCAPES:
            text = text.replace(escape, character)
        text = _UNICODE.sub(lambda found: _ASCII.get((found[1] or b"").lower(), b"!"), text)
    return text


def _decoded(group: bytes) -> bytes:
    """Decode characters of the alphabet, with whatever padding they need; one alone is nothing."""
    left = len(group) % 4
    if left == 1:
        group = group[:-1]
    elif left:
        group += b"=" * (4 - left)
    return b64decode(group)
