"""What a file begins with, where that tells that a download has failed."""

import gzip
import re
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from zcadapt_urllist.reading import GZIP, SNIFFED, UTF8, Source, SourceError

__all__ = ["is_blank", "refuse_pages"]

#: A page of HTML or an answer in JSON or XML, as of a login or an error. Comments
#: alone make none: there are lists that begin with one.
PAGE: Final = re.compile(
    rb'(?:<!--.*?-->\s*+)*+(?:<(?:!doctype|\?xml|html|head)|\{\s*")', re.IGNORECASE | re.DOTALL
)


def is_blank(path: Path) -> bool:
    """Whether there is nothing in the file at `path`, not even a comment.

    Raises:
        SourceError: it cannot be read.
    """
    return not _begin(path)


def refuse_pages(sources: Iterable[Source]) -> None:
    """Do nothing where `sources` may be lists.

    Raises:
        SourceError: one is a page, or cannot be read.
    """
    for source in sources:
        if PAGE.match(_begin(source.path)):
            raise SourceError(f"{source.path}: is a page of HTML, XML or JSON, and no list")


def _begin(path: Path) -> bytes:
    """Return what the file at `path` begins with, unpacked, but for blanks."""
    try:
        with path.open("rb") as raw:
            is_packed = raw.read(len(GZIP)) == GZIP
            raw.seek(0)
            begin = (gzip.GzipFile(fileobj=raw) if is_packed else raw).read(SNIFFED)
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error
        raise SourceError(f"{path}: cannot be read: {why}") from error
    return begin.removeprefix(UTF8).strip()
