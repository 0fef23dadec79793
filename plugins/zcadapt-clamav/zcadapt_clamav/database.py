"""The version of clamd's database, of which verdicts and the ISTag depend."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from zcadapt_clamav.protocol import VERSION, is_version

__all__ = ["Database"]


class Database:
    """The version as it was last seen; looked at now and then, while somebody is interested.

    Attributes:
        version: empty as long as it has never been seen.
    """

    def __init__(
        self,
        ask: Callable[[bytes], Awaitable[str]],
        interval: float,
        seen: str,
        tell: Callable[[str], None],
    ) -> None:
        self.version = seen
        self._ask = ask
        self._interval = interval
        self._tell = tell
        self._next = 0.0
        self._task: asyncio.Task[None] | None = None

    def look(self) -> None:
        """See that it is looked at again, if it is time; this does not wait."""
        now = time.monotonic()
        if now < self._next or (self._task is not None and not self._task.done()):
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._next = now + self._interval
        self._task = loop.create_task(self._poll())

    async def _poll(self) -> None:
        reply = await self._ask(VERSION)
        if is_version(reply) and reply != self.version:
            self.version = reply
            self._tell(reply)
