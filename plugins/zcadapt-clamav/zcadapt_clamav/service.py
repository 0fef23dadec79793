"""The service: what is asked about each message."""

import logging
import os
import time
from collections import Counter
from collections.abc import Awaitable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Final

from zope.interface import implementer

from zcadapt import BodyError, Decision, Request, read_options
from zcadapt.interfaces import IICAPService
from zcadapt_clamav import protocol
from zcadapt_clamav.answers import Finding, allowed, blocked, infected, listed
from zcadapt_clamav.budget import Budget
from zcadapt_clamav.clamd import Clamd
from zcadapt_clamav.contents import Described, Item, items
from zcadapt_clamav.database import Database
from zcadapt_clamav.incoming import Incoming, PausedError, TooLongError
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
#: Seconds between two looks whether one of them is there.
LOOK_EVERY: Final = 1.0
#: Actions, the one that goes before the others first.
ACTIONS: Final = ("block", "error", "allow")
#: Seconds between two log lines with the counters.
HOUR: Final = 3600.0
#: Seconds beyond all that is set, for what is done here.
SPARE: Final = 30.0


class Report:
    """What came of one message; the same may be told several times."""

    def __init__(self) -> None:
        self.findings: dict[Finding, None] = {}
        self.encrypted: dict[Finding, None] = {}
        self.troubles: dict[Trouble, NotScannedError] = {}
        self.seen: dict[bytes, str] = {}  # what was found, under the digest of what it was in
        self.is_too_long = False

    def found(self, name: str, threat: str) -> None:
        """Take the name of what was found in a file."""
        finding = Finding(threat, name)
        trouble = protocol.trouble(threat)
        if trouble is None:
            self.findings[finding] = None
            return
        self.troubles.setdefault(trouble, NotScannedError(trouble, str(finding)))
        if trouble is Trouble.ENCRYPTED:
            self.encrypted[finding] = None

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
            self._clamd.ask,
            settings.version_interval,
            seen,
            self._verdicts.see,
            settings.database,
        )
        self.scanner = Scanner(self._clamd, self._verdicts, self._database)
        self._skipping = Skipping(settings)
        self._teller = Teller()
        self._told: Counter[str] = Counter()
        self._tells_at = time.monotonic() + HOUR
        self._looked = -1.0
        self._sockets: list[str] = []

    @property
    def state(self) -> str:
        """The version of clamd's database."""
        if self._has_clamd():
            self._database.look()
        return self._database.version

    def adapt(self, request: Request) -> Awaitable[Decision | None] | None:
        """Scan the body, if there is one that is to be scanned."""
        if request.body.is_empty:
            return None
        if not self._has_clamd():
            return None
        if why := self._skipping.skips(request):
            self._count(f"skipped-{why}")
            return None
        self._database.look()
        return self._adapt(request)

    async def begin(self) -> None:
        """Tell if there is no clamd to ask; this takes a second at most."""
        if not self._has_clamd():
            return
        self._database.look()
        for each in await self._clamd.missing(self.settings.clamd or self._sockets):
            log.warning("clamd cannot be reached: %s", each)

    def tell_counters(self) -> None:
        """Log how often each outcome came about, if there is something new to tell."""
        if self.counters != self._told:
            self._told = self.counters.copy()
            log.info(
                "messages so far: %s", ", ".join(f"{name} {n}" for name, n in self._told.items())
            )

    def _has_clamd(self) -> bool:
        """Whether one is configured or was reached, or a default socket is there.

        One that was there and went away is down, and missed.
        """
        if self.settings.clamd or self._clamd.was_reached:
            return True
        now = time.monotonic()
        if now - self._looked >= LOOK_EVERY:
            self._looked = now
            self._sockets = [each for each in SOCKETS if os.path.exists(each)]  # noqa: PTH110 - quick
            if not self._sockets:
                self._tell_unconfigured()
        return bool(self._sockets)

    def _tell_unconfigured(self) -> None:
        self._teller.once(
            "clamd is not configured and none of %s is there: nothing is scanned",
            ", ".join(SOCKETS),
        )

    async def _adapt(self, request: Request) -> Decision | None:
        report = await self._scan(request)
        if report.findings:
            self._count("infected")
            findings = list(report.findings)
            log.warning("infected: %r: %s", request, listed(findings))
            return infected(request, findings)
        if report.is_too_long:
            self._count("skipped-size")
            return None
        if not report.troubles:
            self._count("clean")
            return None
        return self._not_scanned(request, report)

    def _not_scanned(self, request: Request, report: Report) -> Decision:
        """Do what is set for what happened; of several things that which goes first."""
        for trouble in report.troubles:
            self._count(trouble.value)
        actions = {getattr(self.settings, each.setting): each for each in reversed(report.troubles)}
        action = next(each for each in ACTIONS if each in actions)
        trouble = actions[action]
        error = report.troubles[trouble]
        if action == "error":
            raise error  # which the server logs
        self._teller.trouble(request, error, _PAST[action])
        if action == "allow":
            return allowed(trouble)
        return blocked(request, trouble, list(report.encrypted))

    async def _scan(self, request: Request) -> Report:
        """Scan a message; anew when more of its body is there, and once if clamd was lost."""
        is_long_told = length(request) is not None
        body = Incoming(request.body, 0 if is_long_told else self.settings.skip_larger)
        kind = described(request)
        budget = Budget(self.settings.scan_timeout)
        report = Report()
        was_lost = False
        try:
            while True:
                try:
                    await self._scan_items(report, body, kind, budget)
                    break
                except LostError:
                    if was_lost:
                        raise
                    was_lost = True
                except PausedError:
                    await body.read_ahead(self._clamd.refused)
        except TooLongError:
            report.is_too_long = True
        except NotScannedError as error:
            report.failed(error)
        return report

    async def _scan_items(
        self, report: Report, body: Incoming, kind: Described, budget: Budget
    ) -> None:
        try:
            async with aclosing(items(body, kind, self.settings)) as found:
                async for item in found:
                    await self._scan_item(report, item, body, budget)
        except BodyError as error:
            report.failed(NotScannedError(Trouble.UNDECODABLE, str(error)))
            await self._scan_item(report, Item("", body), body, budget)  # as it is, at least

    async def _scan_item(self, report: Report, item: Item, body: Incoming, budget: Budget) -> None:
        try:
            threat = await self.scanner.scan(item.pieces, body, budget, report.seen)
        except NotScannedError as error:
            if error.trouble is not Trouble.TOO_LARGE:
                raise
            report.failed(error)
        else:
            if threat:
                report.found(item.name, threat)

    def _count(self, outcome: str) -> None:
        self.counters[outcome] += 1
        now = time.monotonic()
        if now >= self._tells_at:
            self._tells_at = now + HOUR
            self.tell_counters()


_PAST: Final = {"allow": "allowed", "block": "blocked"}


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
