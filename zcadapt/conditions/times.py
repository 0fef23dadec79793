"""Times of the week: ``Mon-Fri 08:00-18:00``."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from zcadapt.config import did_you_mean

__all__ = ["Times", "minutes", "timezone"]

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTE: Final = 60
HOUR: Final = 60  # from here on all is counted in minutes
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY

_TIME = re.compile(
    r"(?P<days>[a-z]{3}(?:[,-][a-z]{3})*)?(?:(?:^| +)(?P<from>\d\d:\d\d)-(?P<to>\d\d:\d\d))?",
    re.ASCII,
)


def minutes(text: str) -> frozenset[int]:
    """Return the minutes of the week, counted from Monday 00:00, that `text` means.

    >>> sorted(minutes('Sun,Tue 23:59-00:01'))
    [0, 2879, 2880, 10079]

    Raises:
        ValueError: it means none; the message says why, where that helps.
    """
    found = _TIME.fullmatch(text.strip().lower())
    if found is None or not text.strip():
        raise ValueError
    first, last = _minute(found["from"] or "00:00"), _minute(found["to"] or "24:00")
    if first == last:
        raise ValueError("it ends when it begins")
    length = (last - first) % DAY or DAY
    begins = [day * DAY + first for day in _days(found["days"] or "mon-sun")]
    return frozenset((begin + at) % WEEK for begin in begins for at in range(length))


def _minute(text: str) -> int:
    hour, minute = map(int, text.split(":"))
    at = hour * HOUR + minute
    if minute >= HOUR or at > DAY:
        raise ValueError(f"there is no {text}")
    return at


def _days(text: str) -> Iterator[int]:
    for part in text.split(","):
        names = part.split("-")
        for name in names:
            if name not in DAYS:
                raise ValueError(f"days are {', '.join(DAYS).title()}")
        first, last = DAYS.index(names[0]), DAYS.index(names[-1])
        if len(names) > 2:  # noqa: PLR2004 - from and to
            raise ValueError
        for at in range((last - first) % len(DAYS) + 1):
            yield (first + at) % len(DAYS)


def timezone(text: str) -> tzinfo:
    """Return the time zone called `text`.

    Raises:
        ValueError: there is none; the message names the nearest.
    """
    try:
        return ZoneInfo(text)
    except (OSError, KeyError, ValueError):
        near = did_you_mean(text, available_timezones()).removeprefix(". ")
        raise ValueError(near) from None


class Times:
    """Minutes of the week, in a time zone, and whether it is one of them now.

    `zone` is that of the machine where it is ``None``; `clock` tells the
    seconds since the epoch.
    """

    __slots__ = ("_clock", "_known", "_minutes", "_zone")

    def __init__(
        self, minutes: Iterable[int], zone: tzinfo | None, clock: Callable[[], float]
    ) -> None:
        chosen = frozenset(minutes)
        self._minutes = bytes(at in chosen for at in range(WEEK))
        self._zone = zone
        self._clock = clock
        self._known = (-1, False)  # the latest minute that was asked about, and the answer

    def hold(self) -> bool:
        """Whether it is one of these times now."""
        minute = int(self._clock() // MINUTE)
        known, holds = self._known
        if minute != known:
            now = datetime.fromtimestamp(minute * MINUTE, self._zone)
            holds = self._minutes[now.weekday() * DAY + now.hour * HOUR + now.minute] == 1
            self._known = minute, holds
        return holds
