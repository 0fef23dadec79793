"""The parts of a form with files (RFC 7578), bit by bit."""

import re
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
)
from contextlib import aclosing
from typing import Any, Final
from urllib.parse import unquote

from zcadapt.bodies.errors import BoundError, CodingError
from zcadapt.bodies.libraries import library
from zcadapt.bodies.sections import Event, Section

__all__ = ["Form", "FormPart", "form_parts"]

#: How much of a form is looked at at once, in bytes.
STEP: Final = 64 * 1024

#: RFC 2046, 5.1.1, and what else some write.
_BOUNDARY: Final = re.compile(r"[\x20-\x7e]{1,70}")
_BLANKS: Final = b" \t\r\n"
_BREAK: Final = b"\r\n"

#: RFC 8187: filename*=UTF-8'en'name
_EXTENDED: Final = re.compile(r"""filename\*\s*=\s*"?([\w-]*)'[^']*'([^;\s"]*)""", re.IGNORECASE)


class FormPart(Section):
    """One part of a form: a file, or the value of a field.

    Attributes:
        name: the name of the field.
        filename: the name of the file, as the client tells it (it may be a
            path, or anything else); None: it is no file.
        content_type: its media type in lower case; empty where it is not told.
    """

    def __init__(self, segment: Any, events: AsyncIterator[Event]) -> None:  # noqa: ANN401 - untyped
        super().__init__(events)
        self.name: str = segment.name
        self.filename: str | None = segment.filename
        self.content_type: str = segment.content_type or ""
        if self.filename is None:
            self.filename = _extended(segment.header("Content-Disposition", ""))

    def __repr__(self) -> str:
        return f"<part {self.name!r:.80}>"


async def form_parts(
    pieces: AsyncIterable[bytes],
    content_type: str,
    *,
    parts: int = 1000,
    headers: int = 16,
    header_size: int = 8192,
) -> AsyncGenerator[FormPart, None]:
    """Iterate over the parts of a ``multipart/form-data`` body.

    What another reader could take for other parts is an error: a boundary
    behind anything but CRLF, a line of a head that ends so, and anything that
    stands before the first boundary or behind the last.

    Args:
        pieces: the body, without content codings.
        content_type: the value of its Content-Type, with the boundary.
        parts: how many parts it may have.
        headers: how many header fields a part may have.
        header_size: how many bytes each of those.

    Raises:
        CodingError: it is broken or incomplete, or does not tell its boundary
            or its parts beyond doubt.
        BoundError: it has more than allowed.
        MissingLibraryError: multipart is not installed.
    """
    form = Form(_boundary(content_type), parts, headers, header_size)
    async with aclosing(_events(pieces, form)) as events:
        async for segment in events:
            part = FormPart(segment, events)
            yield part
            await part.skip()


async def _events(pieces: AsyncIterable[bytes], form: "Form") -> AsyncGenerator[Any, None]:
    async for piece in pieces:
        for at in range(0, len(piece), STEP):
            for event in form.feed(piece[at : at + STEP]):
                yield event
    form.end()


