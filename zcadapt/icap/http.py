"""The HTTP message under adaptation, read only as far as somebody looks.

Nothing here raises for what a client or an origin server wrote: a part that
cannot be read is empty, or 0 for a status, and the bytes stay as they came.
"""

import re
from functools import cached_property

from zcadapt.icap.headers import Headers, split_head

__all__ = ["HTTPMessage", "HTTPRequest", "HTTPResponse"]

#: The authority as RFC 3986 has it, which ends at a space too. A backslash ends
#: it for browsers, and for no proxy: `http://a\@b/` goes to b.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_AUTHORITY = re.compile(r"[^/?#\s]*", re.ASCII)  # in latin-1 a byte of UTF-8 may be a space
_PATH_END = re.compile(r"[?#]")
_USERINFO = re.compile(r"(?:^|(?<=://))[^/?#]*@")
_PARAMETERS = re.compile(r";[^/]*")  # some keep a session in them (RFC 3986, 3.3)


class _Head:
    """The bytes of a head up to and with its blank line, and its parts."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    @cached_property
    def start_line(self) -> str:
        """The first line, without its end."""
        return split_head(self.raw)[0].decode("latin-1")

    @cached_property
    def headers(self) -> Headers:
        """The header fields."""
        return Headers(split_head(self.raw)[2])


class HTTPRequest(_Head):
    r"""The head of an HTTP request.

    >>> request = HTTPRequest(b'GET /a HTTP/1.1\r\nHost: example.com\r\n\r\n')
    >>> request.method, request.target, request.version, request.headers['host']
    ('GET', '/a', 'HTTP/1.1', 'example.com')

    Attributes:
        raw: its bytes, up to and with the blank line.
    """

    @cached_property
    def _words(self) -> tuple[str, str, str]:
        method, _, rest = self.start_line.strip(" ").partition(" ")
        target, _, version = rest.rpartition(" ")
        if not version.startswith("HTTP/"):
            return method, rest.strip(" "), ""
        return method, target.strip(" "), version

    @property
    def method(self) -> str:
        """The method, as it was written."""
        return self._words[0]

    @property
    def target(self) -> str:
        """The request target, as it was written."""
        return self._words[1]

    @property
    def version(self) -> str:
        """``HTTP/1.1``, or empty."""
        return self._words[2]


class HTTPResponse(_Head):
    r"""The head of an HTTP response.

    >>> response = HTTPResponse(b'HTTP/1.1 404 Not Found\r\n\r\n')
    >>> response.version, response.status, response.phrase
    ('HTTP/1.1', 404, 'Not Found')

    Attributes:
        raw: its bytes, up to and with the blank line.
    """

    @cached_property
    def _words(self) -> tuple[str, int, str]:
        version, _, rest = self.start_line.partition(" ")
        status, _, phrase = rest.partition(" ")
        known = len(status) == 3 and status.isdecimal() and status.isascii()  # noqa: PLR2004 - digits
        return version, int(status) if known else 0, phrase

    @property
    def version(self) -> str:
        """``HTTP/1.1``."""
        return self._words[0]

    @property
    def status(self) -> int:
        """The status code; 0 where there is none that can be read."""
        return self._words[1]

    @property
    def phrase(self) -> str:
        """The reason phrase, or empty."""
        return self._words[2]


class HTTPMessage:
    """The request, and in RESPMOD the response to it; each may be missing."""

    def __init__(self, request: bytes | None, response: bytes | None) -> None:
        self._request = request
        self._response = response

    @cached_property
    def request(self) -> HTTPRequest:
        """The request head; empty where the client sent none (RFC 3507, 4.4.1)."""
        return HTTPRequest(self._request or b"")

    @cached_property
    def response(self) -> HTTPResponse:
        """The response head; empty in REQMOD, and where the client sent none."""
        return HTTPResponse(self._response or b"")

    @cached_property
    def url(self) -> str:
        """The URL asked for, which is the target, with the Host header before a relative one.

        That of a CONNECT is ``host:port``; it is empty without a request.
        """
        target = self.request.target
        if target != "*" and not target.startswith("/"):
            return target
        host = self.request.headers.get("host", "")
        return f"http://{host}{target if target != '*' else ''}" if host else target

    @property
    def shown_url(self) -> str:
        r"""`url` without user, password, parameters and query, as a log or a page may show it.

        >>> HTTPMessage(b'GET http://ann:pw@example.com/a;s=1?b=c HTTP/1.1\r\n\r\n', None).shown_url
        'http://example.com/a'
        """
        bare = _PATH_END.split(_USERINFO.sub("", self.url), maxsplit=1)[0]
        return _PARAMETERS.sub("", bare)

    @cached_property
    def host(self) -> str:
        r"""The host asked for, in lower case, without user, port, brackets and final dot.

        An absolute target counts, whatever the Host header says (RFC 9112, 3.2.2).

        >>> HTTPMessage(b'GET http://u@Example.COM.:80/ HTTP/1.1\r\n\r\n', None).host
        'example.com'
        """
        target = self.request.target
        authority, start = target, 0
        if scheme := _SCHEME.match(target):
            start = scheme.end()
        elif self.request.method != "CONNECT":
            authority = self.request.headers.get("host", "")
        host = _AUTHORITY.match(authority, start)[0].rpartition("@")[2]  # type: ignore[index]  # matches any text
        host = host.encode("latin-1").lower().decode("latin-1")  # ASCII only
        if host.startswith("["):
            return host[1:].partition("]")[0]
        return host.partition(":")[0].rstrip(".")
