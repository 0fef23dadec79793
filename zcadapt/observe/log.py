"""Logs on standard error: one line a record, and none of them by the thousand.

What a client or a plugin sent may stand in a record, so nothing in it can end
a line or steer a terminal. Bodies, credentials and header values are for
nobody's log: no module of zcadapt hands them to a logger.
"""

import logging
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TextIO

from zcadapt.config import LogSettings

__all__ = ["OneLine", "Repeats", "configure", "harmless", "shown"]

PERIOD: Final = 60.0
MOST_KINDS: Final = 1000

FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class OneLine(logging.Formatter):
    """Writes a record in one line, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for `record`."""
        parts = (part.strip() for part in super().format(record).splitlines())
        line = harmless(" | ".join(part for part in parts if part))
        left_out = getattr(record, "left_out", 0)
        return f"{line} ({left_out} more like it were not written)" if left_out else line


def shown(value: object, show: Callable[[object], str] = str) -> str:
    """Return `value` as text, if it can be shown: what is logged may be of any class."""
    try:
        return show(value)
    except Exception:  # noqa: BLE001 - of which nothing is known
        return f"<{type(value).__name__}>"


def harmless(text: str) -> str:
    r"""Return `text` with everything escaped that ends a line or steers a terminal.

    >>> print(harmless('a\x1b[2Jb'))
    a\x1b[2Jb
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


@dataclass(slots=True)
class _Kind:
    """What was logged of one kind since `since`."""

    since: float
    written: int = 0
    left_out: int = 0


class Repeats(logging.Filter):
    """Lets `most` records of one kind pass in a minute, and counts the rest.

    Records are of one kind when the same place logs them: the same logger and
    the same text before its arguments are put in. A place that logs several
    kinds tells them apart with ``extra={"kind": ...}``, by something of which
    there is little. The next one that passes carries the number of those left
    out as ``left_out``. One with ``extra={"each": True}`` always passes: it is
    looked for by itself.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._most = most
        self._clock = clock
        self._kinds: OrderedDict[tuple[str, str, str], _Kind] = OrderedDict()
        # Whoever logs may be in any thread; and in this one, an object that is
        # thrown away meanwhile may log too.
        self._lock = threading.RLock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether `record` is to be written."""
        if getattr(record, "each", False):
            return True
        now = self._clock()
        key = (record.name, shown(record.msg), shown(getattr(record, "kind", "")))
        with self._lock:
            kind = self._kind(key, now)
            if now - kind.since >= PERIOD:
                record.left_out = kind.left_out
                kind.since, kind.written, kind.left_out = now, 0, 0
            if kind.written >= self._most:
                kind.left_out += 1
                return False
            kind.written += 1
            return True

    def _kind(self, key: tuple[str, str, str], now: float) -> _Kind:
        if key not in self._kinds and len(self._kinds) >= MOST_KINDS:
            self._kinds.popitem(last=False)  # the oldest
        return self._kinds.setdefault(key, _Kind(now))

    def left_out(self) -> list[tuple[str, int]]:
        """Return (text, number) of what was left out and not told since."""
        with self._lock:
            return [
                (f"{text} ({each})" if each else text, kind.left_out)
                for (_, text, each), kind in self._kinds.items()
                if kind.left_out
            ]


def configure(
    settings: LogSettings,
    logger: logging.Logger | None = None,
    stream: TextIO | None = None,
    formatter: logging.Formatter | None = None,
) -> Repeats:
    """Make `logger`, the root logger if none is given, write to `stream`, standard error.

    A handler that an earlier call has added is replaced.

    Args:
        settings: the table ``[log]``.
        logger: whose records are written, with those of all below it.
        stream: where they are written.
        formatter: makes the lines, each of which ends with its record; a
            `OneLine` if none is given.
    """
    logger = logging.getLogger() if logger is None else logger
    handler = _Handler(stream or sys.stderr)
    repeats = Repeats(settings.repeats)
    handler.setFormatter(formatter or OneLine(FORMAT))
    handler.addFilter(repeats)
    for old in [each for each in logger.handlers if isinstance(each, _Handler)]:
        logger.removeHandler(old)
    logger.addHandler(handler)
    logger.setLevel(settings.level.upper())
    return repeats


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, to be told from those of others."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - as inherited
        """Tell that a record cannot be written; who logs it never hears of that."""
        with suppress(Exception):  # what is wrong may not be shown either
            super().handleError(record)
