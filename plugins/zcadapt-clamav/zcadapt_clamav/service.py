"""The service: what is asked about each message."""

import logging
import os
import time
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Final

from zope.interface import implementer

from zcadapt import BodyError, Decision, Request, read_options
from zcadapt.interfaces import IICAPService
from zcadapt_clamav import protocol
from zcadapt_clamav.answers import Finding, allowed, blocked, infected
from zcadapt_clamav.budget import Budget
from zcadapt_clamav.clamd import Clamd
from zcadapt_clamav.contents import Described, Item, items
from zcadapt_clamav.database import Database
from zcadapt_clamav.scanner import Scanner
from zcadapt_clamav.settings import ClamAVSettings
from zcadapt_clamav.skipping import Skipping, described, length
from zcadapt_clamav.store import Store, default_path
from zcadapt_clamav.telling import Teller
from zcadapt_clamav.troubles import LostError, NotScannedError, Trouble
from zcadapt_clamav.verdicts import Verdicts

__all__ = ["ClamAV"]

log = logging.getLogger("zcadapt_clamav")

#: Where clamd listens as distributions set it up: Debian, Fedora, FreeBSD and Arch.
SOCKETS: Final = (
    "/run/clamav/clamd.ctl",
    "/run/clamd.scan/clamd.sock",
    "/var/run/clamav/clamd.sock",
)
#: Actions, the one that goes before the others first.
ACTIONS: Final = ("block", "error", "allow")
#: Seconds beyond all that is set, for what is done here.
SPARE: Final = 30.0


class _TooLongError(Exception):
    """A body is larger than what is scanned, by setting."""


