"""Paths of URLs: each with all below it, or with wildcards."""

import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from zcadapt.conditions.words import WILDCARD, Words
from zcadapt.icap.http import HTTPMessage

__all__ = ["Paths", "path", "path_of"]

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_QUERY = re.compile(r"[?#]")


class Paths:
    """Paths, each with all below it; one with a ``*`` is like the whole path.

    >>> paths = Paths(['/admin', '/files/', '*.exe'])
    >>> paths.has('/admin'), paths.has('/admin/users'), paths.has('/administrator')
    (True, True, False)
    >>> paths.has('/files'), paths.has('/files/a'), paths.has('/x/setup.exe')
    (False, True, True)
    """

    __slots__ = ("_above", "_depth", "_patterns")

    def __init__(self, paths: Iterable[str]) -> None:
        paths = set(paths)
        patterns = {each for each in paths if WILDCARD in each}
        self._above = frozenset(paths - patterns)
        self._patterns = Words(patterns)
        self._depth = 1 + max((each.count("/") for each in self._above), default=0)

    def has(self, path: str) -> bool:
        """Whether `path` is one of them, or below one, or like one; the empty one is none."""
        above = self._above
        if path in above:
            return True
        slash = -1
        for _ in range(self._depth):  # no path is looked at any deeper, whatever its length
            slash = path.find("/", slash + 1)
            if slash < 0:
                break
            if path[:slash] in above or path[: slash + 1] in above:
                return True
        return path != "" and self._patterns.has(path)


def path(text: str) -> str:
    """Return the path that `text` means, perhaps with wildcards.

    Raises:
        ValueError: it means none.
    """
    if not text.startswith(("/", WILDCARD)):
        raise ValueError
    if _QUERY.search(text):
        raise ValueError("a path ends before the query")
    return _plain(text.encode())


def path_of(http: HTTPMessage) -> str:
    """Return the path asked for, decoded; empty where there is none, as in CONNECT.

    It is told as the origin server most likely reads it: without percent
    signs, doubled slashes, ``.`` and ``..`` (RFC 3986, 6.2.2).
    """
    target = http.request.target
    if not target.startswith("/"):
        absolute = _ABSOLUTE.match(target)
        if absolute is None:
            return ""
        target = target[absolute.end() :]
        if not target.startswith("/"):
            return "/"
    found = _QUERY.search(target)
    path = target[: found.start()] if found else target
    if "%" in path or "//" in path or "/." in path or not path.isascii():
        return _plain(path.encode("latin-1"))
    return path


def _plain(path: bytes) -> str:
    text = unquote_to_bytes(path).decode("utf-8", "surrogateescape")
    steps: list[str] = []
    *folders, last = text.split("/")
    if last in (".", ".."):
        folders, last = [*folders, last], ""
    for step in folders:
        if step == "..":
            del steps[-1:]
        elif step not in ("", "."):
            steps.append(step)
    begin = "/" if text.startswith("/") else ""
    return begin + "".join(f"{step}/" for step in steps) + last
