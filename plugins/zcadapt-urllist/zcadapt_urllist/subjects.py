"""What a request is about: the URLs that are looked up."""

import re
from typing import Final

from zcadapt import Request
from zcadapt_urllist.canonical import END, key_of, path_of, shown, split_url

__all__ = ["Subject", "subject_of_url", "subjects_of"]

#: A Host field, with its folded continuations. The head is searched as it is:
#: to read all fields for the one would cost more than to look the URL up.
_HOST = re.compile(rb"\n[Hh][Oo][Ss][Tt][ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)")

#: More Host fields than this are not looked at: there has to be one.
MOST_HOSTS: Final = 8


class Subject:
    """One URL, made ready as far as a list wants it.

    Attributes:
        key: the host as it is looked up.
    """

    __slots__ = ("_full", "_rest", "_scheme", "key")

    def __init__(self, scheme: str, key: bytes, rest: str | None) -> None:
        self.key = key
        self._scheme = scheme
        self._rest = rest
        self._full: bytes | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {shown(self.key)}>"

    @property
    def full(self) -> bytes:
        """The whole URL as it is looked up; of a CONNECT the host alone."""
        if self._full is None:
            self._full = self.key if self._rest is None else self.key + path_of(self._rest)
        return self._full

    @property
    def host(self) -> str:
        """The host."""
        return shown(self.key)

    @property
    def text(self) -> bytes:
        """The whole URL as expressions see it: ``http://example.com/a?b``."""
        path = self.full.partition(END)[2] or b"/"
        host = self.host.encode("utf-8", "replace")
        return b"%s://%s%s" % (self._scheme.encode(), host, path)


def subjects_of(request: Request) -> list[Subject]:
    """Return what `request` is about.

    The host of the target counts, and so does each that a Host field names:
    who disagrees about it with the origin server is not trusted.
    """
    http = request.http.request
    target = http.target
    # One that is folded, or has blanks, names more than one host: all of them count.
    hosts = [word.decode("latin-1") for each in _HOST.findall(http.raw) for word in each.split()]
    rest: str | None
    if http.method == "CONNECT":
        scheme, authority, rest = "https", target, None
    elif target.startswith("/") or target == "*":
        scheme, authority, rest = "http", "", target.removeprefix("*")
    else:
        scheme, authority, rest = split_url(target)
    found: dict[bytes, Subject] = {}
    for each in (authority, *hosts[:MOST_HOSTS]):
        key = key_of(each)
        if key and key not in found:
            found[key] = Subject(scheme or "http", key, rest)
    return list(found.values())


def subject_of_url(url: str) -> Subject | None:
    """Return what a query for `url` is about; None where it names no host."""
    scheme, authority, rest = split_url(url)
    key = key_of(authority)
    return Subject(scheme or "http", key, rest) if key else None
