"""From a table of settings to conditions that are asked for each request."""

import re
import time
from collections.abc import Callable, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from zcadapt.address import network
from zcadapt.conditions.hosts import Hosts, Networks, host, hosts_of
from zcadapt.conditions.paths import Paths, path, path_of
from zcadapt.conditions.statuses import statuses
from zcadapt.conditions.times import Times, minutes, timezone
from zcadapt.conditions.words import Words, media_type, media_types
from zcadapt.config.place import Path, dotted
from zcadapt.config.problem import Problem, SettingsError, did_you_mean
from zcadapt.config.shape import shown
from zcadapt.icap.http import HTTPMessage, HTTPRequest

if TYPE_CHECKING:
    from zcadapt.icap.request import Request
    from zcadapt.icp import Query

__all__ = ["Conditions"]

#: What is asked of a request, or of what a query tells in the words of one.
Check = Callable[[Any], bool]
Report = Callable[[Path, str], None]
Clock = Callable[[], float]

_METHOD = re.compile(r"[A-Z]+(-[A-Z]+)*")


class Conditions:
    """Whether a rule applies, as a table of settings says it: all that is set must hold.

    The page on conditions has the keys. Once made it costs next to nothing to
    ask, however many hosts or networks are listed.

    >>> from zcadapt.testing import reqmod_request
    >>> conditions = Conditions({'hosts': ['.example.com'], 'methods': ['GET']})
    >>> conditions.holds(reqmod_request('http://www.example.com/'))
    True
    >>> conditions.holds(reqmod_request('http://www.example.net/'))
    False
    """

    __slots__ = ("_checks", "_never_for_queries", "_not", "_times")

    def __init__(self, table: object, *, at: str = "", clock: Clock = time.time) -> None:
        """Read `table`.

        Args:
            table: as TOML has it.
            at: where it stands in the options of a plugin, as in ``rules[0].when``.
            clock: tells the time, in seconds since the epoch.

        Raises:
            SettingsError: something in it is wrong; it tells all of that.
        """
        problems: list[Problem] = []

        def report(path: Path, what: str) -> None:
            where = dotted(path)
            problems.append(Problem(f"{at}.{where}" if at and where else at or where, what))

        self._read(table, (), report, clock)
        if problems:
            raise SettingsError(problems)

    @classmethod
    def from_table(cls, table: object, report: Report) -> Self:
        """Read `table`, the value of a setting; `report` is told what is wrong, and where in it."""
        made = cls.__new__(cls)
        made._read(table, (), report, time.time)  # noqa: SLF001 - one of us
        return made

    def holds(self, request: "Request") -> bool:
        """Whether all of them hold for `request`; one that it tells nothing of does not."""
        for check in self._checks:  # a generator would cost as much again
            if not check(request):
                return False
        return self._not is None or not self._not.holds(request)

    def holds_for(self, query: "Query") -> bool:
        """Whether all of them hold for `query`; one that it tells nothing of does not."""
        return self._hold_for(_Asked(query))

    @property
    def state(self) -> str:
        """A text for the ``state`` of a service, by which times hold now; perhaps empty."""
        inner = "" if self._not is None else self._not.state
        return inner if self._times is None else f"{self._times.hold():d}{inner}"

    def _hold_for(self, asked: "_Asked") -> bool:
        if self._never_for_queries or not all(check(asked) for check in self._checks):
            return False
        return self._not is None or not self._not._hold_for(asked)  # noqa: SLF001 - one of us

    def _read(self, table: object, place: Path, report: Report, clock: Clock) -> None:
        self._checks: tuple[Check, ...] = ()
        self._never_for_queries = False
        self._not: Conditions | None = None
        self._times: Times | None = None
        if not isinstance(table, Mapping):
            report(place, f"must be a table, not {shown(table)}")
            return
        known = [*LISTS, "times", "timezone", *(() if place else ("not",))]
        for key in table:
            if key not in known:
                near = did_you_mean(key, known) or f"; there are {', '.join(sorted(known))}"
                report((*place, key), f"no such condition{near}")
        lists = IN_NOT if place else LISTS
        self._checks = tuple(
            _check(lists[key], table[key], (*place, key), report) for key in lists if key in table
        )
        self._never_for_queries = any(key in table and not lists[key].in_url for key in lists)
        self._read_times(table, place, report, clock)
        if "not" in table and not place:
            self._read_not(table["not"], report, clock)

    def _read_times(
        self, table: Mapping[str, object], place: Path, report: Report, clock: Clock
    ) -> None:
        zone = None
        if "timezone" in table:
            where = (*place, "timezone")
            zone = _fitted(table["timezone"], "the name of a time zone", timezone, where, report)
            if "times" not in table:
                report(where, "says nothing without times")
        if "times" in table:
            read = _items(TIMES, table["times"], (*place, "times"), report)
            self._times = times = Times(chain.from_iterable(read), zone, clock)
            self._checks += (lambda _: times.hold(),)

    def _read_not(self, table: object, report: Report, clock: Clock) -> None:
        self._not = Conditions.__new__(Conditions)
        self._not._read(table, ("not",), report, clock)  # noqa: SLF001 - one of us
        if table == {}:
            report(("not",), "is empty, so nothing would ever hold")


