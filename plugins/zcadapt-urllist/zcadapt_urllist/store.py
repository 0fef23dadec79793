"""The store: a succinct trie in one file, mapped into memory and shared by all processes.

The file is a trie of the marisa library; behind it stands what else there is
to know, as JSON, then the length of that, the digest of all so far, the checksum
of that too, a mark by which it is known, and its version. The digest names what
is in it; the checksum tells damage, and is soon reckoned whenever it is opened.
"""

import json
import mmap
import os
import struct
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple
from zlib import crc32

import marisa_trie  # type: ignore[import-not-found]  # written in C
import re2  # type: ignore[import-untyped]

from zcadapt_urllist.canonical import END
from zcadapt_urllist.copies import mapped
from zcadapt_urllist.formats import EXCEPTION, EXPRESSION, STRICT, TOO_MANY, expression_options
from zcadapt_urllist.reading import Report, SourceError
from zcadapt_urllist.subjects import MOST_SUBJECTS, Subject

__all__ = ["Store", "is_compiled", "write"]

#: What marisa's files begin with.
BEGIN: Final = b"We love Marisa.\0"
MARK: Final = b"zcadapt-urllist"
VERSION: Final = 3
LENGTH: Final = struct.Struct("<Q")
DIGEST: Final = 16
TAIL: Final = struct.Struct(f"<{DIGEST}sL15sB")

NOT_BUILT: Final = "`zcadapt urllist build` has not written it, or it is cut off"

#: What is raised for a file that cannot be read, or is made to look like one of ours.
FAILURES: Final = (
    OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError, re2.error
)  # fmt: skip

#: With more of marisa's tries, each of which holds what the one before leaves
#: over, a file is smaller by a third, and a look-up takes half as long again.
TRIES: Final = 1

#: In how many bytes of a URL expressions are searched for, and how many times an
#: instruction of their program may meet a byte, at 2 to 4 ns each.
SEARCHED: Final = 4096
MOST_STEPS: Final = 16_000_000


@dataclass(frozen=True)
class _Extra:
    """What a store holds beside its keys."""

    hosts: int
    urls: int
    lines: int
    exceptions: int
    broken: int
    not_for_us: int
    expressions: tuple[bytes, ...]


class _Tail(NamedTuple):
    """What a file that was built ends with."""

    digest: bytes
    checksum: int
    mark: bytes
    version: int


