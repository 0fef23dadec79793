"""A file of somebody else's, mapped from a copy that nobody writes to.

Who maps a file is ended by SIGBUS when it is cut, and answers from half of
each when it is written over. The copy stands in a folder of this user's, among
the temporary files, under the digest of what it holds: all processes of this
user that want the same map the same one. A file says its digest itself, so what
is there under that name is compared. Each has a lock on what it uses; what nobody
uses is removed by who ends with it, or by the next who comes. Where no copy can
be made, the file itself is mapped.
"""

import fcntl
import logging
import mmap
import os
import stat
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["mapped"]

log = logging.getLogger(__name__)

PREFIX: Final = "zcadapt-urllist-"
#: How many bytes are copied, and compared, at once.
AT_ONCE: Final = 1 << 18

Check = Callable[[mmap.mmap], None]


class _NoPlaceError(Exception):
    """A copy cannot be made, for want of room or of a folder to write to."""


def mapped(path: Path, digest: str, check: Check) -> mmap.mmap:
    """Return a map of what the file at `path` holds now, whatever becomes of the file.

    Where there is no place for a copy the file must not be written into; it may
    be replaced, and removed.

    Args:
        path: the file.
        digest: that of its content, as it says itself.
        check: raises ValueError for what is not whole, as when it is written meanwhile.

    Raises:
        ValueError: from `check`, or there is nothing in the file.
        OSError: it cannot be read.
    """
    try:
        return _mapped_copy(path, digest, check)
    except _NoPlaceError as error:
        tell(str(error))
    with path.open("rb") as file:
        memory = _map(file.fileno())
    check(memory)
    return memory


@cache
def tell(why: str) -> None:
    """Log once that copies cannot be made; where nothing can be written that is meant so."""
    what = "built lists are mapped themselves, and who writes into one ends this process"
    log.info("there is no place for copies (%s): %s", why, what)


@contextmanager
def _placing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _NoPlaceError(error.strerror or str(error)) from error


def _mapped_copy(path: Path, digest: str, check: Check) -> mmap.mmap:
    """Do as `mapped` does, but raise _NoPlaceError where no copy can be made."""
    with _placing():
        folder = _folder()
        fd, copy = tempfile.mkstemp(prefix=PREFIX, dir=folder)
    try:
        with _placing():
            fcntl.flock(fd, fcntl.LOCK_SH)
        with path.open("rb") as source:
            while some := source.read(AT_ONCE):
                _write(fd, some)
        memory = _map(fd)
        check(memory)
        place = Path(copy) if folder is None else folder / digest
        if folder is not None and (shared := _shared(copy, place, memory)) is not None:
            os.close(fd)
            return shared
    except BaseException:
        os.close(fd)
        raise
    finally:
        with suppress(OSError):
            os.unlink(copy)  # noqa: PTH108 - a str
    weakref.finalize(memory, _release, fd, place, os.getpid())
    return memory


def _write(fd: int, some: bytes) -> None:
    left = memoryview(some)
    with _placing():
        while left:
            left = left[os.write(fd, left) :]


def _folder() -> Path | None:
    """Return the folder for copies; None where it is not this user's alone."""
    user = os.geteuid()
    folder = Path(tempfile.gettempdir(), f"{PREFIX}{user}")
    with suppress(FileExistsError):
        folder.mkdir(0o700)
    found = folder.lstat()
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == user and not found.st_mode & 0o077
    return folder if is_ours else None


def _shared(copy: str, place: Path, memory: mmap.mmap) -> mmap.mmap | None:
    """Give `copy` the name `place`, or return a map of what another process has put there.

    Where neither can be, the copy is for this process alone; nothing is wrong with that.
    """
    for each in place.parent.iterdir():
        with suppress(OSError):
            _release(_opened(each), each, os.getpid())
    try:
        os.link(copy, place)
    except FileExistsError:
        return _found(place, memory)
    except OSError:
        pass
    return None


def _found(place: Path, memory: mmap.mmap) -> mmap.mmap | None:
    """Return a map of the copy at `place`; None where it is gone, or another than `memory`."""
    try:
        fd = _opened(place)
    except OSError:
        return None
    if not _has_lock(fd, fcntl.LOCK_SH) or not _is_same(fd, memory):
        os.close(fd)
        return None
    shared = _map(fd)
    weakref.finalize(shared, _release, fd, place, os.getpid())
    return shared


def _is_same(fd: int, memory: mmap.mmap) -> bool:
    """Whether the file `fd` still has a name, and holds what `memory` does."""
    found = os.fstat(fd)
    if found.st_nlink == 0 or found.st_size != len(memory):
        return False
    buffer = bytearray(AT_ONCE)  # one for all: to allocate each time takes longer than to read
    with memoryview(memory) as whole:
        for at in range(0, len(whole), AT_ONCE):
            some = whole[at : at + AT_ONCE]
            del buffer[len(some) :]
            if os.preadv(fd, [buffer], at) != len(some) or buffer != some:
                return False
    return True


def _release(fd: int, place: Path, maker: int) -> None:
    """Close the copy at `place`, and remove it where nobody else uses it.

    A process that was forked from the `maker` has the same lock, and leaves it.
    """
    if os.getpid() != maker:
        return
    with suppress(OSError):
        is_it = os.path.samestat(os.fstat(fd), place.lstat())  # and no other of its name
        if is_it and _has_lock(fd, fcntl.LOCK_EX):
            place.unlink()
    with suppress(OSError):
        os.close(fd)


def _map(fd: int) -> mmap.mmap:
    return mmap.mmap(fd, 0, access=mmap.ACCESS_READ)


def _opened(place: Path) -> int:
    return os.open(place, os.O_RDONLY | os.O_NOFOLLOW)


def _has_lock(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
