"""The threads in which `zcadapt.blocking` runs code that may block, or hang."""

import logging
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NoReturn

__all__ = ["Threads", "leave"]


NAME: Final = "zcadapt-blocking"


class Threads(ThreadPoolExecutor):
    """A pool that nobody waits for in the end: what hangs in it has had its time."""

    def __init__(self, most: int) -> None:
        super().__init__(most, NAME)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 - as inherited
        """Take no more work, and drop what has not begun."""
        super().shutdown(wait=False, cancel_futures=True)


def leave(code: int) -> NoReturn:
    """End the process with `code`, whatever our threads still do.

    Python itself would wait for them without a bound.
    """
    if not any(each.name.startswith(NAME) for each in threading.enumerate()):
        raise SystemExit(code)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
