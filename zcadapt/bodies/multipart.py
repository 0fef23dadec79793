"""The parts of a form with files (RFC 7578), bit by bit."""

import asyncio
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
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from zcadapt.bodies.errors import BoundError, CodingError
from zcadapt.bodies.libraries import library
from zcadapt.bodies.sections import Event, Section

__all__ = ["Form", "FormPart", "form_parts"]

#: How much of a form is looked at at once, in bytes.
STEP: Final = 64 * 1024
#: On how many lines a header field may be, on average.
LINES: Final = 4

#: RFC 2046, 5.1.1, and what else some write.
_BOUNDARY: Final = re.compile(r"[\x20-\x7e]{1,70}")
#: The same without quotes: also with characters that do not belong into a token.
_UNQUOTED: Final = re.compile(
    r"""[^"]*;\s*boundary=([\w!#$%&'*+.^`|~=:/?()-]+)\s*(?:;.*)?""", re.ASCII | re.IGNORECASE
)
#: Where those who read a token end, who do not expect them.
_NO_TOKEN: Final = re.compile(r"[=:/?()]")
_QUOTED: Final = re.compile(r';\s*boundary="[^"\\]*"', re.IGNORECASE)
_BLANKS: Final = b" \t\r\n"
_BREAK: Final = b"\r\n"

#: The whole head of a part that nobody takes for a file.
_FIELD: Final = re.compile(
    rb"""Content-Disposition: ?form-data; ?name=("[^"\\;=\x00-\x1f\x7f]*"|[\w.-]+)\r\n""",
    re.IGNORECASE,
)
#: RFC 8187: filename*=UTF-8'en'name
_EXTENDED: Final = re.compile(r"""filename\*\s*=\s*"?([\w-]*)'[^']*'([^;\s"]*)""", re.IGNORECASE)


class Head(NamedTuple):
    """What the head of a part says; see `FormPart`."""

    name: str = ""
    filename: str | None = None
    content_type: str = ""
    is_field: bool = False
    is_outside: bool = False


#: Of what stands before the first boundary, or behind the last.
OUTSIDE: Final = Head(is_outside=True)


class FormPart(Section):
    """One part of a form: a file, or the value of a field.

    Attributes:
        name: the name of the field.
        filename: the name of the file, as the client tells it (it may be a
            path, or anything else); None: it tells none.
        content_type: its media type in lower case; empty where it is not told.
        is_field: whether its head is a name and nothing else; whatever else
            is there, another reader may find the name of a file in it.
        is_outside: it is no part, but what stands before the first boundary
            or behind the last, which readers of forms ignore.
    """

    def __init__(self, head: Head, events: AsyncIterator[Event]) -> None:
        super().__init__(events)
        self.name = head.name
        self.filename = head.filename
        self.content_type = head.content_type
        self.is_field = head.is_field
        self.is_outside = head.is_outside

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
    behind anything but CRLF, a line of a head that ends so, and a boundary in
    what stands before the first one or behind the last. That itself, unless it
    is blank, comes like a part. An empty body has none. The event loop gets its
    turn at least every 64 KB.

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
        async for head in events:
            part = FormPart(head, events)
            yield part
            await part.skip()


async def _events(pieces: AsyncIterable[bytes], form: "Form") -> AsyncGenerator[Any, None]:
    async for piece in pieces:
        for at in range(0, len(piece), STEP):
            for event in form.feed(piece[at : at + STEP]):
                yield event
            await asyncio.sleep(0)
    for event in form.end():
        yield event


