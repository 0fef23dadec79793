"""What may happen 100,000 times a second and should be logged a few times an hour."""

from collections.abc import Callable
from time import monotonic
from typing import Final

__all__ = ["Seldom"]

INTERVAL: Final = 60.0


class Seldom:
    """Says when it is time to log again: at once, then after `interval` seconds."""

    __slots__ = ("_clock", "_interval", "_next")

    def __init__(self, interval: float = INTERVAL, clock: Callable[[], float] = monotonic) -> None:
        self._interval = interval
        self._clock = clock
        self._next = float("-inf")

    def due(self) -> bool:
        """Return whether to log now; then not again for a while."""
        now = self._clock()
        if now < self._next:
            return False
        self._next = now + self._interval
        return True
