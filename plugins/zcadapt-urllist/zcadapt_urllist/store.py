"""The store: a succinct trie in one file, mapped into memory and shared by all processes.

The file is a trie of the marisa library; behind it stands what else there is
to know, as JSON, then the length of that, then a mark by which it is known.
"""

import json
import os
import struct
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import marisa_trie  # type: ignore[import-not-found]  # written in C
import re2  # type: ignore[import-untyped]

from zcadapt_urllist.formats import EXCEPTION, EXPRESSION, expression_options
from zcadapt_urllist.reading import Report, SourceError
from zcadapt_urllist.subjects import Subject

__all__ = ["Store", "is_compiled", "write"]

MARK: Final = b"zcadapt-urllist\n"
TAIL: Final = struct.Struct("<Q16s")
VERSION: Final = 1
MOST_EXTRA: Final = 128 * 1024 * 1024

#: How many expressions are searched for at once.
TOGETHER: Final = 256


@dataclass(frozen=True)
class _Extra:
    """What a store holds beside its keys."""

    urls: int
    exceptions: int
    expressions: tuple[bytes, ...]


class Store:
    """What one list holds; it never changes."""

    def __init__(self, trie: Any, extra: _Extra) -> None:  # noqa: ANN401 - it has no annotations
        self._trie = trie
        self._prefixes = trie.prefixes
        self._has_urls = bool(extra.urls)
        self._has_exceptions = bool(extra.exceptions)
        self._expressions = _searchers(extra.expressions)

    @classmethod
    def of(cls, keys: Iterable[bytes], report: Report) -> "Store":
        """Return a store in memory; `report` is that of the `keys`, and read after them."""
        trie = marisa_trie.BinaryTrie(keys)
        return cls(trie, _extra(report))

    @classmethod
    def open(cls, path: Path) -> "Store":
        """Map the file at `path` into memory.

        Raises:
            SourceError: it cannot be read, or was not written by `write`.
        """
        if not is_compiled(path):
            raise SourceError(f"{path}: not a list that `zcadapt urllist build` has written")
        try:
            with path.open("rb") as file:
                extra = _read_extra(file)
            return cls(marisa_trie.BinaryTrie().mmap(os.fspath(path)), extra)
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            why = getattr(error, "strerror", None) or error
            raise SourceError(f"{path}: the list cannot be used: {why}") from error

    def find(self, subject: Subject) -> bytes | None:
        """Return the key that `subject` is on the list for; None where it is not.

        For an expression that is `EXPRESSION` alone: what it has found is the
        user's, and may hold secrets.
        """
        found = self._prefixes(subject.key)
        if not found and self._has_urls and self._has_below(subject.key):
            found = self._prefixes(subject.full)
        entry: bytes | None = None
        if found:
            entry = found[-1]
        elif self._expressions and self._fits(subject.text):
            entry = EXPRESSION
        if entry is not None and self._has_exceptions and self._prefixes(EXCEPTION + subject.key):
            return None
        return entry

    def _has_below(self, key: bytes) -> bool:
        """Whether anything that begins with `key` is listed; to read a path costs more."""
        return next(self._trie.iterkeys(key), None) is not None

    def _fits(self, text: bytes) -> bool:
        """Whether an expression is found in `text`."""
        return any(each.search(text) is not None for each in self._expressions)


def is_compiled(path: Path) -> bool:
    """Whether the file at `path` is one that `write` has written."""
    try:
        with path.open("rb") as file:
            file.seek(-TAIL.size, os.SEEK_END)
            return bool(TAIL.unpack(file.read(TAIL.size))[1] == MARK)
    except OSError:
        return False


def write(
    keys: Iterable[bytes], report: Report, output: Path, *, allow_empty: bool = False
) -> None:
    """Write a store with `keys` to the file `output`, which is there as a whole or as it was.

    `report` is that of the `keys`, and read after them.

    Raises:
        SourceError: from the keys, or because there are none and that is not allowed.
        OSError: the file cannot be written.
    """
    trie = marisa_trie.BinaryTrie(keys)
    if not (len(report) or allow_empty):
        raise SourceError("there is nothing in the sources")
    extra = _extra(report)
    told = {
        "version": VERSION,
        "hosts": report.hosts,
        "urls": extra.urls,
        "exceptions": extra.exceptions,
        "expressions": [each.decode("latin-1") for each in extra.expressions],
    }
    text = json.dumps(told).encode()
    number, name = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)
    try:
        os.close(number)
        trie.save(name)
        with Path(name).open("ab") as file:
            file.write(text + TAIL.pack(len(text), MARK))
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, _mode(output))  # noqa: PTH101 - as the next line
        os.replace(name, output)  # noqa: PTH105 - one call, and the name is a str
    except BaseException:
        with suppress(OSError):
            os.unlink(name)  # noqa: PTH108 - as above
        raise


def _mode(output: Path) -> int:
    """Return the permissions of the file that is replaced, or those of a new one."""
    with suppress(OSError):
        return output.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _extra(report: Report) -> _Extra:
    return _Extra(report.urls, report.exceptions, tuple(report.expressions))


def _read_extra(file: Any) -> _Extra:  # noqa: ANN401 - a binary file
    end = file.seek(-TAIL.size, os.SEEK_END)
    length, _ = TAIL.unpack(file.read(TAIL.size))
    if length > min(end, MOST_EXTRA):
        raise ValueError("it is damaged")
    file.seek(end - length)
    told = json.loads(file.read(length))
    if told["version"] != VERSION:
        raise ValueError("another version of zcadapt-urllist has written it")
    expressions = tuple(each.encode("latin-1") for each in told["expressions"])
    return _Extra(told["urls"], told["exceptions"], expressions)


def _searchers(expressions: Sequence[bytes]) -> list[Any]:
    """Return what is searched for: as few programs as will do."""
    found: list[Any] = []
    for at in range(0, len(expressions), TOGETHER):
        some = expressions[at : at + TOGETHER]
        try:
            found.append(_compiled(b"|".join(b"(?:%s)" % each for each in some)))
        except re2.error:  # together they are too large
            found += [_compiled(each) for each in some]
    return found


def _compiled(pattern: bytes) -> Any:  # noqa: ANN401 - re2 has no annotations
    return re2.compile(pattern, expression_options())
