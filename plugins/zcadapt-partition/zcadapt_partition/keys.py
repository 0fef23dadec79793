"""The key of a URL: what two URLs have in common that belong to the same server.

The proxy asks with a whole URL, the application sees a host and a path that was
decoded. Both must come to the same key, so it is made of what both know: no
scheme, no port, and a path without percent signs.
"""

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import re2  # type: ignore[import-untyped]

from zcadapt import Format, Problem, SettingsError, setting

__all__ = ["Key", "KeySettings"]

#: Bytes that an expression may take in memory.
MOST_MEMORY: Final = 8 << 20

_URL = re.compile(r"(?:[^/?#]*://([^/?#]*))?([^?#]*)(?:\?([^#]*))?", re.DOTALL)


def _compiled(pattern: str) -> Any:  # noqa: ANN401 - re2 has no annotations
    """Return the expression, which takes time in proportion to a URL, and no more."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MOST_MEMORY
    try:
        found = re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0]
        raise ValueError(why.decode() if isinstance(why, bytes) else str(why)) from None
    if pattern and not found.groups:
        raise ValueError("it has no group")
    return found


PATTERN: Final = Format("a regular expression as RE2 has them, with a group", _compiled)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySettings:
    """The table ``key``: which part of a URL is its key."""

    host: bool = setting(default=True, text="Whether the host is part of the key.")
    depth: int = setting(
        2,
        "How many steps of the path are part of the key, from its root on.",
        least=0,
        most=64,
    )
    pattern: str = setting(
        "",
        "Where this is found in HOST/PATH?QUERY, what its groups found is the key instead.",
        format=PATTERN,
    )


class Key:
    r"""What makes the key of a URL, as `settings` say.

    >>> key = Key(KeySettings(depth=1))
    >>> key.of_url('http://Example.com:8080/articles/17?page=2')
    b'example.com\x00articles'
    >>> key.of('example.com', b'/articles/18')
    b'example.com\x00articles'

    Raises:
        SettingsError: nothing of a URL would be part of its key.
    """

    def __init__(self, settings: KeySettings | None = None) -> None:
        self.settings: Final = KeySettings() if settings is None else settings
        if not (self.settings.host or self.settings.depth or self.settings.pattern):
            what = "all URLs would have the same key: set host, depth or pattern"
            raise SettingsError([Problem("key", what)])
        self._pattern = _compiled(self.settings.pattern) if self.settings.pattern else None

    def of_url(self, url: str) -> bytes:
        """Return the key of a URL, each byte of which is one character, as in a query."""
        authority, path, query = _parts(url)
        return self._made(authority, _decoded(path), query)

    def of(self, host: str, path: bytes, query: str = "") -> bytes:
        """Return the key of a request, whose path is decoded and its host as in ``Host``.

        What a proxy sends to a parent has a whole URL in the place of the path.
        """
        if not path.startswith(b"/") and b"://" in path:
            authority, slash, rest = path.partition(b"://")[2].partition(b"/")
            host, path = authority.decode("latin-1"), slash + rest
        return self._made(host, path, query)

    def _made(self, authority: str, path: bytes, query: str) -> bytes:
        host = _host(authority)
        if self._pattern is not None:
            text = f"{host}{path.decode('utf-8', 'replace')}{'?' if query else ''}{query}"
            if found := self._pattern.search(text):
                groups = (group or "" for group in found.groups())
                return b"\x01" + b"\0".join(group.encode("utf-8", "replace") for group in groups)
        steps = [step for step in path.split(b"/") if step][: self.settings.depth]
        if self.settings.host:
            steps.insert(0, host.encode("latin-1", "replace"))
        return b"\0".join(steps)


def _parts(url: str) -> tuple[str, str, str]:
    """Return authority, path and query, each empty where there is none."""
    found = _URL.match(url)
    authority, path, query = found.groups("") if found else ("", "", "")
    return authority, path, query


def _decoded(path: str) -> bytes:
    return unquote_to_bytes(path.encode("latin-1", "replace"))


def _host(authority: str) -> str:
    """Return the host in lower case, without port and what stands before an ``@``."""
    host = authority.rpartition("@")[2]
    host = host.partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return host.lower().rstrip(".")
