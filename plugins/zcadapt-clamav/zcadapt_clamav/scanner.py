"""Scanning one thing: what is known already is not scanned again."""

from collections.abc import AsyncIterable
from typing import Final

from zcadapt import Hashed
from zcadapt_clamav.budget import Budget
from zcadapt_clamav.clamd import Clamd
from zcadapt_clamav.contents import beginning
from zcadapt_clamav.database import Database
from zcadapt_clamav.incoming import Incoming
from zcadapt_clamav.verdicts import Verdicts

__all__ = ["Scanner"]

#: What is no larger is looked up before clamd is asked at all.
SMALL: Final = 64 * 1024


class Scanner:
    """Scans, and remembers.

    The digest of a body is known only when all of it has come. A small one
    can be waited for, and looked up first. A larger one goes to clamd as it
    comes; but clamd does not begin to scan before the end, and transfer is
    cheap. So the look-up comes right before the end: if the verdict is known
    the end is never sent, and clamd is spared the scan.

    Attributes:
        scanned: how many things clamd has looked at.
        known: how many it was spared.
    """

    def __init__(self, clamd: Clamd, verdicts: Verdicts, database: Database) -> None:
        self._clamd = clamd
        self._verdicts = verdicts
        self._database = database
        self.scanned = 0
        self.known = 0

    async def scan(self, pieces: AsyncIterable[bytes], body: Incoming, budget: Budget) -> str:
        """Return the name of what is found in `pieces`, made of `body`; empty: nothing is.

        Raises:
            NotScannedError: it could not be scanned.
            PausedError: it could not yet: more of the body should be there first.
            Exception: what reading it raises.
        """
        hashed = Hashed(pieces)
        rest = aiter(hashed)
        begin, is_whole = await beginning(rest, SMALL)
        if is_whole:
            if not begin:
                return ""
            if (known := await self._look(hashed, self._database.version)) is not None:
                return known
        may_wait = is_whole or body.is_complete
        async with self._clamd.stream(budget, may_wait=may_wait) as stream:
            version = self._database.at(stream.place)
            await stream.send(begin)
            if not is_whole:
                with body.hurried():
                    async for piece in rest:
                        await stream.send(piece)
                if (known := await self._look(hashed, version.text)) is not None:
                    return known
            threat = await stream.verdict()
        self.scanned += 1
        if version == self._database.at(stream.place):
            briefly = not threat and not version.is_telling
            self._verdicts.put(hashed.digest(), version.text, threat, briefly=briefly)
        return threat

    async def _look(self, hashed: Hashed, version: str) -> str | None:
        known = await self._verdicts.get(hashed.digest(), version)
        if known is not None:
            self.known += 1
        return known
