"""A function that is called again and again in a thread, while nobody waits for it.

A policy is asked in the event loop and may look at no file and wait for nobody.
It asks a `Sampled` for what its function has returned last.
"""

import logging
import threading
import weakref
from collections.abc import Callable
from os import getpid
from time import monotonic
from typing import Final, Generic, TypeVar

__all__ = ["Sampled"]

log = logging.getLogger(__name__)

T = TypeVar("T")

#: For how many intervals a value counts; then whoever should have renewed it hangs.
STALE: Final = 10
#: The fewest seconds that a value counts, however short the interval.
LEAST_STALE: Final = 5.0


class Sampled(Generic[T]):
    """Calls `function` every `interval` seconds, from the first question on.

    So that a policy which is made to be checked starts no thread, and one that
    is made before its process forks has a thread in each. The thread ends when
    nobody has the object any more.
    """

    def __init__(self, name: str, function: Callable[[], T], interval: float) -> None:
        self._name = name
        self._function = function
        self._interval = interval
        self._lasts = max(STALE * interval, LEAST_STALE)
        self._latest: tuple[float, T] | None = None
        self._told: str | None = None
        self._ended = threading.Event()
        self._process: int | None = None  # the one that the thread is in
        weakref.finalize(self, self._ended.set)

    def latest(self) -> T | None:
        """Return what the function has returned last.

        ``None`` where it has not returned anything yet, has failed, or takes
        much longer than the interval.
        """
        if self._process != getpid():
            self._start()
        latest = self._latest
        if latest is None:
            return None
        if monotonic() - latest[0] > self._lasts:
            self._tell("it takes too long")
            return None
        return latest[1]

    def sample(self) -> None:
        """Call the function once, here, and keep what it returns."""
        try:
            self._latest = (monotonic(), self._function())
            self._told = None
        except BaseException as error:  # noqa: BLE001 - it may be anybody's code, and goes on
            self._latest = None
            self._tell(f"{type(error).__name__}: {error}")

    def _tell(self, why: str) -> None:
        if why != self._told:  # as long as it is the same, once is enough
            self._told = why
            log.warning("%s: %s; it has no say", self._name, why)

    def _start(self) -> None:
        self._process = getpid()
        args = (weakref.ref(self), self._ended, self._interval)
        name = f"zcadapt-partition {self._name}"
        threading.Thread(target=_run, args=args, name=name, daemon=True).start()


def _run(ref: "weakref.ref[Sampled[T]]", ended: threading.Event, interval: float) -> None:
    while (sampled := ref()) is not None:
        sampled.sample()
        del sampled
        if ended.wait(interval):
            return
