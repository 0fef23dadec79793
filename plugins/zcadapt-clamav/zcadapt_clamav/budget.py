"""The seconds that clamd may take for one message, wherever it takes them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["Budget"]


class Budget:
    """A number of seconds that becomes smaller where it is spent, and only there."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    @asynccontextmanager
    async def spend(self, most: float | None = None) -> AsyncIterator[None]:
        """Take from it the time spent inside, which is no longer than `most`.

        Raises:
            TimeoutError: it is used up.
        """
        loop = asyncio.get_running_loop()
        begin = loop.time()
        try:
            async with asyncio.timeout(self.left if most is None else min(most, self.left)):
                yield
        finally:
            self.left = max(0.0, self.left - (loop.time() - begin))
