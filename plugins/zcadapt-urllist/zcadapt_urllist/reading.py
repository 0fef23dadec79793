"""Lists are read line by line, and what cannot be read is counted and told."""

import gzip
import io
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from zcadapt_urllist.canonical import END
from zcadapt_urllist.formats import (
    EXCEPTION,
    EXPRESSION,
    PARSERS,
    NotForUsError,
    PartError,
    guess,
    size_of,
)

__all__ = ["FORMATS", "MOST_BYTES", "Report", "Source", "SourceError", "keys_of", "sources_of"]

#: The formats that can be said.
FORMATS: Final = ("auto", *PARSERS)

#: What a directory of squidGuard's holds, each in the format of its name.
MEMBERS: Final = ("domains", "urls", "expressions")

MOST_BYTES: Final = 4 * 1024**3
LONGEST_LINE: Final = 65536
#: How many lines of a file that cannot be read are told; all are counted.
MOST_TOLD: Final = 10
#: How many instructions the programs of a list's expressions may have (see `formats`).
MOST_INSTRUCTIONS: Final = 32_000
SNIFFED: Final = 65536
GZIP: Final = b"\x1f\x8b"
UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
UTF8: Final = b"\xef\xbb\xbf"
#: After how many lines who watches is told.
STEP: Final = 4096


class SourceError(Exception):
    """A source cannot be read at all."""


class Source(NamedTuple):
    """A file of a list, and its format; ``auto`` where it is to be found out."""

    path: Path
    format: str


@dataclass
class Report:
    """What has been read.

    Attributes:
        hosts: how many hosts and domains.
        urls: how many beginnings of URLs.
        lines: how many lines list something, or what is not meant after all.
        exceptions: how many domains that are not meant after all.
        expressions: the expressions, in their order.
        instructions: how many their programs have.
        broken: how many lines could not be read.
        not_for_us: how many lines only a browser can follow.
        told: file, line and reason of the first of the broken lines.
    """

    hosts: int = 0
    urls: int = 0
    lines: int = 0
    exceptions: int = 0
    expressions: dict[bytes, None] = field(default_factory=dict)
    instructions: int = 0
    broken: int = 0
    not_for_us: int = 0
    told: list[str] = field(default_factory=list)
    _by_file: Counter[Path] = field(default_factory=Counter)

    def complain(self, path: Path, number: int, error: Exception) -> None:
        """Count a line that cannot be read, and keep the first ones of each file."""
        if isinstance(error, NotForUsError):
            self.not_for_us += 1
            return
        self.broken += 1
        self._by_file[path] += 1
        if self._by_file[path] <= MOST_TOLD:
            self.told.append(f"{path}:{number}: {error}")

    def __len__(self) -> int:
        return self.hosts + self.urls + len(self.expressions)

    def __str__(self) -> str:
        counts = {
            "hosts and domains": self.hosts,
            "URLs": self.urls,
            "expressions": len(self.expressions),
            "exceptions": self.exceptions,
            "lines not read": self.broken,
            "lines that only a browser can follow": self.not_for_us,
        }
        told = [f"{count} {what}" for what, count in counts.items() if count]
        return ", ".join(told) or "nothing"


def sources_of(paths: Sequence[Path], wanted: str = "auto") -> list[Source]:
    """Return the files that `paths` stand for, in their order.

    A directory stands for the squidGuard files in it.

    Raises:
        SourceError: one is not there, or a directory holds none of them.
    """
    found: list[Source] = []
    for path in paths:
        if path.is_dir():
            members = _members(path)
            if not members:
                raise SourceError(f"{path}: there is no domains, urls or expressions in it")
            found += members
        elif path.is_file():
            name = path.name.removesuffix(".gz")
            known = name if wanted == "auto" and name in MEMBERS else wanted
            found.append(Source(path, known))
        else:
            raise SourceError(f"{path}: there is no such file")
    return found


def _members(folder: Path) -> list[Source]:
    names = [(folder / f"{name}{end}", name) for name in MEMBERS for end in ("", ".gz")]
    return [Source(path, name) for path, name in names if path.is_file()]


