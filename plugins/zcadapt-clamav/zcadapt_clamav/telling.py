"""Log lines that do not become a flood."""

import logging
import time
from typing import Final

from zcadapt import Request
from zcadapt_clamav.troubles import NotScannedError, Trouble

__all__ = ["Teller"]

log = logging.getLogger("zcadapt_clamav")

#: Seconds between two lines about the same trouble.
EVERY: Final = 1.0


class Teller:
    """Tells of each kind of trouble once a second, and how much more there was of it."""

    def __init__(self) -> None:
        self._next: dict[Trouble, float] = {}
        self._untold: dict[Trouble, int] = {}
        self._told: set[str] = set()

    def once(self, text: str, *values: object) -> None:
        """Log a warning, if it is the first time."""
        if text not in self._told:
            self._told.add(text)
            log.warning(text, *values)

    def trouble(self, request: Request, error: NotScannedError, done: str) -> None:
        """Log that a message could not be scanned, and what was `done` about it."""
        trouble, now = error.trouble, time.monotonic()
        if now < self._next.get(trouble, 0.0):
            self._untold[trouble] = self._untold.get(trouble, 0) + 1
            return
        self._next[trouble] = now + EVERY
        more = self._untold.pop(trouble, 0)
        text = f" ({more} more of the kind before)" if more else ""
        log.warning("%s: %r: %s; it is %s%s", trouble, request, error, done, text)
