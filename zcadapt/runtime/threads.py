"""The threads in which `zcadapt.blocking` runs code that may block, or hang."""

import logging
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

__all__ = ["Threads", "leave"]


class Threads(ThreadPoolExecutor):
    """A pool that nobody waits for in the end: what hangs in it has had its time."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 - as inherited
        """Take no more work, and drop what has not begun."""
        super().shutdown(wait=False, cancel_futures=True)


def leave(code: int) -> NoReturn:
    """End the process with `code`, whatever threads still run.

    Python itself would wait for them without a bound.
    """
    here = threading.current_thread()
    if all(each is here or each.daemon for each in threading.enumerate()):
        raise SystemExit(code)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
