"""What a request is about: the URLs that are looked up."""

import re
from collections.abc import Callable, Collection
from functools import cache
from typing import Final

from zcadapt import Request
from zcadapt_urllist.canonical import (
    MOST_HOSTS,
    host_bytes,
    keys_of_authority,
    read_url,
    shown,
)
from zcadapt_urllist.paths import path_of, strict_path_of

__all__ = ["MOST_SUBJECTS", "Subject", "subject_of_url", "subjects_of", "subjects_of_url"]

#: A Host field, with its folded continuations. The head is searched as it is:
#: to read all fields for the one would cost more than to look the URL up.
_HOST = re.compile(rb"\n[Hh][Oo][Ss][Tt][ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)")

#: Who names more hosts than this is not allowed anything; there has to be one.
MOST_SUBJECTS: Final = 8

Reader = Callable[[str], bytes]


class Subject:
    """One URL, made ready as far as a list wants it.

    Attributes:
        key: the host as it is looked up; empty: more hosts than are looked up.
        sharing: how many share the time that expressions may take; 0: it has none.
    """

    __slots__ = ("_full", "_path_of", "_rest", "_scheme", "_strict", "_strict_of", "key", "sharing")

    def __init__(
        self,
        scheme: str,
        key: bytes,
        rest: str | None,
        path_of: Reader = path_of,
        strict_of: Reader = strict_path_of,
    ) -> None:
        self.key = key
        self.sharing = 1
        self._scheme = scheme
        self._rest = rest
        self._path_of = path_of
        self._strict_of = strict_of
        self._full: bytes | None = None
        self._strict: bytes | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {shown(self.key)}>"

    @property
    def full(self) -> bytes:
        """The whole URL as it is looked up; of a CONNECT the host alone."""
        if self._full is None:
            self._full = self.key if self._rest is None else self.key + self._path_of(self._rest)
        return self._full

    @property
    def strict(self) -> bytes:
        """The whole URL as it is allowed; empty where it can be read in two ways."""
        if self._rest is None:
            return self.key
        if self._strict is None:
            path = self._strict_of(self._rest)
            self._strict = self.key + path if path else b""
        return self._strict

    @property
    def host(self) -> str:
        """The host."""
        return shown(self.key)

    @property
    def text(self) -> bytes:
        """The whole URL as expressions see it: ``http://example.com/a?b``."""
        path = self.full[len(self.key) :] or b"/"
        return b"%s://%s%s" % (self._scheme.encode(), host_bytes(self.key), path)

    @property
    def strict_text(self) -> bytes:
        """The same as it is allowed; empty where it can be read in two ways."""
        if self._rest is None:
            return self.text
        path = self.strict[len(self.key) :]
        return b"%s://%s%s" % (self._scheme.encode(), host_bytes(self.key), path) if path else b""


def subjects_of(request: Request) -> list[Subject]:
    """Return what `request` is about.

    The host of the target counts, and so does each that a Host field names:
    who disagrees about it with the origin server is not trusted. Neither is
    who writes them so that they can be read in several ways: all of them count.
    Where they are more than `MOST_HOSTS`, or longer than any, they are one
    subject, without a host.
    """
    http = request.http.request
    target = http.target
    rests: tuple[str | None, ...]
    if http.method == "CONNECT":
        scheme, keys, rests = "https", keys_of_authority(target), (None,)
    elif target.startswith("/") or target == "*":
        scheme, keys, rests = "http", (), (target.removeprefix("*"),)
    else:
        scheme, keys, rests = read_url(target)
    found = dict.fromkeys(keys)
    # One that is folded, or has blanks, names more than one host: all of them count.
    words = dict.fromkeys(b" ".join(_HOST.findall(http.raw)).split())
    if len(words) > MOST_HOSTS:
        return [_crowd(scheme)]
    for word in words:
        found.update(dict.fromkeys(keys_of_authority(word.decode("latin-1"))))
        if len(found) > MOST_HOSTS:
            break
    return _subjects(scheme, found, rests)


def subjects_of_url(url: str) -> list[Subject]:
    """Return what a query for `url` is about."""
    return _subjects(*read_url(url))


def _subjects(scheme: str, keys: Collection[bytes], rests: tuple[str | None, ...]) -> list[Subject]:
    if len(keys) == len(rests) == 1:
        return [Subject(scheme or "http", key, rests[0]) for key in keys]
    if len(keys) > MOST_HOSTS or b"" in keys:
        return [_crowd(scheme)]
    readers = cache(path_of), cache(strict_path_of)  # each path is read once, whosever it is
    subjects = [Subject(scheme or "http", key, rest, *readers) for rest in rests for key in keys]
    for each in subjects[:MOST_SUBJECTS]:
        each.sharing = min(len(subjects), MOST_SUBJECTS)
    for each in subjects[MOST_SUBJECTS:]:
        each.sharing = 0
    return subjects


def _crowd(scheme: str) -> Subject:
    """Return what stands for more hosts than are looked up."""
    return Subject(scheme or "http", b"", None)


def subject_of_url(url: str) -> Subject | None:
    """Return what `url` is about, read as it usually is; None where it names no host."""
    scheme, keys, rests = read_url(url)
    return Subject(scheme or "http", keys[0], rests[0]) if keys else None
