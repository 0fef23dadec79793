"""Threads that hang do not keep the server from ending."""

import logging
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NoReturn

from zcadapt.threads import busy

__all__ = ["Executor", "leave"]

NAME: Final = "zcadapt-executor"


class Executor(ThreadPoolExecutor):
    """The loop's own threads, for plugins that say `asyncio.to_thread`.

    Nobody waits for them in the end: what hangs there has had its time.
    """

    def __init__(self, most: int) -> None:
        super().__init__(most, NAME)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 - as inherited
        """Take no more work, and drop what has not begun."""
        super().shutdown(wait=False, cancel_futures=True)


def leave(code: int) -> NoReturn:
    """End the process with `code`, whatever our threads still do.

    Python itself would wait for those of the executor without a bound.
    """
    if not busy() and not any(each.name.startswith(NAME) for each in threading.enumerate()):
        raise SystemExit(code)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