class Form:
    """The framing of a form (RFC 2046, 5.1.1): bytes in, events out.

    For each part these are its head, as the library reads it, its bytes, and None.
    """

    def __init__(self, boundary: str, parts: int, headers: int, header_size: int) -> None:
        self._line = b"--" + boundary.encode()
        self._parts = parts
        self._headers = headers
        self._header_size = header_size
        self._module = library("multipart")
        self._number = 0
        self._data = b""
        self._given = 0  # how much of it has been dealt with
        self._lines = b""  # of a head
        self._size = 0  # of a part
        self._told: str | None = None  # the same, as it says itself
        self._read: Callable[[], Iterable[Event] | None] = self._before

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Take a piece of the form.

        Raises:
            CodingError: it is broken, or may be understood in two ways.
            BoundError: it has more than allowed.
        """
        self._data += piece
        while (events := self._read()) is not None:
            yield from events

    def end(self) -> None:
        """See that it is complete.

        Raises:
            CodingError: it is not.
        """
        if self._read != self._after:
            raise CodingError("it ends too early")

    # What is read next; each returns None where it needs more to go on

    def _before(self) -> Iterable[Event] | None:
        self._data = self._data.lstrip(_BLANKS)
        if not self._line.startswith(self._data[: len(self._line)]):
            raise CodingError("something stands before its first boundary")
        if len(self._data) < len(self._line):
            return None
        self._data = _BREAK + self._data
        self._read = self._boundary
        return ()

    def _boundary(self) -> Iterable[Event] | None:
        begin = len(_BREAK + self._line)
        end = begin + len(_BREAK)
        if len(self._data) < end:
            return None
        mark = self._data[begin:end]
        self._data = self._data[end:]
        if mark == b"--":
            self._read = self._after
            return ()
        if mark != _BREAK:
            raise CodingError("something follows a boundary")
        self._number += 1
        if self._number > self._parts:
            raise BoundError(f"it has more than {self._parts} parts")
        self._read = self._head
        return ()

    def _head(self) -> Iterable[Event] | None:
        line, end, rest = self._data.partition(_BREAK)
        if len(line) > self._header_size:
            raise BoundError(f"a header is longer than {self._header_size} bytes")
        if len(self._lines) > self._headers * self._header_size:
            raise BoundError("the head of a part is too long")
        if not end:
            return None
        if b"\r" in line or b"\n" in line or line.isspace() or line.startswith(self._line):
            raise CodingError("a head is not told beyond doubt")
        if line:
            self._lines += line + _BREAK
            self._data = rest
            return ()
        segment = self._segment()
        self._lines = b""
        self._data = _BREAK + rest
        self._given = len(_BREAK)
        self._size = 0
        self._told = segment.header("Content-Length")
        self._read = self._content
        return (segment,)

    def _segment(self) -> Any:  # noqa: ANN401 - untyped
        """Return what the library makes of a head."""
        module = self._module
        parser = module.PushMultipartParser(
            "X", max_header_count=self._headers, max_header_size=self._header_size
        )
        try:
            return next(parser.parse(b"--X\r\n%b\r\n" % self._lines))
        except module.ParserLimitReached as error:
            raise BoundError(str(error)) from error
        except module.MultipartError as error:
            raise CodingError(str(error)) from error

    def _content(self) -> Iterable[Event] | None:
        end = self._find()
        if end < 0:
            made = self._data[self._given : -len(self._line) - 1]
            if not made:
                return None
            self._data = self._data[-len(self._line) - 1 :]
            self._given = 0
            self._size += len(made)
            return (made,)
        made = self._data[self._given : end]
        self._data = self._data[end:]
        self._size += len(made)
        if self._told not in {None, str(self._size)}:
            raise CodingError("a part is not as long as it says")
        self._read = self._boundary
        return (made, None) if made else (None,)

    def _after(self) -> Iterable[Event] | None:
        if self._data.strip(_BLANKS):
            raise CodingError("something follows its last boundary")
        self._data = b""
        return None

    def _find(self) -> int:
        """Return where the next boundary is, with the break before it; -1: not here.

        What begins in the first two bytes has been looked at already.
        """
        at = self._data.find(self._line, len(_BREAK))
        while at >= 0:
            before = self._data[at - len(_BREAK) : at]
            if before == _BREAK and at > self._given:
                return at - len(_BREAK)
            if before.endswith((b"\r", b"\n")):
                raise CodingError("a boundary is not told beyond doubt")
            at = self._data.find(self._line, at + 1)
        return -1


def _boundary(content_type: str) -> str:
    """Return the boundary; two of them may be read in two ways, and are refused."""
    kind, options = library("multipart").parse_options_header(content_type)
    boundary: str = options.get("boundary", "")
    if kind != "multipart/form-data":
        raise CodingError("it is not multipart/form-data")
    told = content_type.lower().count("boundary") - boundary.lower().count("boundary")
    if _BOUNDARY.fullmatch(boundary) is None or told != 1:
        raise CodingError("its boundary is not told beyond doubt")
    return boundary


def _extended(disposition: str) -> str | None:
    found = _EXTENDED.search(disposition)
    if found is None:
        return None
    charset = "latin-1" if found[1].lower() == "iso-8859-1" else "utf-8"
    return unquote(found[2], charset, "replace")
