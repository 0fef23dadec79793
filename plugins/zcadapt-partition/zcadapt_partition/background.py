"""A function that is called again and again in a thread, while nobody waits for it.

A policy is asked in the event loop and may look at no file and wait for nobody.
It asks a `Sampled` for what its function has returned last.
"""

import asyncio
import logging
import threading
import weakref
from collections.abc import Callable
from os import getpid
from time import monotonic
from typing import Final, Generic, TypeVar

from zcadapt_partition.forking import new_lock

__all__ = ["Sampled"]

log = logging.getLogger(__name__)

T = TypeVar("T")

#: For how many intervals a value counts; then whoever should have renewed it hangs.
STALE: Final = 10
#: The fewest seconds that a value counts, however short the interval.
LEAST_STALE: Final = 5.0

#: Seconds that `Sampled.first` waits. Then whoever has been called first hangs; Squid waits two.
PATIENCE: Final = 0.5
#: Seconds between two looks of `Sampled.first` whether there is something by now.
SHORTLY: Final = 0.01

_starting: Final = new_lock()


class Sampled(Generic[T]):
    """Calls `function` every `interval` seconds, from the first question on.

    So that a policy which is made to be checked starts no thread, and one that
    is made before its process forks has a thread in each. The thread ends when
    nobody has the object any more.

    Attributes:
        begins: whether the first call of this process is still to return.
    """

    def __init__(self, name: str, function: Callable[[], T], interval: float) -> None:
        self._name = name
        self._function = function
        self._interval = interval
        self._lasts = max(STALE * interval, LEAST_STALE)
        self._latest: tuple[float, T] | None = None
        self._told: str | None = None
        self._process: int | None = None  # the one that the thread is in
        self._since = 0.0  # when that began
        self.begins = False

    def latest(self) -> T | None:
        """Return what the function has returned last.

        ``None`` where it has not returned anything yet, has failed, or takes
        much longer than the interval.
        """
        if self._process != getpid():
            with _starting:
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
        self.begins = False

    async def first(self) -> T | None:
        """Return the same when the function has been called once, or takes long to return."""
        while self.begins:
            await asyncio.sleep(SHORTLY)
            if monotonic() - self._since > PATIENCE:
                self.begins = False
        return self.latest()

    def _tell(self, why: str) -> None:
        if why != self._told:  # as long as it is the same, once is enough
            self._told = why
            log.warning("%s: %s; it has no say", self._name, why)

    def _start(self) -> None:
        if self._process == getpid():  # another thread was here before
            return
        ended = threading.Event()  # that of a parent may have been locked when it forked
        args = (weakref.ref(self), ended, self._interval)
        name = f"zcadapt-partition {self._name}"
        if self._process is not None:
            self._latest = None  # what the parent has seen nobody renews here
        self._since = monotonic()
        self.begins = self._latest is None
        try:
            threading.Thread(target=_run, args=args, name=name, daemon=True).start()
        except Exception as error:  # noqa: BLE001 - no room for a thread: the next question tries
            self.begins = False
            self._tell(f"{type(error).__name__}: {error}")
        else:
            self._process = getpid()
            weakref.finalize(self, ended.set)


def _run(ref: "weakref.ref[Sampled[T]]", ended: threading.Event, interval: float) -> None:
    while (sampled := ref()) is not None:
        sampled.sample()
        del sampled
        if ended.wait(interval):
            return
