"""clamd, whether it is there or not: who may ask it, for how long, and when to give up."""

import asyncio
import logging
import time
from asyncio import AbstractEventLoop, Semaphore
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, NoReturn
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
        was_reached: whether one of them has ever been reached.
        refused: of how many bytes that was which one of them last called too
            large, when it had said so; 0: none has.
    """

    def __init__(self, places: Sequence[str], settings: ClamAVSettings) -> None:
        self.places = tuple(places)
        self.was_reached = False
        self.refused = 0
        self._addresses = {place: where(place) for place in places}
        self._settings = settings
        self._free: WeakKeyDictionary[AbstractEventLoop, Semaphore] = WeakKeyDictionary()
        self._away_since: float | None = None
        self._rests_until = 0.0

    @asynccontextmanager
    async def stream(self, budget: Budget) -> AsyncIterator["Stream"]:
        """Begin to scan a body, when it is its turn, whether or not all of it is there.

        Args:
            budget: the time that this may take.

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
            place, connection = await self._reach(budget)
            with connection:
                yield Stream(self, place, connection, budget)
        finally:
            free.release()

    async def ask(self, command: bytes) -> tuple[str, str]:
        """Return who is the first to answer a short command, and the answer; empty: nobody is."""
        for place in self.places:
            with suppress(OSError):
                if reply := await self._ask(place, command):
                    return place, reply
        return "", ""

    async def missing(self, places: Iterable[str]) -> list[str]:
        """Return those of `places` where no clamd answers at once, and what happens there."""
        each = list(places)
        told = await asyncio.gather(*map(self._trouble_at, each))
        return [f"{place} ({why})" for place, why in zip(each, told, strict=True) if why]

    async def _trouble_at(self, place: str) -> str:
        try:
            reply = await self._ask(place, protocol.PING)
        except OSError as error:
            return str(error) or "it does not answer"  # a TimeoutError has no text
        return "" if reply == protocol.PONG else f"it is no clamd: {reply!r:.80}"

    async def _ask(self, place: str, command: bytes) -> str:
        async with asyncio.timeout(AT_ONCE):
            with await connect(self._addresses[place]) as connection:
                self.was_reached = True
                return await connection.reply() if await connection.send(command) else ""

    async def _reach(self, budget: Budget) -> tuple[str, Connection]:
        """Return a place and a connection to it; who is away for a moment is waited for."""
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

    async def _connect(self, budget: Budget) -> tuple[str, Connection]:
        failed: OSError = ConnectionRefusedError("no socket is known")
        for place, address in self._addresses.items():
            try:
                async with budget.spend(self._settings.connect_timeout):
                    connection = await connect(address)
            except OSError as error:
                failed = error
                continue
            self.was_reached = True
            if self._away_since is not None:
                self._away_since = None
                log.warning("clamd can be reached again: %s", ", ".join(self.places))
            return place, connection
        raise failed

    def _text(self) -> str:
        return f"clamd cannot be reached: {', '.join(self.places)}"

    async def overdue(self, text: str = "clamd has not answered in time") -> NotScannedError:
        """Return what it means that this took too long."""
        _, reply = await self.ask(protocol.PING)
        if reply == protocol.PONG:
            return NotScannedError(Trouble.SLOW, text)
        return NotScannedError(Trouble.RELOADING, "clamd answers nobody: it loads its database")


class Stream:
    """A body on its way to clamd, which begins to scan when all of it is there.

    Attributes:
        place: where this clamd listens.
    """

    def __init__(self, clamd: Clamd, place: str, connection: Connection, budget: Budget) -> None:
        self.place = place
        self._clamd = clamd
        self._connection = connection
        self._budget = budget
        self._unsent = protocol.INSTREAM
        self._size = 0

    async def send(self, piece: bytes) -> None:
        """Send a piece of the body.

        Raises:
            NotScannedError: clamd does not want it.
        """
        if piece:
            self._size += len(piece)
            await self._send(self._unsent + protocol.chunk(piece))
            self._unsent = b""

    async def check(self) -> None:
        """See whether clamd has had enough already; this does not wait.

        Raises:
            NotScannedError: it does not want the rest.
        """
        if self._connection.is_answered():
            await self._refusal()

    async def verdict(self) -> str:
        """Return the name of what was found in the whole body; empty: nothing was.

        Raises:
            NotScannedError: it was not scanned.
        """
        await self._send(self._unsent + protocol.END)
        return await self._threat()

    async def _send(self, data: bytes) -> None:
        try:
            async with self._budget.spend():
                sent = await self._connection.send(data)
        except TimeoutError as error:
            raise await self._clamd.overdue() from error
        if not sent:
            await self._refusal()

    async def _refusal(self) -> NoReturn:
        await self._threat()  # which tells why, and raises
        raise NotScannedError(Trouble.DOWN, "clamd answered before it had all of the body")

    async def _threat(self) -> str:
        try:
            return protocol.threat(await self._reply())
        except NotScannedError as error:
            if error.trouble is Trouble.TOO_LARGE:
                self._clamd.refused = self._size
            raise

    async def _reply(self) -> str:
        try:
            async with self._budget.spend():
                return await self._connection.reply()
        except TimeoutError as error:
            raise await self._clamd.overdue() from error
