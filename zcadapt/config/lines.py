"""Where in a TOML file a table or key stands, for messages only.

The parser of the standard library does not tell. A line at a time is good
enough: what cannot be read by itself (the middle of a long list) has no key.
"""

import tomllib
from collections.abc import Iterator, Mapping

from zcadapt.config.place import Path

__all__ = ["line_numbers"]


def line_numbers(text: str) -> dict[Path, int]:
    r"""Return the line, counted from 1, of each table and key in `text`.

    >>> line_numbers('[icap]\nlisten = []')
    {('icap',): 1, ('icap', 'listen'): 2}
    """
    numbers: dict[Path, int] = {}
    lists: dict[Path, int] = {}  # the number of the latest table in each list of tables
    table: Path = ()
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if header := _table(line):
            table = _placed(header, lists, is_item=line.lstrip().startswith("[["))
            for depth in range(1, len(table) + 1):
                numbers.setdefault(table[:depth], number)
        elif key := _key(line):
            numbers.setdefault((*table, *key), number)
    return numbers


def _placed(header: Path, lists: dict[Path, int], *, is_item: bool) -> Path:
    """Return the path that `header` leads to, through the latest table of each list."""
    path: Path = ()
    for step in header[:-1]:
        path = (*path, step)
        if path in lists:
            path = (*path, lists[path])
    path = (*path, header[-1])
    if is_item:
        lists[path] = lists.get(path, -1) + 1
        path = (*path, lists[path])
    return path


def _table(line: str) -> Path:
    stripped = line.strip()
    if not stripped.startswith("["):
        return ()
    return _path(stripped.replace("[[", "[").replace("]]", "]"))


def _key(line: str) -> Path:
    """Return the key before the first ``=`` that leaves a whole key in front of it."""
    for end in _positions(line, "="):
        if path := _path(f"{line[:end]} = {{}}"):
            return path
    return ()


def _positions(line: str, wanted: str) -> Iterator[int]:
    return (at for at, character in enumerate(line) if character == wanted)


def _path(line: str) -> Path:
    """Return the keys that lead to the only table in `line`; none, if it is not TOML."""
    try:
        found: object = tomllib.loads(line)
    except (tomllib.TOMLDecodeError, RecursionError):
        return ()
    path: list[str] = []
    while isinstance(found, Mapping) and found:
        ((key, found),) = found.items()
        path.append(key)
    return tuple(path)
