"""Scanning one thing: what is known already is not scanned again."""

from collections.abc import AsyncIterable
from contextlib import suppress
from typing import Final

from zcadapt import Hashed
from zcadapt_clamav.budget import Budget
from zcadapt_clamav.clamd import Clamd, Stream
from zcadapt_clamav.contents import beginning
from zcadapt_clamav.database import Database, Version
from zcadapt_clamav.incoming import Incoming, PausedError
from zcadapt_clamav.troubles import LostError
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

    Who has a connection does not wait for the client for more than PAUSE; then
    it is for others, who wait their turn for it. When much more of the body is
    there the message is begun anew, but nothing in it is scanned twice.

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

    async def scan(
        self,
        pieces: AsyncIterable[bytes],
        body: Incoming,
        budget: Budget,
        seen: dict[bytes, str],
    ) -> str:
        """Return the name of what is found in `pieces`; empty: nothing is.

        Args:
            pieces: what is to be scanned.
            body: that of the message, of which they are made.
            budget: the time that clamd may take for the message.
            seen: what was found in the same message before, under its digest;
                it is added to.

        Raises:
            NotScannedError: it could not be scanned.
            PausedError: the client is slow: more of the body should be there first.
            Exception: what reading it raises.
        """
        hashed = Hashed(pieces)
        rest = aiter(hashed)
        begin, is_whole = await beginning(rest, SMALL)
        if is_whole:
            if not begin:
                return ""
            if (known := await self._look(hashed, self._database.last, seen)) is not None:
                return known
        async with self._clamd.stream(budget) as stream:
            version = self._database.at(stream.place)
            await stream.send(begin)
            if not is_whole:
                with body.hurried():
                    await _send(rest, stream)
                if (known := await self._look(hashed, version, seen)) is not None:
                    return known
            threat = await stream.verdict()
        self.scanned += 1
        seen[hashed.digest()] = threat
        if version == self._database.at(stream.place):
            briefly = not version.is_telling
            self._verdicts.put(hashed.digest(), version.key, threat, briefly=briefly)
        return threat

    async def _look(self, hashed: Hashed, version: Version, seen: dict[bytes, str]) -> str | None:
        digest = hashed.digest()
        known = seen.get(digest)
        if known is None:
            known = await self._verdicts.get(digest, version.key)
        if known is not None:
            self.known += 1
        return known


async def _send(pieces: AsyncIterable[bytes], stream: Stream) -> None:
    try:
        async for piece in pieces:
            await stream.send(piece)
    except PausedError:
        with suppress(LostError):  # of no use any more in any case
            await stream.check()  # what is too large already need not come any further
        raise