class Store:
    """What one list holds; it never changes.

    Attributes:
        digest: that of all that is in it, however it came to be.
        entries: how many hosts, domains, URLs and expressions are listed.
        exceptions: how many domains are not meant after all.
        lines: how many lines say so.
        broken: how many lines could not be read when it was made.
        not_for_us: how many lines only a browser can follow.
    """

    def __init__(self, trie: Any, extra: _Extra, digest: bytes, memory: object = None) -> None:  # noqa: ANN401 - it has no annotations
        self.digest = digest.hex()
        self.exceptions = extra.exceptions
        self.lines = extra.lines
        self.broken = extra.broken
        self.not_for_us = extra.not_for_us
        self.entries = extra.hosts + extra.urls + len(extra.expressions)
        self._memory = memory  # the trie does not hold it, and lies in it
        self._trie = trie
        self._prefixes = trie.prefixes
        self._has_urls = bool(extra.urls)
        self._has_exceptions = bool(extra.exceptions)
        self._has_expressions = bool(extra.expressions)
        program = _program(extra.expressions)
        self._search = program.search
        self._searched = min(SEARCHED, MOST_STEPS // program.programsize)

    @classmethod
    def of(cls, keys: Iterable[bytes], report: Report) -> "Store":
        """Return a store in memory; `report` is that of the `keys`, and read after them."""
        trie = marisa_trie.BinaryTrie(keys, num_tries=TRIES)
        extra = _extra(report)
        return cls(trie, extra, _digest(_body(trie, extra)))

    @classmethod
    def open(cls, path: Path) -> "Store":
        """Map what the file at `path` holds into memory; the file may change then.

        Raises:
            SourceError: it cannot be read, or was not written by `write`.
        """
        try:
            tail = _read_tail(path)
            memory = mapped(path, tail.digest.hex(), partial(_check, checksum=tail.checksum))
            return cls(
                marisa_trie.BinaryTrie().map(memory), _read_extra(memory), tail.digest, memory
            )
        except FAILURES as error:
            why = getattr(error, "strerror", None) or error
            raise SourceError(f"{path}: the list cannot be used: {why}") from error

    def find(self, subject: Subject) -> bytes | None:
        """Return the key that `subject` is on the list for; None where it is not.

        For an expression that is `EXPRESSION` alone: what it has found is the
        user's, and may hold secrets. Who names more hosts than are looked up
        is on any list, for `TOO_MANY`: one that is meant may be among them.
        """
        found = self._prefixes(subject.key)
        if not found and self._has_urls and self._has_below(subject.key):
            found = self._prefixes(subject.full)
        entry: bytes | None = None
        if found:
            entry = found[-1]
        elif not subject.key:
            entry = TOO_MANY
        elif self._has_expressions and self._fits(subject):
            entry = EXPRESSION
        if entry is not None and self._has_exceptions and self._prefixes(EXCEPTION + subject.key):
            return None
        return entry

    def find_for_all(self, subjects: Sequence[Subject]) -> bytes | None:
        """Return the key that all of `subjects` are on the list for, however they are read.

        That is for what is allowed: where the path matters, it has to be what
        is listed in its strict form too. Who names too many hosts is on no list.
        """
        if len(subjects) > MOST_SUBJECTS or not subjects[0].key:
            return None
        entries = [self._find_strictly(each) for each in subjects]
        return None if None in entries else entries[0]

    def _find_strictly(self, subject: Subject) -> bytes | None:
        entry = self.find(subject)
        if entry is None or (entry != EXPRESSION and entry.find(END, 0, -1) < 0):
            return entry  # no path has a say in that
        if entry == EXPRESSION:
            is_whole = len(subject.text) <= self._searched // subject.sharing
            return entry if is_whole and self._search(subject.strict_text) is not None else None
        found = self._prefixes(STRICT + subject.strict)
        return found[-1].removeprefix(STRICT) if found else None

    def _has_below(self, key: bytes) -> bool:
        """Whether anything that begins with `key` is listed; to read a path costs more."""
        return next(self._trie.iterkeys(key), None) is not None

    def _fits(self, subject: Subject) -> bool:
        """Whether an expression is found in the URL, of a long one in its begin and its end."""
        if not subject.sharing:
            return False
        text, half = subject.text, self._searched // subject.sharing // 2
        search = self._search
        if len(text) <= 2 * half:
            return search(text) is not None
        return search(text, 0, half) is not None or search(text, len(text) - half) is not None


def is_compiled(path: Path) -> bool:
    """Whether the file at `path` is none that people write, and `write` may have written."""
    try:
        with path.open("rb") as file:
            return file.read(len(BEGIN)) == BEGIN
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
    trie = marisa_trie.BinaryTrie(keys, num_tries=TRIES)
    if not (len(report) or allow_empty):
        raise SourceError("there is nothing in the sources")
    body = _body(trie, _extra(report))
    number, name = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)
    try:
        with open(number, "wb") as file:  # noqa: PTH123 - a number
            file.write(body)
            digest = _digest(body)
            file.write(TAIL.pack(digest, crc32(digest, crc32(body)), MARK, VERSION))
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
    return _Extra(
        hosts=report.hosts,
        urls=report.urls,
        lines=report.lines,
        exceptions=report.exceptions,
        broken=report.broken,
        not_for_us=report.not_for_us,
        expressions=tuple(report.expressions),
    )


def _body(trie: Any, extra: _Extra) -> bytes:  # noqa: ANN401 - it has no annotations
    """Return all but the tail of a file."""
    told = asdict(extra)
    told["expressions"] = [each.decode("latin-1") for each in extra.expressions]
    text = json.dumps(told).encode()
    return bytes(trie.tobytes() + text + LENGTH.pack(len(text)))


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=DIGEST).digest()


def _read_tail(path: Path) -> _Tail:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) < TAIL.size + LENGTH.size:
            raise ValueError(NOT_BUILT)
        file.seek(-TAIL.size, os.SEEK_END)
        tail = _Tail(*TAIL.unpack(file.read(TAIL.size)))
    if tail.mark != MARK:
        raise ValueError(NOT_BUILT)
    if tail.version != VERSION:
        raise ValueError("another version of zcadapt-urllist has built it")
    return tail


def _check(memory: mmap.mmap, checksum: int) -> None:
    """Raise ValueError where `memory` does not hold the whole of a file with this `checksum`."""
    with memoryview(memory) as whole, whole[: DIGEST - TAIL.size] as checked:
        if len(whole) < TAIL.size or crc32(checked) != checksum:
            raise ValueError("it is damaged, or still being written")


def _read_extra(memory: mmap.mmap) -> _Extra:
    end = len(memory) - TAIL.size - LENGTH.size
    (length,) = LENGTH.unpack_from(memory, end)
    told = json.loads(memory[end - length : end])
    told["expressions"] = tuple(each.encode("latin-1") for each in told["expressions"])
    return _Extra(**told)


def _program(expressions: Sequence[bytes]) -> Any:  # noqa: ANN401 - re2 has no annotations
    """Return one program for all `expressions`: none of RE2's sets, which take longer at worst."""
    return re2.compile(b"|".join(b"(?:%s)" % each for each in expressions), expression_options())
