"""clamd, whether it is there or not: who may ask it, for how long, and when to give up."""

import asyncio
import logging
import time
from asyncio import AbstractEventLoop, Semaphore
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakKeyDictionary

from zcadapt_clamav import protocol
from zcadapt_clamav.budget import Budget
from zcadapt_clamav.connection import Connection, connect
from zcadapt_clamav.settings import ClamAVSettings, where
from zcadapt_clamav.troubles import NotScannedError, Trouble

__all__ = ["Clamd", "Stream"]

log = logging.getLogger("zcadapt_clamav")

#: Seconds between two tries to reach one that is away.
RETRY: Final = 0.1
#: Seconds for which nobody tries, once patience is at its end.
REST: Final = 1.0
#: Seconds that an answer to PING or VERSION may take.
AT_ONCE: Final = 1.0


class Clamd:
    """The way to one of several clamds: the first that can be reached.

    Attributes:
        places: where they listen.
    """

    def __init__(self, places: Sequence[str], settings: ClamAVSettings) -> None:
        self.places = tuple(places)
        self._addresses = tuple(map(where, places))
        self._settings = settings
        self._free: WeakKeyDictionary[AbstractEventLoop, Semaphore] = WeakKeyDictionary()
        self._away_since: float | None = None
        self._rests_until = 0.0

    @asynccontextmanager
    async def stream(self, budget: Budget) -> AsyncIterator["Stream"]:
        """Begin to scan a body.

        Raises:
            NotScannedError: there is no connection in time.
        """
        loop = asyncio.get_running_loop()
        free = self._free.setdefault(loop, Semaphore(self._settings.connections))
        try:
            async with budget.spend(self._settings.queue_timeout):
                await free.acquire()
        except TimeoutError as error:
            if self._away_since is not None:  # those before us wait for it in vain
                raise NotScannedError(Trouble.DOWN, self._text()) from error
            text = f"all {self._settings.connections} connections to clamd are in use"
            raise await self.overdue(text) from error
        try:
            with await self._reach(budget) as connection:
                yield Stream(self, connection, budget)
        finally:
            free.release()

    async def ask(self, command: bytes) -> str:
        """Return the answer to a short command; empty: there is none at once."""
        for address in self._addresses:
            try:
                async with asyncio.timeout(AT_ONCE):
                    with await connect(address) as connection:
                        if await connection.send(command) and (reply := await connection.reply()):
                            return reply
            except OSError:  # TimeoutError is one
                continue
        return ""

    async def _reach(self, budget: Budget) -> Connection:
        """Return a connection; one that is away for a moment is waited for."""
        while True:
            now = time.monotonic()
            if now < self._rests_until:
                raise NotScannedError(Trouble.DOWN, self._text())
            try:
                return await self._connect(budget)
            except OSError as error:
                now = time.monotonic()
                if self._away_since is None:
                    self._away_since = now
                    log.warning("clamd cannot be reached: %s (%s)", ", ".join(self.places), error)
                if now - self._away_since >= self._settings.patience or budget.left <= 0:
                    self._rests_until = now + REST
                    raise NotScannedError(Trouble.DOWN, self._text()) from error
                async with budget.spend():
                    await asyncio.sleep(min(RETRY, budget.left / 2))

    async def _connect(self, budget: Budget) -> Connection:
        failed: OSError = ConnectionRefusedError("no socket is known")
        for address in self._addresses:
            try:
                async with budget.spend(self._settings.connect_timeout):
                    connection = await connect(address)
            except OSError as error:
                failed = error
                continue
            if self._away_since is not None:
                self._away_since = None
                log.warning("clamd can be reached again: %s", ", ".join(self.places))
            return connection
        raise failed

    def _text(self) -> str:
        return f"clamd cannot be reached: {', '.join(self.places)}"

    async def overdue(self, text: str = "clamd has not answered in time") -> NotScannedError:
        """Return what it means that this took too long."""
        if await self.ask(protocol.PING) == protocol.PONG:
            return NotScannedError(Trouble.SLOW, text)
        return NotScannedError(Trouble.RELOADING, "clamd answers nobody: it loads its database")


class Stream:
    """A body on its way to clamd, which begins to scan when all of it is there."""

    def __init__(self, clamd: Clamd, connection: Connection, budget: Budget) -> None:
        self._clamd = clamd
        self._connection = connection
        self._budget = budget
        self._unsent = protocol.INSTREAM

    async def send(self, piece: bytes) -> None:
        """Send a piece of the body.

        Raises:
            NotScannedError: clamd does not want it.
        """
        if piece:
            await self._send(self._unsent + protocol.chunk(piece))
            self._unsent = b""

    async def verdict(self) -> str:
        """Return the name of what was found in the whole body; empty: nothing was.

        Raises:
            NotScannedError: it was not scanned.
        """
        await self._send(self._unsent + protocol.END)
        return protocol.threat(await self._reply())

    async def _send(self, data: bytes) -> None:
        try:
            async with self._budget.spend():
                sent = await self._connection.send(data)
        except TimeoutError as error:
            raise await self._clamd.overdue() from error
        if not sent:
            protocol.threat(await self._reply())  # which tells why, and raises
            raise NotScannedError(Trouble.DOWN, "clamd answered before it had all of the body")

    async def _reply(self) -> str:
        try:
            async with self._budget.spend():
                return await self._connection.reply()
        except TimeoutError as error:
            raise await self._clamd.overdue() from error
