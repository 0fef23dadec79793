"""SIGTERM and SIGINT: the first asks the server to end, the second ends it."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

__all__ = ["stop_signals"]

STOP: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """Give an event that is set by the first SIGTERM or SIGINT.

    From then on both have their default action, which ends the process: for a
    server that hangs while it ends. Needs the main thread and a running loop.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def asked(_number: int, _frame: FrameType | None) -> None:
        for each in STOP:
            signal.signal(each, signal.SIG_DFL)
        loop.call_soon_threadsafe(stop.set)

    before = {each: signal.signal(each, asked) for each in STOP}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