class Form:
    """The framing of a form (RFC 2046, 5.1.1): bytes in, events out.

    For each part these are its head, its bytes, and None.
    """

    def __init__(self, boundary: "Boundary", parts: int, headers: int, header_size: int) -> None:
        self._line = b"--" + boundary.text.encode()
        self._shorter = boundary.shorter
        self._parts = parts
        self._headers = headers
        self._header_size = header_size
        self._module = library("multipart")
        self._number = 0
        self._data = _BREAK  # as before each line
        self._given = len(_BREAK)  # how much of it has been dealt with
        self._is_outside = False  # in something that is no part
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

    def end(self) -> Iterator[Event]:
        """See that it is complete; what is left comes out.

        Raises:
            CodingError: it is not.
        """
        is_empty = self._read == self._before and self._data == _BREAK
        if not is_empty and self._read not in {self._closed, self._after}:
            raise CodingError("it ends too early")
        if self._is_outside:
            yield from (self._data[self._given :], None)

    # What is read next; each returns None where it needs more to go on

    def _before(self) -> Iterable[Event] | None:
        if not self._is_outside:
            self._skip_blanks()
            begin = self._data[len(_BREAK) :][: len(self._line)]
            if begin == self._line:
                self._read = self._boundary
                return ()
            return None if self._line.startswith(begin) else self._outside()
        end = self._find()
        if self._data.find(self._line) not in {-1, end + len(_BREAK)}:
            raise CodingError("a boundary is not told beyond doubt")
        if end < 0:
            return self._go_on()
        made = self._data[self._given : end]
        self._data = self._data[end:]
        self._is_outside = False
        self._read = self._boundary
        return (made, None) if made else (None,)

    def _boundary(self) -> Iterable[Event] | None:
        begin = len(_BREAK + self._line)
        end = begin + len(_BREAK)
        if len(self._data) < end:
            return None
        mark = self._data[begin:end]
        self._data = self._data[end:]
        if mark == b"--":
            self._read = self._closed
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
        if (
            len(self._lines) > self._headers * self._header_size
            or self._lines.count(_BREAK) > self._headers * LINES
        ):
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
        head = Head(
            segment.name,
            segment.filename,
            segment.content_type or "",
            _FIELD.fullmatch(self._lines) is not None,
        )
        if head.filename is None:
            head = head._replace(filename=_extended(segment.header("Content-Disposition", "")))
        self._lines = b""
        self._data = _BREAK + rest
        self._given = len(_BREAK)
        self._size = 0
        self._told = segment.header("Content-Length")
        self._read = self._content
        return (head,)

    def _segment(self) -> Any:  # noqa: ANN401 - untyped
        """Return what the library makes of a head."""
        module = self._module
        parser = module.PushMultipartParser(
            "X",
            max_header_count=self._headers,
            max_header_size=self._header_size,
            header_charset=_charset(self._lines),
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
            pieces = self._go_on()
            self._size += sum(map(len, pieces or ()))
            return pieces
        if end < self._given:
            raise CodingError("a boundary is not told beyond doubt")
        made = self._data[self._given : end]
        self._data = self._data[end:]
        self._size += len(made)
        if self._told not in {None, str(self._size)}:
            raise CodingError("a part is not as long as it says")
        self._read = self._boundary
        return (made, None) if made else (None,)

    def _closed(self) -> Iterable[Event] | None:
        """Read the rest of the last boundary's line."""
        self._data = self._data.lstrip(b" \t")
        if not self._data:
            return None
        if not self._data.startswith((b"\r", b"\n")):
            raise CodingError("something follows its last boundary")
        self._data = _BREAK + self._data
        self._read = self._after
        return ()

    def _after(self) -> Iterable[Event] | None:
        if not self._is_outside:
            self._skip_blanks()
            return None if self._data == _BREAK else self._outside()
        self._find()
        if self._line in self._data:
            raise CodingError("a boundary follows the last one")
        return self._go_on()

    def _skip_blanks(self) -> None:
        self._data = _BREAK + self._data.lstrip(_BLANKS)

    def _outside(self) -> Iterable[Event]:
        self._is_outside = True
        self._given = len(_BREAK)
        return (OUTSIDE,)

    def _go_on(self) -> tuple[bytes] | None:
        """Give what is no part of the next boundary for certain."""
        made = self._data[self._given : -len(self._line) - 1]
        if not made:
            return None
        self._data = self._data[-len(self._line) - 1 :]
        self._given = 0
        return (made,)

    def _find(self) -> int:
        """Return where the next boundary is, with the break before it; negative: not here.

        What begins with the first byte has been looked at already.
        """
        end = self._data.find(b"\n" + self._line, 1)
        until = end + 1 if end > 0 else len(self._data)
        if (
            (end > 0 and self._data[end - 1 : end] != b"\r")
            or self._data.find(b"\r" + self._line, 1, until) > 0
            or (self._shorter is not None and self._shorter.search(self._data, 1, until))
        ):
            raise CodingError("a boundary is not told beyond doubt")
        return end - 1


class Boundary(NamedTuple):
    """A boundary.

    Attributes:
        text: as it is.
        shorter: finds one that others may have read instead; None: nobody may.
    """

    text: str
    shorter: re.Pattern[bytes] | None


def _boundary(content_type: str) -> Boundary:
    """Return the boundary; two of them may be read in two ways, and are refused.

    So is any other word with "boundary" in it: PHP takes the first.
    """
    kind, options = library("multipart").parse_options_header(content_type)
    if kind != "multipart/form-data":
        raise CodingError("it is not multipart/form-data")
    if unquoted := _UNQUOTED.fullmatch(content_type):
        boundary = unquoted[1]
        begins = [boundary[: found.start()] for found in _NO_TOKEN.finditer(boundary)]
    else:
        boundary = options.get("boundary", "") if _QUOTED.search(content_type) else ""
        begins = []
    told = content_type.lower().count("boundary") - boundary.lower().count("boundary")
    if _BOUNDARY.fullmatch(boundary) is None or told != 1:
        raise CodingError("its boundary is not told beyond doubt")
    if not any(begins):
        return Boundary(boundary, None)
    each = "|".join(re.escape(begin) for begin in begins if begin)
    return Boundary(boundary, re.compile(rf"[\r\n]--(?:{each})[\r\n\t ]".encode()))


def _charset(head: bytes) -> str:
    """Return how to read it; UTF-8 where it is."""
    try:
        head.decode()
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _extended(disposition: str) -> str | None:
    found = _EXTENDED.search(disposition)
    if found is None:
        return None
    charset = "latin-1" if found[1].lower() == "iso-8859-1" else "utf-8"
    return unquote(found[2], charset, "replace")
