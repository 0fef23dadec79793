"""A time limit that can stand still."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["CancelledItselfError", "Clock"]


class CancelledItselfError(RuntimeError):
    """A service ended with CancelledError though nobody had cancelled it."""


class Clock:
    """A time limit that stands still while somebody waits for the client."""

    __slots__ = ("_left", "_timeout", "_waiting")

    def __init__(self) -> None:
        self._timeout: asyncio.Timeout | None = None
        self._left: float | None = None  # seconds, while the clock stands still
        self._waiting = 0

    @asynccontextmanager
    async def limit(self, seconds: float | None) -> AsyncIterator[None]:
        """Limit the time spent inside.

        Raises:
            TimeoutError: it is over.
            CancelledItselfError: what is awaited inside was cancelled from within.
        """
        try:
            async with asyncio.timeout(seconds) as self._timeout:
                self._left = None
                if self._waiting:
                    self._halt()
                yield
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Nobody cancels this task: what is awaited in it was, by its own doing.
            raise CancelledItselfError("it was cancelled, and not by the server") from error
        finally:
            self._timeout = None

    def overdue(self, now: float) -> float:
        """Return for how many seconds, at `now`, that inside goes on though its time is over."""
        timeout = self._timeout
        if timeout is None or not timeout.expired() or (when := timeout.when()) is None:
            return 0.0
        return now - when

    def stop(self) -> None:
        """Stand still; this may be said several times."""
        self._waiting += 1
        if self._waiting == 1:
            self._halt()

    def go_on(self) -> None:
        """Go on, when this has been said as often as `stop`."""
        self._waiting -= 1
        left, timeout = self._left, self._timeout
        if not self._waiting and left is not None and timeout is not None:
            self._left = None
            timeout.reschedule(asyncio.get_running_loop().time() + left)

    def _halt(self) -> None:
        timeout = self._timeout
        if timeout is not None and not timeout.expired() and (when := timeout.when()) is not None:
            self._left = when - asyncio.get_running_loop().time()
            timeout.reschedule(None)
