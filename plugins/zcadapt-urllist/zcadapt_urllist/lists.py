"""One list of the settings: what is on it, to whom it applies, and what follows."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event
from urllib.parse import quote

from zcadapt import Conditions, Decision, Problem, Request, SettingsError, allow, block, respond
from zcadapt.icp import Query
from zcadapt_urllist.compiling import compiled_aside, compiled_here
from zcadapt_urllist.formats import EXPRESSION, told
from zcadapt_urllist.reading import SourceError, sources_of
from zcadapt_urllist.settings import ListSettings
from zcadapt_urllist.store import Store, is_compiled
from zcadapt_urllist.subjects import Subject

__all__ = ["HEADER", "URLs"]

log = logging.getLogger(__name__)

#: The ICAP header that tells categories for the log.
HEADER = "X-Attribute"

#: What is answered over ICP where nothing is set.
ICP_BY_ACTION: Mapping[str, str | None] = {
    "block": "ICP_OP_MISS_NOFETCH",
    "redirect": "ICP_OP_MISS_NOFETCH",
    "allow": "ICP_OP_MISS",
    "categorise": None,
    "none": None,
}

Signature = tuple[tuple[str, int, int, int], ...]


class URLs:
    """A list.

    Attributes:
        action: what follows for a request.
        category: what is told of it for the log.
        icp: what is answered over ICP; None: nothing.
        conditions: when it applies; None: always.
        digest: changes when the files do.

    Raises:
        SettingsError: something is wrong with it; the places are told from the list on.
    """

    def __init__(self, name: str, settings: ListSettings, most: int) -> None:
        self.name = name
        self.action = settings.action
        self.category = settings.category or name
        self.conditions: Conditions | None = settings.when
        self.icp = _icp(settings)
        self._settings = settings
        self._most = most
        self._paths = [Path(each) for each in settings.sources]
        self._is_lenient = self.action != "allow"
        self._check()
        self._load()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def _check(self) -> None:
        problems = []
        if not self._paths:
            problems.append(Problem("sources", "no file is listed"))
        if (self.action == "redirect") != bool(self._settings.redirect):
            what = 'is wanted where the action is "redirect", and there alone'
            problems.append(Problem("redirect", what))
        try:
            allow(icap_headers={HEADER: self.category})
        except ValueError as error:
            problems.append(Problem("category", str(error)))
        if problems:
            raise SettingsError(problems)

    def _load(self) -> None:
        try:
            self._known = self._seen = self._signature()
            self._store = self._opened() or compiled_here(
                self.name, sources_of(self._paths, self._settings.format), self._most
            )
        except (SourceError, OSError) as error:
            raise SettingsError([Problem("sources", str(error))]) from error
        self.digest = _digest(self._known)

    def _opened(self) -> Store | None:
        """Return the store that was built, where it is one."""
        built = [path for path in self._paths if path.is_file() and is_compiled(path)]
        if not built:
            return None
        if len(self._paths) > 1:
            raise SourceError(f"{built[0]}: a list that was built stands alone")
        return Store.open(built[0])

    def _signature(self) -> Signature:
        """Return what tells whether the files have changed."""
        found = []
        for source in sources_of(self._paths, self._settings.format):
            stat = source.path.stat()
            found.append((str(source.path), stat.st_ino, stat.st_size, stat.st_mtime_ns))
        return tuple(found)

    def refresh(self, stopped: Event) -> bool:
        """Take up files that have changed, and no longer do; return whether they have been.

        For a thread: it may take its time. Who asks meanwhile is answered from
        what was there before, and so it stays where the new cannot be read.
        """
        try:
            now = self._signature()
            if now == self._known or now != self._seen:  # still being written, perhaps
                self._seen = now
                return False
            self._known = now
            store = self._opened() or compiled_aside(
                self.name, sources_of(self._paths, self._settings.format), self._most, stopped
            )
        except (SourceError, OSError) as error:
            if not stopped.is_set():
                self._complain(error)
            return False
        self._store = store
        self.digest = _digest(now)
        self._told = ""
        log.info("list %r: its files have changed and are in use", self.name)
        return True

    _told = ""

    def _complain(self, error: Exception) -> None:
        if self._told != str(error):
            self._told = str(error)
            log.error("list %r stays as it is: %s", self.name, error)

    def find(self, subjects: Sequence[Subject]) -> bytes | None:
        """Return the entry that `subjects` are on the list for, as a key; None: they are not.

        One of them is enough, but to be allowed all have to be.
        """
        find = self._store.find
        if self._is_lenient:
            for subject in subjects:
                if (entry := find(subject)) is not None:
                    return entry
            return None
        entries = [find(subject) for subject in subjects]
        return None if None in entries else entries[0]

    def applies(self, request: Request) -> bool:
        """Whether the list is for whoever sent `request`, and for now."""
        return self.conditions is None or self.conditions.holds(request)

    def applies_to(self, query: Query) -> bool:
        """Whether the list is for whoever sent `query`, and for now."""
        return self.conditions is None or self.conditions.holds_for(query)

    def decide(self, request: Request, found: bytes, categories: Sequence[str]) -> Decision:
        """Return what follows for `request`, for which `find` has found something."""
        entry = told(found)
        headers = {HEADER: ", ".join([*categories, self.category])}
        reason = self._settings.reason or f"{self._why(found)} the list {self.category}."
        if self.action == "allow":
            return allow(icap_headers=headers, reason=reason)
        if self.action == "redirect":
            target = self._target(request.http.url, request.http.host, entry)
            location = {"Location": target, "Cache-Control": "no-store"}
            return respond(302, location, icap_headers=headers, reason=reason)
        return block(request, reason=reason, icap_headers=headers)

    @staticmethod
    def _why(found: bytes) -> str:
        return "The URL fits an expression of" if found == EXPRESSION else f"{told(found)} is on"

    def _target(self, url: str, host: str, entry: str) -> str:
        values = {"{url}": url, "{host}": host, "{entry}": entry, "{category}": self.category}
        target = self._settings.redirect
        for name, value in values.items():
            target = target.replace(name, quote(value, safe="", errors="replace"))
        return target


def _icp(settings: ListSettings) -> str | None:
    if settings.icp == "auto":
        return ICP_BY_ACTION[settings.action]
    return None if settings.icp == "none" else f"ICP_OP_{settings.icp}"


def _digest(signature: Signature) -> str:
    """Return a text that is the same in all processes that use the same files."""
    text = repr([(path, size, at) for path, _, size, at in signature])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
