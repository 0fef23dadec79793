"""The service, and what answers ICP queries from the same lists."""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from threading import Event

from zope.interface import implementer

from zcadapt import Decision, Problem, Request, SettingsError, allow, read_options
from zcadapt.icp import Query
from zcadapt.interfaces import IICAPService
from zcadapt_urllist.lists import HEADER, URLs
from zcadapt_urllist.settings import Settings
from zcadapt_urllist.subjects import subjects_of, subjects_of_url
from zcadapt_urllist.version import VERSION

__all__ = ["URLList"]

log = logging.getLogger(__name__)

Options = Mapping[str, object]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@implementer(IICAPService)
class URLList:
    """Blocks, allows, redirects or categorises requests by lists of URLs.

    The lists are asked in the order of their names. The first that blocks,
    redirects or allows is followed; those that categorise are told with it.

    Attributes:
        lists: the lists, in their order.
        answers_queries: whether ICP queries can be answered from them.
        needs_query: whether who sends one makes a difference.
    """

    methods = ("REQMOD",)
    preview = 0
    version = VERSION

    def __init__(self, options: Options) -> None:
        self.lists = tuple(_lists(options))
        self._for_requests = tuple(each for each in self.lists if each.action != "none")
        self._for_queries = tuple(each for each in self.lists if each.icp is not None)
        self.answers_queries = bool(self._for_queries)
        self.needs_query = any(each.conditions is not None for each in self._for_queries)
        conditions = [each.conditions for each in self.lists if each.conditions is not None]
        self._timed = tuple(each for each in conditions if each.state)
        self._digests = ""
        self._sum_up()
        if self.lists and all(each.is_left_out for each in self.lists):
            names = ", ".join(each.name for each in self.lists)
            log.error("no list is left of %s: there is no opinion about anything", names)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {', '.join(each.name for each in self.lists)}>"

    @property
    def state(self) -> str:
        """Changes when a list does, or the time makes one apply."""
        if not self._timed:
            return self._digests
        return " ".join([self._digests, *(each.state for each in self._timed)])

    def adapt(self, request: Request) -> Decision | None:
        """Follow the first list that has `request`, or have no opinion."""
        if not self._for_requests:
            return None
        subjects = subjects_of(request)
        if not subjects:
            return None
        categories: list[str] = []
        for each in self._for_requests:
            entry = each.find(subjects)
            if entry is None or not each.applies(request):
                continue
            if each.action != "categorise":
                return each.decide(request, entry, categories)
            categories.append(each.category)
        if not categories:
            return None
        told = ", ".join(categories)
        return allow(icap_headers={HEADER: told}, reason=f"categories: {told}")

    def answer(self, url: str, query: Query | None = None) -> str | None:
        """Return what is answered to an ICP query for `url`, or None.

        `query` is wanted where `needs_query`.
        """
        subjects = subjects_of_url(url)
        if not subjects:
            return None
        for each in self._for_queries:
            if each.find(subjects) is None:
                continue
            if query is None or each.applies_to(query):
                return each.icp
        return None

    def refresh(self, stopped: Event) -> None:
        """Take up lists that have changed; for a thread."""
        changed = [each for each in self.lists if each.refresh(stopped)]
        if changed:
            self._sum_up()

    def _sum_up(self) -> None:
        self._digests = " ".join(each.digest for each in self.lists)


def _lists(options: Options) -> list[URLs]:
    """Return the lists of `options`, in the order of their names.

    Raises:
        SettingsError: something is wrong; it tells all of it.
    """
    settings = read_options(Settings, options)
    problems: list[Problem] = []
    lists: list[URLs] = []
    for name, each in sorted(settings.lists.items()):
        with _telling(problems, _place(name)):
            lists.append(URLs(name, each, settings.source_bytes))
    if problems:
        raise SettingsError(problems)
    return lists


@contextmanager
def _telling(problems: list[Problem], place: str) -> Iterator[None]:
    """Keep what is wrong in `problems`, told from `place` on, and go on."""
    try:
        yield
    except SettingsError as error:
        problems += [replace(each, where=f"{place}.{each.where}") for each in error.problems]


def _place(name: str) -> str:
    return f"lists.{name if _BARE.fullmatch(name) else json.dumps(name)}"
