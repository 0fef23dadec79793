"""A body that consists of several, one after the other."""

from collections.abc import AsyncIterator
from typing import Self

__all__ = ["Event", "Section"]

#: A section begins (its head), goes on (bytes), is over (None).
Event = object


class Section:
    """One of several bodies in another: an asynchronous iterator over its pieces.

    It is to be read before the next one is asked for; what was not read then
    is gone.
    """

    def __init__(self, events: AsyncIterator[Event]) -> None:
        self._events = events
        self._is_over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece."""
        event = None if self._is_over else await anext(self._events, None)
        if isinstance(event, bytes):
            return event
        self._is_over = True
        raise StopAsyncIteration

    async def skip(self) -> None:
        """Read it to its end."""
        async for _ in self:
            pass
