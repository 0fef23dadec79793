"""SIGTERM and SIGINT: the first asks the server to end, the second ends it; SIGHUP does nothing."""

import asyncio
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from zcadapt.runtime.exits import Exit

__all__ = ["Stop", "stop_signals"]

log = logging.getLogger(__name__)

STOP: Final = (signal.SIGTERM, signal.SIGINT)

#: Seconds that the event loop has at least to notice, however small the grace.
LEAST: Final = 1.0


class Stop:
    """Whether the server was told to end.

    Attributes:
        asked: is set when it was.
        reason: the name of the signal that told it.
    """

    def __init__(self) -> None:
        self.asked: Final = asyncio.Event()
        self.reason = ""
        self._before: tuple[Any, tuple[float, float]] | None = None

    def allow(self, seconds: float) -> None:
        """Let what comes next take so many seconds; then end the process, whatever blocks it.

        An alarm does that: neither the event loop nor a lock has to be free.
        """
        if self._before is None:
            handler = signal.signal(signal.SIGALRM, _overdue)
            self._before = handler, signal.setitimer(signal.ITIMER_REAL, seconds)
        else:
            signal.setitimer(signal.ITIMER_REAL, seconds)

    def restore(self) -> None:
        """Let everything take its time again, and the alarm be as before."""
        if self._before is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            handler, timer = self._before
            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, *timer)


@contextmanager
def stop_signals(grace: float) -> Iterator[Stop]:
    """Give what is set by the first SIGTERM or SIGINT.

    From then on both have their default action, which ends the process: for a
    server that hangs while it ends. Where a plugin blocks the event loop, so
    that it does not notice within `grace` seconds, the process ends too.
    SIGHUP, which asks other servers to read their settings again, is answered
    with a line in the log. Needs the main thread and a running loop.
    """
    loop = asyncio.get_running_loop()
    stop = Stop()

    def asked(number: int, _frame: FrameType | None) -> None:
        for each in STOP:
            signal.signal(each, signal.SIG_DFL)
        stop.reason = signal.Signals(number).name
        stop.allow(max(grace, LEAST))
        loop.call_soon_threadsafe(stop.asked.set)

    def unheeded(_number: int, _frame: FrameType | None) -> None:
        what = "SIGHUP is ignored: settings are read at start: restart to take them up"
        loop.call_soon_threadsafe(log.warning, what)

    before = {each: signal.signal(each, asked) for each in STOP}
    before[signal.SIGHUP] = signal.signal(signal.SIGHUP, unheeded)
    try:
        yield stop
    finally:
        stop.restore()
        for each, handler in before.items():
            signal.signal(each, handler)


def _overdue(_number: int, frame: FrameType | None) -> None:
    """End the process from here: nothing else can be counted on."""
    try:
        where = f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else "the system"
        log.error("the server ends at once: it has had its time, and is still at %s", where)
        logging.shutdown()
    finally:
        os._exit(Exit.OK)