class _Asked:
    """What a query tells, in the words of a request."""

    __slots__ = ("_query", "http")

    def __init__(self, query: "Query") -> None:
        self._query = query
        self.http = HTTPMessage(None, None)
        self.http.request = HTTPRequest(b"")
        # As if it had been read from a request line, which would take longer than all the rest.
        self.http.request._words = "GET", query.url, ""  # noqa: SLF001

    @property
    def client_ip(self) -> str | None:
        requester = self._query.requester
        return None if requester is None else str(requester)


class _List(NamedTuple):
    """A condition that is a list: it holds where one of the items fits."""

    expected: str  #: what each item is, as it reads after "must be"
    read: Callable[[Any], Any]  #: an item as `compile` takes it; raises ValueError
    compile: Callable[[list[Any]], Check] = lambda _: bool
    in_url: bool = False  #: whether a query tells enough


def _check(kind: _List, value: object, place: Path, report: Report) -> Check:
    return kind.compile(_items(kind, value, place, report))


def _items(kind: _List, value: object, place: Path, report: Report) -> list[Any]:
    if not isinstance(value, list):
        report(place, f"must be a list, each {kind.expected}, not {shown(value)}")
        return []
    if not value:
        report(place, "is empty, so it would never hold; leave it out, or list something")
    read = [
        _fitted(item, kind.expected, kind.read, (*place, at), report)
        for at, item in enumerate(value)
    ]
    return [item for item in read if item is not None]


def _fitted(
    item: object, expected: str, read: Callable[[Any], Any], place: Path, report: Report
) -> Any:  # noqa: ANN401 - whatever `read` makes of it
    why = ""
    if isinstance(item, str) or (isinstance(item, int) and read is statuses):
        try:
            return read(item)
        except ValueError as error:
            why = f": {error}" if str(error) else ""
    report(place, f"must be {expected}, not {shown(item)}{why}")
    return None


def _word(text: str) -> str:
    if not text:
        raise ValueError
    return text.casefold()


def _method(text: str) -> str:
    if _METHOD.fullmatch(text) is None:
        raise ValueError
    return text


def _hosts(items: list[str]) -> Check:
    has = Hosts(items).has

    def check(request: "Request") -> bool:
        for each in hosts_of(request.http):  # noqa: SIM110 - as above
            if has(each):
                return True
        return False

    return check


def _every_host(items: list[str]) -> Check:
    has = Hosts(items).has
    return lambda request: all(map(has, hosts_of(request.http)))


def _paths(items: list[str]) -> Check:
    has = Paths(items).has
    return lambda request: has(path_of(request.http))


def _methods(items: list[str]) -> Check:
    among = frozenset(items)
    return lambda request: request.http.request.method in among


def _statuses(items: list[range]) -> Check:
    among = frozenset(chain.from_iterable(items))
    return lambda request: request.http.response.status in among


def _types(items: list[str]) -> Check:
    has = Words(items).has

    def check(request: "Request") -> bool:
        http = request.http
        headers = (http.response if request.method == "RESPMOD" else http.request).headers
        return "content-type" in headers and any(map(has, media_types(headers["content-type"])))

    return check


def _clients(items: list[Any]) -> Check:
    has = Networks(items).has
    return lambda request: request.client_ip is not None and has(request.client_ip)


def _users(items: list[str]) -> Check:
    has = Words(items).has
    return lambda request: request.user is not None and has(request.user.casefold())


def _groups(items: list[str]) -> Check:
    has = Words(items).has
    return lambda request: any(has(group.casefold()) for group in request.groups)


#: What costs least is asked first.
LISTS: Final[Mapping[str, _List]] = {
    "hosts": _List("a host, or a domain that begins with a dot", host, _hosts, in_url=True),
    "paths": _List('a path, which begins with "/" or "*"', path, _paths, in_url=True),
    "methods": _List('an HTTP method, such as "GET"', _method, _methods),
    "status": _List('a status, such as 404, "5xx" or "400-499"', statuses, _statuses),
    "types": _List('a media type, such as "text/html" or "image/*"', media_type, _types),
    "clients": _List("an address or a network", network, _clients, in_url=True),
    "users": _List("the name of a user", _word, _users),
    "groups": _List("the name of a group", _word, _groups),
}
#: Who names a host that is excepted, beside another, is not excepted.
IN_NOT: Final = {**LISTS, "hosts": LISTS["hosts"]._replace(compile=_every_host)}
TIMES: Final = _List('times of the week, such as "Mon-Fri 08:00-18:00"', minutes)
