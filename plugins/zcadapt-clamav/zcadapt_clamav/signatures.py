"""The files of clamd's database: whether one of them has changed."""

import hashlib
import os
import stat
from itertools import islice
from typing import Final, NamedTuple

__all__ = ["Signatures", "signatures_in"]

#: How many files are looked at; nobody has so many.
MOST: Final = 10_000
#: How freshclam notes what it does; clamd does not load it.
NOTES: Final = ".dat"


class Signatures(NamedTuple):
    """A state of the folder.

    Attributes:
        digest: of the files' names, sizes and times.
        changed: when it last changed, Unix time.
    """

    digest: str
    changed: float


def signatures_in(folder: str) -> Signatures:
    """Look at a folder; this blocks.

    Raises:
        OSError: it cannot be read.
    """
    changed = os.stat(folder).st_ctime  # noqa: PTH116 - as below
    files = []
    with os.scandir(folder) as entries:
        for entry in islice(entries, MOST):
            try:
                status = entry.stat()
            except FileNotFoundError:  # it was there for a moment
                continue
            if stat.S_ISREG(status.st_mode) and not entry.name.endswith(NOTES):
                files.append((entry.name, status.st_size, status.st_mtime_ns))
                changed = max(changed, status.st_ctime)
    return Signatures(hashlib.sha256(repr(sorted(files)).encode()).hexdigest()[:16], changed)
