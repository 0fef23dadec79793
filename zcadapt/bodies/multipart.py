"""The parts of a form with files (RFC 7578), bit by bit."""

import re
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import aclosing
from typing import Any, Final
from urllib.parse import unquote

from zcadapt.bodies.errors import BoundError, CodingError
from zcadapt.bodies.libraries import library
from zcadapt.bodies.sections import Event, Section

__all__ = ["FormPart", "form_parts"]

#: RFC 2046, 5.1.1, and what else some write.
_BOUNDARY: Final = re.compile(r"[\x20-\x7e]{1,70}")

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

    Args:
        pieces: the body, without content codings.
        content_type: the value of its Content-Type, with the boundary.
        parts: how many parts it may have.
        headers: how many header fields a part may have.
        header_size: how many bytes each of those.

    Raises:
        CodingError: it is broken or incomplete, or does not tell its boundary
            beyond doubt.
        BoundError: it has more than allowed.
        MissingLibraryError: multipart is not installed.
    """
    module = library("multipart")
    parser = module.PushMultipartParser(
        _boundary(content_type),
        max_segment_count=parts,
        max_header_count=headers,
        max_header_size=header_size,
    )
    async with aclosing(_events(pieces, parser, module)) as events:
        async for event in events:
            part = FormPart(event, events)
            yield part
            await part.skip()


async def _events(
    pieces: AsyncIterable[bytes],
    parser: Any,  # noqa: ANN401 - untyped
    module: Any,  # noqa: ANN401 - as above
) -> AsyncGenerator[Event, None]:
    try:
        async for piece in pieces:
            for event in parser.parse(piece):
                yield event
        parser.close()
    except module.ParserLimitReached as error:
        raise BoundError(str(error)) from error
    except module.MultipartError as error:
        raise CodingError(str(error)) from error


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
