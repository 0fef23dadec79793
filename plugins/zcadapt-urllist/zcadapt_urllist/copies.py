"""A file of somebody else's, mapped from a copy that nobody writes to.

Who maps a file is ended by SIGBUS when it is cut, and answers from half of
each when it is written over. The copy stands in a folder of this user's, among
the temporary files, under the digest of what it holds: all processes of this
user that want the same map the same one. Each has a lock on what it uses; what
nobody uses is removed by who ends with it, or by the next who comes.
"""

import fcntl
import mmap
import os
import shutil
import stat
import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["mapped"]

PREFIX: Final = "zcadapt-urllist-"
#: How many bytes are copied at once.
AT_ONCE: Final = 1 << 20

Check = Callable[[mmap.mmap], None]


def mapped(path: Path, digest: str, check: Check) -> mmap.mmap:
    """Return a map of what the file at `path` holds now, whatever becomes of the file.

    Args:
        path: the file.
        digest: that of its content, as it says itself.
        check: raises ValueError for what is not whole, as when it is written meanwhile.

    Raises:
        ValueError: from `check`, or there is nothing in the file.
        OSError: it cannot be read or copied.
    """
    folder = _folder()
    fd, copy = tempfile.mkstemp(prefix=PREFIX, dir=folder)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH)
        with path.open("rb") as source, open(fd, "wb", closefd=False) as file:
            shutil.copyfileobj(source, file, AT_ONCE)
        memory = _map(fd)
        check(memory)
        place = Path(copy) if folder is None else folder / digest
        if folder is not None and (shared := _shared(copy, place)) is not None:
            os.close(fd)
            return shared
    except BaseException:
        os.close(fd)
        raise
    finally:
        with suppress(OSError):
            os.unlink(copy)  # noqa: PTH108 - a str
    weakref.finalize(memory, _release, fd, place)
    return memory


def _folder() -> Path | None:
    """Return the folder for copies; None where it is not this user's alone."""
    user = os.geteuid()
    folder = Path(tempfile.gettempdir(), f"{PREFIX}{user}")
    with suppress(FileExistsError):
        folder.mkdir(0o700)
    found = folder.lstat()
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == user and not found.st_mode & 0o077
    return folder if is_ours else None


def _shared(copy: str, place: Path) -> mmap.mmap | None:
    """Give `copy` the name `place`, or return a map of what another process has put there.

    Where neither can be, the copy is for this process alone; nothing is wrong with that.
    """
    for each in place.parent.iterdir():
        with suppress(OSError):
            _release(_opened(each), each)
    try:
        os.link(copy, place)
    except FileExistsError:
        return _found(place)
    except OSError:
        pass
    return None


def _found(place: Path) -> mmap.mmap | None:
    """Return a map of the copy at `place`, which its maker has checked; None where it is gone."""
    try:
        fd = _opened(place)
    except OSError:
        return None
    if not _has_lock(fd, fcntl.LOCK_SH) or os.fstat(fd).st_nlink == 0:
        os.close(fd)
        return None
    memory = _map(fd)
    weakref.finalize(memory, _release, fd, place)
    return memory


def _release(fd: int, place: Path) -> None:
    """Close the copy at `place`, and remove it where nobody else uses it."""
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
