"""What is in a body: the things to scan, each by itself."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import aclosing
from typing import Final, NamedTuple

from zcadapt import CodingError, base64_strings, decoded, form_parts
from zcadapt_clamav.settings import ClamAVSettings

__all__ = ["Described", "Item", "beginning", "items"]

#: How much of what stands in the fields of a form is gathered to be scanned at once.
FIELDS: Final = 256 * 1024


class Described(NamedTuple):
    """What a message says about its body."""

    content_type: str
    encoding: str

    @property
    def media_type(self) -> str:
        """The media type alone, in lower case."""
        return self.content_type.partition(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        """Whether it is a JSON document."""
        _, _, kind = self.media_type.partition("/")
        return kind == "json" or kind.endswith("+json")


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

    def plain() -> AsyncIterable[bytes]:
        if not described.encoding:
            return body
        return decoded(body, described.encoding, most=settings.expanded, ratio=settings.expansion)

    if described.media_type == "multipart/form-data":
        number = 0
        async with aclosing(_parts(plain(), described.content_type, settings.parts)) as parts:
            async for item in parts:
                number += 1
                yield item
        if not number:
            yield Item("", body)
        return
    yield Item("", plain())
    if settings.json and described.is_json:
        number = 0
        async with aclosing(base64_strings(plain())) as strings:
            async for string in strings:
                number += 1
                yield Item(f"base64 {number}", string)


async def _parts(
    pieces: AsyncIterable[bytes], content_type: str, most: int
) -> AsyncGenerator[Item, None]:
    """Each file of a form by itself, and the short values of its fields in one."""
    if "," in content_type.partition(";")[0]:
        raise CodingError("it has more than one Content-Type")
    fields = bytearray()
    async for part in form_parts(pieces, content_type, parts=most):
        if part.filename is not None:
            yield Item(part.filename, part)
            continue
        begin, is_whole = await beginning(part, FIELDS)
        if is_whole and len(fields) + len(begin) <= FIELDS:
            fields += begin + b"\n"
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