class Report:
    """What came of one message."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.encrypted: list[Finding] = []
        self.troubles: dict[Trouble, NotScannedError] = {}

    def found(self, name: str, threat: str) -> None:
        """Take the name of what was found in a file."""
        finding = Finding(threat, name)
        trouble = protocol.trouble(threat)
        if trouble is None:
            self.findings.append(finding)
            return
        self.troubles.setdefault(trouble, NotScannedError(trouble, str(finding)))
        if trouble is Trouble.ENCRYPTED:
            self.encrypted.append(finding)

    def failed(self, error: NotScannedError) -> None:
        """Take that something could not be scanned."""
        self.troubles.setdefault(error.trouble, error)


@implementer(IICAPService)
class ClamAV:
    """Scans bodies with clamd.

    Attributes:
        counters: how often each outcome came about, by its name.
        scanner: which counts what was scanned, and what was known already.
    """

    methods = ("REQMOD", "RESPMOD")
    version = "0.1.0"

    def __init__(self, options: Mapping[str, object]) -> None:
        self.settings = settings = read_options(ClamAVSettings, options)
        self.counters: Counter[str] = Counter()
        self.preview = settings.preview
        self.timeout = settings.queue_timeout + settings.patience + settings.scan_timeout + SPARE
        self._clamd = Clamd(settings.clamd or SOCKETS, settings)
        self._verdicts = Verdicts(settings.remember, settings.remember_in_memory, _store(settings))
        seen = self._verdicts.seen()
        self._database = Database(
            self._clamd.ask, settings.version_interval, seen, self._verdicts.see
        )
        self.scanner = Scanner(self._clamd, self._verdicts, self._database)
        self._skipping = Skipping(settings)
        self._teller = Teller()
        self._looked = -1.0
        self._is_there = bool(settings.clamd)

    @property
    def state(self) -> str:
        """The version of clamd's database."""
        if self._has_clamd():
            self._database.look()
        return self._database.version

    def adapt(self, request: Request) -> Awaitable[Decision | None] | None:
        """Scan the body, if there is one that is to be scanned."""
        body = request.body
        if body.complete and not body.preview:
            return None
        if not self._has_clamd():
            return None
        if why := self._skipping.skips(request):
            self._count(f"skipped-{why}")
            return None
        self._database.look()
        return self._adapt(request)

    def _has_clamd(self) -> bool:
        """Whether one is configured, or a default socket is there; looked for once a second."""
        if self.settings.clamd:
            return True
        now = time.monotonic()
        if now - self._looked >= 1:
            self._looked = now
            is_there = any(map(os.path.exists, SOCKETS))
            if not is_there:
                self._tell_unconfigured()
            self._is_there = is_there
        return self._is_there

    def _tell_unconfigured(self) -> None:
        self._teller.once(
            "clamd is not configured and none of %s is there: nothing is scanned",
            ", ".join(SOCKETS),
        )

    async def _adapt(self, request: Request) -> Decision | None:
        budget = Budget(self.settings.scan_timeout)
        try:
            report = await self._scan(request, budget)
        except _TooLongError:
            self._count("skipped-size")
            return None
        if report.findings:
            self._count("infected")
            found = ", ".join(map(str, report.findings))
            log.warning("infected: %r: %s", request, found)
            return infected(request, report.findings)
        if not report.troubles:
            self._count("clean")
            return None
        return self._not_scanned(request, report)

    def _not_scanned(self, request: Request, report: Report) -> Decision | None:
        """Do what is set for what happened; of several things that which goes first."""
        for trouble in report.troubles:
            self._count(trouble.value)
        actions = {getattr(self.settings, each.setting): each for each in reversed(report.troubles)}
        action = next(each for each in ACTIONS if each in actions)
        trouble = actions[action]
        error = report.troubles[trouble]
        if trouble is Trouble.DOWN and not self.settings.clamd:
            self._tell_unconfigured()
            return None
        self._teller.trouble(request, error, _PAST[action])
        if action == "error":
            raise error
        if action == "allow":
            return allowed(trouble)
        return blocked(request, trouble, report.encrypted)

    async def _scan(self, request: Request, budget: Budget) -> Report:
        """Scan a message; once more where clamd was lost on the way."""
        body: AsyncIterable[bytes] = request.body
        if self.settings.skip_larger and length(request) is None:
            body = _Limited(request.body, self.settings.skip_larger)
        kind = described(request)
        report = Report()
        try:
            await self._scan_items(report, body, kind, budget)
        except LostError:
            async for _ in body:
                pass  # so that it need not wait for the client in mid-body again
            report = Report()
            try:
                await self._scan_items(report, body, kind, budget)
            except NotScannedError as error:
                report.failed(error)
        except NotScannedError as error:
            report.failed(error)
        return report

    async def _scan_items(
        self, report: Report, body: AsyncIterable[bytes], kind: Described, budget: Budget
    ) -> None:
        try:
            async with aclosing(items(body, kind, self.settings)) as found:
                async for item in found:
                    await self._scan_item(report, item, budget)
        except BodyError as error:
            report.failed(NotScannedError(Trouble.UNDECODABLE, str(error)))
            await self._scan_item(report, Item("", body), budget)  # as it is, at least

    async def _scan_item(self, report: Report, item: Item, budget: Budget) -> None:
        try:
            threat = await self.scanner.scan(item.pieces, budget)
        except NotScannedError as error:
            if error.trouble is not Trouble.TOO_LARGE:
                raise
            report.failed(error)
        else:
            if threat:
                report.found(item.name, threat)

    def _count(self, outcome: str) -> None:
        self.counters[outcome] += 1


_PAST: Final = {"allow": "allowed", "block": "blocked", "error": "answered with an error"}


class _Limited:
    """A body that ends with an error where it becomes too long."""

    def __init__(self, body: AsyncIterable[bytes], most: int) -> None:
        self._body = body
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self._body:
            size += len(piece)
            if size > self._most:
                raise _TooLongError
            yield piece


def _store(settings: ClamAVSettings) -> Store | None:
    """Return the file for verdicts, if there is to be one."""
    if not settings.remember or not settings.remember_on_disk:
        return None
    try:
        path = Path(settings.store) if settings.store else default_path()
    except RuntimeError as error:
        log.warning("verdicts are remembered in memory only: %s", error)
        return None
    return Store(path, settings.remember_on_disk)
