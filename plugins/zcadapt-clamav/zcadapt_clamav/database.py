"""The version of clamd's database, of which verdicts and the ISTag depend."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from zcadapt_clamav.protocol import VERSION, is_version, tells_of_signatures
from zcadapt_clamav.signatures import Signatures, signatures_in

__all__ = ["UNKNOWN", "Database", "Version"]

log = logging.getLogger("zcadapt_clamav")

#: Seconds in which clamd has loaded what is new in its folder: it looks there every 600.
LOADING: Final = 900.0


class Version(NamedTuple):
    """The version of one clamd's database.

    Attributes:
        text: which differs where the signatures do.
        place: where this clamd listens.
        is_telling: whether it would be another one if clamd knew more, or less.
    """

    text: str
    place: str
    is_telling: bool

    @property
    def key(self) -> str:
        """What verdicts are remembered under: each clamd has its own; empty: none are."""
        return self.text and f"{self.text} {self.place}"


UNKNOWN: Final = Version("", "", is_telling=False)


class Database:
    """The versions as they were last seen; looked at now and then, while somebody is interested.

    Attributes:
        last: that of the one that has answered last, since this start.

    Args:
        ask: returns who answers a command, and the answer.
        interval: seconds between two looks.
        seen: the version that was seen before this start.
        tell: is called with each new one.
        folder: where the signatures are, if that is known.
    """

    def __init__(
        self,
        ask: Callable[[bytes], Awaitable[tuple[str, str]]],
        interval: float,
        seen: str,
        tell: Callable[[str], None],
        folder: str = "",
    ) -> None:
        self._text = seen
        self._ask = ask
        self._interval = interval
        self._tell = tell
        self._folder = folder
        self._is_readable = True
        self.last = UNKNOWN
        self._versions: dict[str, Version] = {}
        self._next = 0.0
        self._task: asyncio.Task[None] | None = None

    @property
    def version(self) -> str:
        """That of the one that answered last, or before this start; empty: none ever has."""
        return self._text

    def at(self, place: str) -> Version:
        """Return the version of the clamd at `place`."""
        return self._versions.get(place, UNKNOWN)

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
        place, reply = await self._ask(VERSION)
        if not is_version(reply):
            return
        signatures = await self._signatures()
        if signatures is None:
            text, is_telling = reply, tells_of_signatures(reply)
        else:
            text = f"{reply} {signatures.digest}"
            is_telling = time.time() - signatures.changed > LOADING
        self.last = self._versions[place] = Version(text, place, is_telling)
        if text != self._text:
            self._text = text
            self._tell(text)

    async def _signatures(self) -> Signatures | None:
        if not self._folder:
            return None
        try:
            found = await asyncio.to_thread(signatures_in, self._folder)
        except OSError as error:
            if self._is_readable:
                log.warning("signatures cannot be looked at: %s", error)
            self._is_readable = False
            return None
        self._is_readable = True
        return found
