"""One list of the settings: what is on it, to whom it applies, and what follows."""

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import Final
from urllib.parse import quote

from zcadapt import Conditions, Decision, Problem, Request, SettingsError, allow, block, respond
from zcadapt.icp import Query
from zcadapt_urllist.canonical import key_of, split_url
from zcadapt_urllist.compiling import compiled_aside, compiled_here
from zcadapt_urllist.formats import EXPRESSION, told
from zcadapt_urllist.reading import Report, Source, SourceError, sources_of
from zcadapt_urllist.settings import ListSettings
from zcadapt_urllist.sniffing import is_blank
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

#: What a list that is left out does not do.
DOES: Mapping[str, str] = {
    "block": "blocks",
    "redirect": "redirects",
    "allow": "allows",
    "categorise": "categorises",
    "none": "answers",
}

SPOILED: Final = "none of the lines lists anything; is the format right?"

#: What stands for something in the URL of a redirect.
PLACEHOLDERS: Final = ("{url}", "{host}", "{entry}", "{category}")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")

#: After how many looks files that could not be taken up are read again: this
#: many at first, twice as many each time, and no more than these.
FIRST_PAUSE: Final = 4
LONGEST_PAUSE: Final = 512

Signature = tuple[tuple[str, int, int, int], ...]


class URLs:
    """A list.

    Files that cannot be used leave it out: it is as one with nothing on it, and
    says so in the log, until they are right.

    Attributes:
        is_left_out: whether its files cannot be used.
        action: what follows for a request.
        category: what is told of it for the log.
        icp: what is answered over ICP; None: nothing.
        conditions: when it applies; None: always.

    Raises:
        SettingsError: its settings are wrong; the places are told from the list on.
    """

    def __init__(self, name: str, settings: ListSettings, most: int) -> None:
        self.name = name
        self.action = settings.action
        self.category = settings.category or name
        self.conditions: Conditions | None = settings.when
        self.icp = _icp(settings)
        self._settings = settings
        self._most = most
        # Once: the working directory may be replaced.
        self._paths = [Path(each).absolute() for each in settings.sources]
        self._is_lenient = self.action != "allow"
        self._check()
        self._target_key = _target_key(settings.redirect)
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
        for each in _PLACEHOLDER.findall(self._settings.redirect):
            if each not in PLACEHOLDERS:
                what = f"{each} is none of {', '.join(PLACEHOLDERS)}"
                problems.append(Problem("redirect", what))
        try:
            allow(icap_headers={HEADER: self.category})
        except ValueError as error:
            problems.append(Problem("category", str(error)))
        if problems:
            raise SettingsError(problems)

    def _load(self) -> None:
        self._known: Signature = ()
        self._seen: Signature = ()
        try:
            self._seen = self._signature()
            sources = self._sources()
            store, full = self._opened(), _full(sources)
            store = store or compiled_here(self.name, sources, self._most)
            if _is_spoiled(store):
                raise SourceError(SPOILED)  # noqa: TRY301 - as the others do
        except (SourceError, OSError) as error:
            self._leave_out(error)
            return
        self._known = self._seen
        self._use(store, full)

    def _leave_out(self, error: Exception) -> None:
        """Go on with nothing on the list; the log says so as an error, for ``check`` too."""
        self.is_left_out = True
        self._store = Store.of((), Report())
        self._full: frozenset[Path] = frozenset()
        self._told, self._pause = str(error), FIRST_PAUSE
        what = "list %r is left out, and %s nothing until its files are right: %s"
        log.error(what, self.name, DOES[self.action], error)

    def _use(self, store: Store, full: frozenset[Path]) -> None:
        self.is_left_out = False
        self._store, self._full = store, full
        if _is_broken(store):
            what = "list %r: %d lines cannot be read, and %d can; is the format right?"
            log.warning(what, self.name, store.broken, store.lines)
        if store.exceptions and not store.entries:
            log.warning("list %r: there are exceptions in its files, and nothing else", self.name)
        elif not store.entries and not full:
            log.warning("list %r: there is nothing in its files", self.name)

    @property
    def digest(self) -> str:
        """The digest of all that is on it, the same in all processes."""
        return self._store.digest

    def _sources(self) -> list[Source]:
        return sources_of(self._paths, self._settings.format)

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
        for source in self._sources():
            stat = source.path.stat()
            found.append((str(source.path), stat.st_ino, stat.st_size, stat.st_mtime_ns))
        return tuple(found)

    def refresh(self, stopped: Event) -> bool:
        """Take up files that have changed, and no longer do; return whether they have been.

        For a thread: it may take its time. Who asks meanwhile is answered from
        what was there before, and so it stays where the new cannot be read, or
        is what a broken download leaves. That is tried again, each time later,
        because what hindered may have passed.
        """
        try:
            now = self._signature()
            if now != self._seen:  # still being written, perhaps
                self._seen, self._pause, self._told = now, 0, ""
                return False
            if now == self._known or self._is_waiting():
                return False
            self._take_up(self._sources(), stopped)
        except (SourceError, OSError) as error:
            if not stopped.is_set():
                self._complain(error)
            return False
        self._known = now
        self._told = ""
        log.info("list %r: its files have changed and are in use", self.name)
        return True

    def _is_waiting(self) -> bool:
        """Whether it is too early to try files again that could not be taken up."""
        self._looks += 1
        if self._looks < self._pause:
            return True
        self._looks = 0
        self._pause = min(max(2 * self._pause, FIRST_PAUSE), LONGEST_PAUSE)
        return False

    def _take_up(self, sources: Sequence[Source], stopped: Event) -> None:
        full = _full(sources)
        emptied = sorted(self._full - full)
        if emptied and not full:
            raise SourceError(f"{emptied[0]}: is empty; a comment says that it is meant")
        store = self._opened() or compiled_aside(self.name, sources, self._most, stopped)
        if _is_spoiled(store):
            raise SourceError(SPOILED)
        if _is_broken(store) and not (self.is_left_out or _is_broken(self._store)):
            raise SourceError(f"{store.broken} lines cannot be read, and {store.lines} can")
        if emptied and 2 * store.entries < self._store.entries:
            what = "has nothing any more, nor most of the list; a comment says that it is meant"
            raise SourceError(f"{emptied[0]}: {what}")
        self._use(store, full)
        for path in emptied:
            what = "is empty now" if path.exists() else "is gone"
            log.warning("list %r: %s %s", self.name, path, what)

    _told = ""
    _pause = _looks = 0

    def _complain(self, error: Exception) -> None:
        if self._told != str(error):
            self._told = str(error)
            stays = "is still left out" if self.is_left_out else "stays as it is"
            log.error("list %r %s: %s", self.name, stays, error)

    def find(self, subjects: Sequence[Subject]) -> bytes | None:
        """Return the entry that `subjects` are on the list for, as a key; None: they are not.

        One of them is enough, but to be allowed all have to be. Where a redirect
        leads to is on no list that redirects: nobody would arrive.
        """
        if self._target_key:
            subjects = [each for each in subjects if each.key != self._target_key]
        if not self._is_lenient:
            return self._store.find_for_all(subjects)
        find = self._store.find
        for subject in subjects:
            if (entry := find(subject)) is not None:
                return entry
        return None

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
        target = self._settings.redirect
        values = (url, host, entry, self.category)
        for name, value in zip(PLACEHOLDERS, values, strict=True):
            target = target.replace(name, quote(value, safe="", errors="replace"))
        return target


def _icp(settings: ListSettings) -> str | None:
    if settings.icp == "auto":
        return ICP_BY_ACTION[settings.action]
    return None if settings.icp == "none" else f"ICP_OP_{settings.icp}"


def _target_key(redirect: str) -> bytes:
    """Return the host that a redirect leads to, as it is looked up; nothing where there is none."""
    return key_of(split_url(redirect)[1]) if redirect else b""


def _full(sources: Sequence[Source]) -> frozenset[Path]:
    """Return the files that have something in them."""
    return frozenset(each.path for each in sources if not is_blank(each.path))


def _is_spoiled(store: Store) -> bool:
    """Whether there were lines, and none of them lists anything, or excepts it."""
    return not store.lines and bool(store.broken or store.not_for_us)


def _is_broken(store: Store) -> bool:
    """Whether most of the lines could not be read."""
    return store.broken > store.lines
