"""What is in a body: the things to scan, each by itself."""

import re
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import aclosing
from typing import Final, NamedTuple

from zcadapt import CodingError, base64_strings, decoded, form_parts
from zcadapt_clamav.settings import ClamAVSettings

__all__ = ["Described", "Item", "beginning", "items"]

#: Fields of a form that are shorter, in bytes, are gathered to be scanned at once.
FIELD: Final = 1024
#: How much is gathered.
FIELDS: Final = 256 * 1024

_QUOTED: Final = re.compile(r'"[^"]*"')
_CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([^\s;,"']*)""", re.IGNORECASE)
#: Those in which the characters of ASCII are what they are in UTF-8, and part of no other one:
#: in Shift_JIS, GBK and Big5, say, a letter or a backslash may be half of something else.
#: Python's codecs are not asked, who keep each name that they do not know, for ever.
_LIKE_ASCII: Final = re.compile(
    r"utf[-_]?8([-_]?sig)?|(us-)?ascii|iso[-_]?8859[-_]\d+(-[ei])?|latin[-_]?\d+"
    r"|(windows-|cp-?)(125\d|874)|(cp|ibm)-?(437|85\d|866)|koi8-[rtu]|tis-620|(x-mac-)?macintosh",
    re.IGNORECASE,
)


class Described(NamedTuple):
    """What a message says about its body."""

    content_types: tuple[str, ...]  #: the values of Content-Type, each once
    encoding: str
    is_upload: bool

    @property
    def media_types(self) -> set[str]:
        """The media types alone, in lower case; of several, nobody knows which one counts."""
        types = set()
        for value in self.content_types:
            for part in (value if "\\" in value else _QUOTED.sub("", value)).split(","):
                types.add(part.partition(";")[0].strip().lower())
        return types

    @property
    def is_form(self) -> bool:
        """Whether it may be a form with files."""
        return "multipart/form-data" in self.media_types

    @property
    def is_json(self) -> bool:
        """Whether it may be a JSON document."""
        kinds = (each.partition("/")[2] for each in self.media_types)
        return any(kind == "json" or kind.endswith("+json") for kind in kinds)


class Item(NamedTuple):
    """Something to scan."""

    name: str  #: of the file; empty where it has none
    pieces: AsyncIterable[bytes]


async def items(
    body: AsyncIterable[bytes], described: Described, settings: ClamAVSettings
) -> AsyncGenerator[Item, None]:
    """Iterate over what is to be scanned in `body`; each is read before the next.

    Raises:
        BodyError: it is not what it is said to be.
    """
    rest: list[bytes] = []  # what follows the codings

    def plain() -> AsyncIterable[bytes]:
        if not described.encoding:
            return body
        rest.clear()
        return decoded(
            body,
            described.encoding,
            most=settings.expanded,
            ratio=settings.expansion,
            rest=rest,
        )

    async with aclosing(_plain_items(plain, described, settings)) as found:
        async for item in found:
            yield item
    for each in rest:
        yield Item("", _joined(each))


async def _plain_items(
    plain: Callable[[], AsyncIterable[bytes]], described: Described, settings: ClamAVSettings
) -> AsyncGenerator[Item, None]:
    """What is in a body; `plain` gives it without its codings, as often as it is called."""
    if described.is_upload and described.is_form:
        if len(described.content_types) > 1 or len(described.media_types) > 1:
            raise CodingError("it has more than one Content-Type")
        async with aclosing(_parts(plain(), described.content_types[0], settings.parts)) as parts:
            async for item in parts:
                yield item
        return
    yield Item("", plain())
    if settings.json and described.is_upload and described.is_json:
        for charset in _CHARSET.findall(" ".join(described.content_types)):
            if _LIKE_ASCII.fullmatch(charset) is None:
                raise CodingError("it is in a character set that is not like ASCII")
        number = 0
        async with aclosing(base64_strings(plain(), most=settings.json_strings)) as strings:
            async for string in strings:
                number += 1
                yield Item(f"base64 {number}", string)


async def _parts(
    pieces: AsyncIterable[bytes], content_type: str, most: int
) -> AsyncGenerator[Item, None]:
    """Each file of a form by itself, all that may be one, and its short fields in one.

    Whatever says more than its name may be one: readers find that of a file in
    many ways.
    """
    fields = bytearray()
    async for part in form_parts(pieces, content_type, parts=most):
        if not part.is_field:
            yield Item(part.name if part.filename is None else part.filename, part)
            continue
        begin, is_whole = await beginning(part, FIELD)
        if is_whole and len(fields) + len(begin) <= FIELDS:
            fields += begin
        else:
            yield Item(part.name, _joined(begin, part))
    if fields:
        yield Item("", _joined(bytes(fields)))


async def beginning(pieces: AsyncIterator[bytes], size: int) -> tuple[bytes, bool]:
    """Return the first `size` bytes or a few more, and whether that is all."""
    read: list[bytes] = []
    total = 0
    while total < size:
        piece = await anext(pieces, b"")
        if not piece:
            return b"".join(read), True
        read.append(piece)
        total += len(piece)
    return b"".join(read), False


async def _joined(begin: bytes, rest: AsyncIterable[bytes] | None = None) -> AsyncIterator[bytes]:
    if begin:
        yield begin
    if rest is not None:
        async for piece in rest:
            yield piece