def keys_of(
    sources: Sequence[Source],
    report: Report,
    *,
    most_bytes: int = MOST_BYTES,
    on_progress: Callable[[int], object] = lambda _: None,
) -> Iterator[bytes]:
    """Yield the keys of all `sources`; their expressions go into `report` instead.

    A part of a line is never a whole one: one that is too long is broken.
    `on_progress` is told how many bytes of a file have been read since it was
    last told.

    Raises:
        SourceError: a file cannot be read, or they hold more than `most_bytes`
            bytes in all, unpacked.
    """
    left = most_bytes
    for source in sources:
        try:
            with _opened(source.path) as (file, raw):
                reader = _Reader(source, report, left, on_progress)
                yield from reader.read(file, raw)
                left = reader.left
        except (OSError, EOFError, zlib.error) as error:
            why = getattr(error, "strerror", None) or error
            raise SourceError(f"{source.path}: cannot be read: {why}") from error


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Open a file, unpacked where it is packed; the second is the file as it is."""
    with path.open("rb") as raw:
        packed = raw.read(len(GZIP)) == GZIP
        raw.seek(0)
        if packed:
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield io.BufferedReader(unpacked), raw
        else:
            yield raw, raw


class _OldMac(io.RawIOBase):
    """A file whose lines end with CR alone, with those that all others have."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - Buffer came with Python 3.12
        some = self._file.read(len(buffer)).replace(b"\r", b"\n")
        buffer[: len(some)] = some
        return len(some)


class _Reader:
    """One file on its way to keys."""

    def __init__(
        self, source: Source, report: Report, left: int, on_progress: Callable[[int], object]
    ) -> None:
        self.left = left
        self._path = source.path
        self._format = source.format
        self._report = report
        self._on_progress = on_progress

    def read(self, file: BinaryIO, raw: BinaryIO) -> Iterator[bytes]:
        begin = file.read(SNIFFED)
        if begin.startswith(UTF16):
            raise SourceError(f"{self._path}: is UTF-16; lists are read as UTF-8")
        file.seek(len(UTF8) if begin.startswith(UTF8) else 0)
        if b"\r" in begin and b"\n" not in begin:
            file, begin = io.BufferedReader(_OldMac(file)), begin.replace(b"\r", b"\n")
        if self._format == "auto":
            self._format = guess(begin.removeprefix(UTF8).split(b"\n")[:-1] or [begin])
        parse, report = PARSERS[self._format], self._report
        at = 0
        for number, line in enumerate(self._lines(file), 1):
            if number % STEP == 0:
                now = raw.tell()
                self._on_progress(now - at)
                at = now
            try:
                if line is None:
                    raise ValueError(f"a line has {LONGEST_LINE} bytes at most")  # noqa: TRY301 - as a parser does
                keys = parse(line)
            except ValueError as error:
                report.complain(self._path, number, error)
                keys = error.keys if isinstance(error, PartError) else ()
            if keys and keys[0][0] == EXPRESSION[0]:
                self._keep(keys[0][1:], number)
            elif keys:
                self._count(keys)
                yield from keys
        self._on_progress(raw.tell() - at)

    def _keep(self, expression: bytes, number: int) -> None:
        """Keep an expression with the report; it is none for the store."""
        report, size = self._report, size_of(expression)
        if expression in report.expressions:
            report.lines += 1
            return
        if report.instructions + size > MOST_INSTRUCTIONS:
            what = f"all expressions of a list make {MOST_INSTRUCTIONS} instructions at most"
            report.complain(self._path, number, ValueError(what))
            return
        report.lines += 1
        report.instructions += size
        report.expressions[expression] = None

    def _count(self, keys: Sequence[bytes]) -> None:
        """Count a line; but in a hosts file all its keys are of one host or URL."""
        report = self._report
        report.lines += 1
        if keys[0][0] == EXCEPTION[0]:
            report.exceptions += 1
        elif keys[0].find(END, 0, -1) >= 0:
            report.urls += 1
        else:
            report.hosts += len(keys) if self._format == "hosts" else 1

    def _lines(self, file: BinaryIO) -> Iterator[bytes | None]:
        """Yield the lines of a file without their ends; None for one that is too long."""
        for line in iter(partial(file.readline, LONGEST_LINE), b""):
            self.left -= len(line)
            if self.left < 0:
                raise SourceError(f"{self._path}: the list is too large to be read as it is")
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                self._skip_line(file)
                yield None
            else:
                yield line.strip()

    def _skip_line(self, file: BinaryIO) -> None:
        while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
            self.left -= len(rest)
            if self.left < 0:
                return
