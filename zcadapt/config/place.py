"""Where in the settings something stands: a table, a key in it, an item of a list."""

import json
import re
from typing import Final, NamedTuple

__all__ = ["Path", "Place", "dotted", "steps"]

#: Keys from the top, and numbers of items, counted from 0.
Path = tuple[str | int, ...]

BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
STEP: Final = re.compile(
    r'\[(?P<item>\d{1,9})\]|(?:^|\.)(?:(?P<bare>[A-Za-z0-9_-]+)|(?P<quoted>"(?:[^"\\]|\\.)*"))'
)


class Place(NamedTuple):
    """A table, or a key in it; either may be in a list."""

    table: Path = ()
    key: str | int | None = None

    def __str__(self) -> str:
        """As in ``[services."10-lists"] lists[2].path``."""
        path = self.path
        end = next((at - 1 for at, step in enumerate(path) if isinstance(step, int)), None)
        end = len(self.table) if end is None else end
        table = f"[{dotted(path[:end])}]" if end else ""
        return f"{table} {dotted(path[end:])}".strip()

    @property
    def path(self) -> Path:
        """The keys that lead here from the top."""
        return self.table if self.key is None else (*self.table, self.key)


def dotted(path: Path) -> str:
    """Return `path` in one text, as `steps` reads it.

    >>> dotted(('lists', 2, 'path'))
    'lists[2].path'
    """
    parts = (f"[{step}]" if isinstance(step, int) else f".{_quoted(step)}" for step in path)
    return "".join(parts).removeprefix(".")


def steps(text: str) -> Path:
    """Return the path that `text` means; what means none is a key itself.

    >>> steps('lists[2].path'), steps('not so: a path')
    (('lists', 2, 'path'), ('not so: a path',))
    """
    found = list(STEP.finditer(text))
    try:
        path = tuple(map(_step, found))
    except ValueError:  # an escape that there is not
        return (text,)
    return path if "".join(step[0] for step in found) == text else (text,)


def _step(found: "re.Match[str]") -> str | int:
    if found["item"]:
        return int(found["item"])
    return found["bare"] or str(json.loads(found["quoted"]))


def _quoted(key: str) -> str:
    return key if BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)
