"""The files of the process: how many it may have open, and the three it begins with."""

import os
import resource
import sys

__all__ = ["fill_standard_files", "raise_open_files"]


def raise_open_files() -> int:
    """Raise the soft limit to the hard one as far as the system lets us; return the limit.

    Each client is one file, and may need a second.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError):  # some systems promise more than they give
            return soft
    return hard


def fill_standard_files() -> None:
    """Open what of standard input, output and error is closed, to nowhere.

    Otherwise the next socket would have its number, and be written to by
    whatever prints.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # has the lowest number that is free: this one
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)
