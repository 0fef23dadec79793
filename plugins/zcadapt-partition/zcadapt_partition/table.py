"""What the application has lately handled: a file that it writes and others read.

A head of 4096 bytes says how keys are made and how fast all is forgotten. What
follows are words of 64 bits, eight to a bucket, each complete in itself: half
of it is a mark, from the hash of a key, and half a time. The size never
changes: where a bucket is full, what has been forgotten most makes room.

Words are read and written with `os.pread` and `os.pwrite`. Unlike a mapping of
the file that cannot end the reader, whatever becomes of the file, and it costs
a microsecond; nobody waits for another process, nor needs a thread or a socket to
be told through. The threads of a process take turns in writing.
"""

import errno
import fcntl
import json
import math
import os
import struct
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any, Final

from zcadapt import read_options, setting
from zcadapt_partition.forking import new_lock
from zcadapt_partition.keys import Key, KeySettings

__all__ = ["Table", "TableSettings"]

MAGIC: Final = b"zcadapt-partition affinity 1\n"
HEAD: Final = 4096
WAYS: Final = 8  #: words in a bucket
BUCKET: Final = struct.Struct(f"={WAYS}Q")
WORD: Final = struct.Struct("=Q")

HALF: Final = 1 << 32
#: Units of time in a second: 32 bits of them wrap round after eight years. One more
#: request must be worth a unit to be counted, so counts end at some 20 for each second
#: of the half-life.
TICKS: Final = 16
#: The most that one key can have, as a power of two: what is busy today is forgotten in time.
MOST: Final = 16.0

#: Seconds that `Table.create` waits for other processes to have made theirs.
PATIENCE: Final = 10.0

Clock = Callable[[], float]

_writing: Final = new_lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSettings:
    """What can be set about a `Table`."""

    slots: int = setting(
        65_536,
        "For how many keys there is room, 8 bytes each; made a multiple of 8.",
        least=WAYS,
        most=1 << 26,
    )
    half_life: float = setting(
        300.0, "Seconds after which a request counts half as much.", least=10, most=604_800
    )
    key: KeySettings = field(default_factory=KeySettings)


