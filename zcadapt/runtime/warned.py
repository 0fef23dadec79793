"""What plugins warn of in the log while they are made: for ``check``, and for ``--strict``."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Final

from zcadapt.config import Problem
from zcadapt.observe.log import harmless

__all__ = ["warnings_logged"]

#: How many are kept; of further ones only the number is.
MOST: Final = 100


@contextmanager
def warnings_logged() -> Iterator[list[Problem]]:
    """Give a list of what this thread logs as a warning or worse, whatever ``[log] level`` is.

    It is filled when the block ends. The log has the same as without.
    """
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = [each.level for each in handlers]
    heard = _Heard()
    for each in handlers:  # what they would not have seen they do not see now
        each.setLevel(max(each.level, level))
    root.setLevel(min(level, logging.WARNING))
    root.addHandler(heard)
    found: list[Problem] = []
    try:
        yield found
    finally:
        root.removeHandler(heard)
        root.setLevel(level)
        for each, before in zip(handlers, levels, strict=True):
            each.setLevel(before)
        found += heard.problems()


class _Heard(logging.Handler):
    """Keeps the warnings of the thread that makes it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = get_ident()
        self._found: dict[Problem, None] = {}
        self._more = 0

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread != self._thread:
            return
        try:
            problem = Problem(record.name, harmless(record.getMessage()), is_warning=True)
        except Exception:  # noqa: BLE001 - arguments that do not fit are the log's to tell
            return
        if len(self._found) < MOST or problem in self._found:
            self._found[problem] = None
        else:
            self._more += 1

    def problems(self) -> list[Problem]:
        """Return what was heard, each once."""
        more = Problem("", f"{self._more} more warnings were logged", is_warning=True)
        return [*self._found, *([more] if self._more else [])]