class Table:
    """How much of each key was lately handled: each request counts 1, and less with time.

    Made by `create`, `open` or `in_memory`. A process that forks shares it with
    its children. Its threads take turns in writing; what two processes write at
    the same moment can be counted once, as ICP is a hint.
    """

    def __init__(self, fd: int, settings: TableSettings, clock: Clock = time) -> None:
        self.settings: Final = settings
        self.key: Final = Key(settings.key)
        self._fd = fd
        self._buckets = settings.slots // WAYS
        self._half_life = settings.half_life * TICKS
        self._clock = clock
        # Not before nobody has it: another thread may be reading.
        self._end = weakref.finalize(self, os.close, fd)
        self._end.atexit = False  # a thread that still writes then must not hit another file

    @classmethod
    def create(
        cls, path: str, options: Mapping[str, object] | None = None, *, clock: Clock = time
    ) -> "Table":
        """Return the table in the file `path`, which is made where there is none like it.

        For the application. Several processes may; one with other options
        puts a new file in the place of the old.

        Raises:
            SettingsError: the options are wrong.
            OSError: the file cannot be made or opened.
        """
        settings = read_options(TableSettings, options or {})
        Key(settings.key)
        target = Path(path)
        with _alone_in(target.parent):
            try:
                found = cls._opened(path, os.O_RDWR, clock)
                if found.settings == settings:
                    return found
            except (FileNotFoundError, ValueError):
                pass
            return cls._made(target, settings, clock)

    @classmethod
    def open(cls, path: str, *, clock: Clock = time) -> "Table":
        """Return the table in the file `path`, to be read only.

        Raises:
            ValueError: it is none.
            OSError: it cannot be opened.
        """
        return cls._opened(path, os.O_RDONLY, clock)

    @classmethod
    def in_memory(
        cls, options: Mapping[str, object] | None = None, *, clock: Clock = time
    ) -> "Table":
        """Return a table that only this process has, and those that it forks.

        Raises:
            SettingsError: the options are wrong.
        """
        settings = read_options(TableSettings, options or {})
        Key(settings.key)
        table = cls(_unnamed_file(), settings, clock)
        table.clear()
        return table

    def note(self, key: bytes) -> None:
        """Count a request that was handled."""
        place, mark = self._find(key)
        now = int(self._clock() * TICKS) % HALF
        with _writing:
            words = self._bucket(place)
            ages = [self._exponent(word, now) if word else None for word in words]
            slot, had = self._slot(words, ages, mark)
            after = 0.0 if had is None else min(math.log2(2.0**had + 1), MOST)
            word = WORD.pack(mark << 32 | (now + int(after * self._half_life)) % HALF)
            os.pwrite(self._fd, word, HEAD + (place * WAYS + slot) * WORD.size)

    def score(self, key: bytes) -> float:
        """Return how many requests were handled, each halved with every half-life."""
        place, mark = self._find(key)
        now = int(self._clock() * TICKS) % HALF
        found = [self._exponent(word, now) for word in self._bucket(place) if word >> 32 == mark]
        known = [each for each in found if each is not None]
        return 2.0 ** max(known) if known else 0.0

    def clear(self) -> None:
        """Forget everything, whichever process has noted it.

        For an application that begins with nothing in memory, before there is
        more than one process of it.
        """
        size = self._buckets * BUCKET.size
        empty = bytes(min(size, 1 << 20))
        for start in range(0, size, len(empty)):
            with _writing:
                os.pwrite(self._fd, empty[: size - start], HEAD + start)

    def close(self) -> None:
        """Close the file: from now on all but this raises `OSError`."""
        with _writing:  # nobody is about to write: the number soon is another file's
            self._fd = -1
            self._end()

    @property
    def identity(self) -> tuple[int, int]:
        """Which file it is, as `os.stat` tells it: device and inode."""
        status = os.fstat(self._fd)
        return status.st_dev, status.st_ino

    @classmethod
    def _opened(cls, path: str, flags: int, clock: Clock) -> "Table":
        # NONBLOCK: a pipe would wait for somebody to write.
        fd = os.open(path, flags | os.O_NONBLOCK)
        try:
            settings = _settings_of(fd)
            return cls(fd, settings, clock)
        except BaseException:
            os.close(fd)
            raise

    @classmethod
    def _made(cls, target: Path, settings: TableSettings, clock: Clock) -> "Table":
        fd, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        table = cls(fd, settings, clock)
        try:
            os.pwrite(fd, _head(settings), 0)
            table.clear()  # so that there is room on the disk from now on
            os.fchmod(fd, 0o644)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            table.close()
            raise
        return table

    def _find(self, key: bytes) -> tuple[int, int]:
        """Return the bucket that a key is in, and its mark, which is not 0."""
        place, mark = struct.unpack("=II", blake2b(key, digest_size=8).digest())
        return place % self._buckets, mark or 1

    def _bucket(self, place: int) -> tuple[int, ...]:
        data = os.pread(self._fd, BUCKET.size, HEAD + place * BUCKET.size)
        # Less where somebody has cut the file.
        return BUCKET.unpack(data.ljust(BUCKET.size, b"\0"))

    def _exponent(self, word: int, now: int) -> float | None:
        """Return of which power of two the time in `word` tells; ``None``: of none."""
        ahead = (word - now + HALF // 2) % HALF - HALF // 2
        exponent = ahead / self._half_life
        # More than there can be: the clock was set back.
        return exponent if -MOST * 4 < exponent <= MOST + 1 else None

    @staticmethod
    def _slot(
        words: tuple[int, ...], ages: list[float | None], mark: int
    ) -> tuple[int, float | None]:
        """Return where in a bucket a mark is or comes, and what it had."""
        for slot, word in enumerate(words):
            if word >> 32 == mark:
                return slot, ages[slot]
        order = [-math.inf if age is None else age for age in ages]
        return order.index(min(order)), None


def _head(settings: TableSettings) -> bytes:
    written = MAGIC + json.dumps(asdict(settings)).encode()
    if len(written) > HEAD:
        raise ValueError("the settings of the key are too long")
    return written.ljust(HEAD, b"\0")


def _settings_of(fd: int) -> TableSettings:
    """Return what the head of a file says, which is not believed unseen.

    Raises:
        ValueError: it is no table.
    """
    head = os.pread(fd, HEAD, 0)
    if not head.startswith(MAGIC):
        raise ValueError("it is no table of zcadapt-partition")
    try:
        options: Any = json.loads(head[len(MAGIC) :].rstrip(b"\0"))
    except RecursionError:
        options = None
    if not isinstance(options, dict):
        raise ValueError("it is no table of zcadapt-partition")  # noqa: TRY004 - what is in it
    settings = read_options(TableSettings, options)
    if os.fstat(fd).st_size < HEAD + settings.slots // WAYS * BUCKET.size:
        raise ValueError("it is cut short")
    return settings


def _unnamed_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("zcadapt-partition affinity")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Let one process after the other make its table in `folder`."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    deadline = monotonic() + PATIENCE
    try:
        while not _takes_lock(fd):
            if monotonic() > deadline:
                raise TimeoutError(errno.ETIMEDOUT, "somebody has locked the folder", str(folder))
            sleep(0.01)
        yield
    finally:
        os.close(fd)


def _takes_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
