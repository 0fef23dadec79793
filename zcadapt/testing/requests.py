"""ICAP requests made by hand, as the server would hand them to a service."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from zcadapt.icap.body import Body
from zcadapt.icap.connection import Connection
from zcadapt.icap.events import RequestHead
from zcadapt.icap.limits import GIB, MIB, Limits
from zcadapt.icap.request import Request
from zcadapt.icap.spool import Disk, Spool

__all__ = ["GivenBody", "reqmod_request", "respmod_request"]

HeaderItems = Mapping[str, str] | Iterable[tuple[str, str]]

PEER: Final = ("127.0.0.1", 49152)


class GivenBody(Body):
    """A body whose rest comes when somebody reads past the preview.

    Attributes:
        was_continued: whether that has happened: on the wire it would have
            cost a ``100 Continue``.
        whole: all of it, whoever has read how much.
    """

    __slots__ = ("_rest", "was_continued", "whole")

    def __init__(self, body: bytes, preview: int | None) -> None:
        shown = len(body) if preview is None else preview
        # All of it stays in memory, where it is: of a file nobody would say when it can go.
        spool = Spool(max(MIB, len(body)), Disk(GIB))
        super().__init__(spool, self._come, complete=len(body) <= shown)
        self.was_continued = False
        self.whole = body
        self._rest: bytes | None = body[shown:]
        if body[:shown]:
            self.feed(body[:shown])
        self.show_preview()

    def never_ends(self) -> None:
        """Let the rest never come: the client falls silent."""
        self._rest = None

    def _come(self) -> None:
        self.was_continued = True
        if self._rest is not None:
            self.feed(self._rest)
            self.end()


def reqmod_request(  # noqa: PLR0913 - a request has these parts
    url: str,
    *,
    method: str = "GET",
    headers: HeaderItems = (),
    body: bytes | None = None,
    preview: int | None = None,
    client_ip: str | None = None,
    user: str | None = None,
    icap_headers: HeaderItems = (),
    endpoint: str = "reqmod",
) -> Request:
    """Return a request for REQMOD: somebody asks for `url`.

    Args:
        url: the URL; the Host header follows from it.
        method: the HTTP method.
        headers: the headers of the HTTP request.
        body: its body; Content-Length follows from it.
        preview: how many bytes of it are there at once; all where it is None.
        client_ip: the address of who asks, as X-Client-IP tells it.
        user: who asks, as X-Authenticated-User tells it.
        icap_headers: further headers of the ICAP request.
        endpoint: the path of the ICAP URI, perhaps with a query.
    """
    http = _request_head(method, url, headers, body)
    extra = (*_pairs(icap_headers), *_identity(client_ip, user))
    return _request("REQMOD", endpoint, extra, [("req-hdr", http)], body, preview)


def respmod_request(  # noqa: PLR0913 - a request has these parts
    url: str,
    *,
    status: int = 200,
    headers: HeaderItems = (),
    body: bytes | None = None,
    preview: int | None = None,
    method: str = "GET",
    request_headers: HeaderItems = (),
    client_ip: str | None = None,
    user: str | None = None,
    icap_headers: HeaderItems = (),
    endpoint: str = "respmod",
) -> Request:
    """Return a request for RESPMOD: somebody asked for `url`, and this is the response.

    `headers`, `status` and `body` are those of the response; `method` and
    `request_headers` those of the request. The rest is as for
    `reqmod_request`.
    """
    first = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
    request = _request_head(method, url, request_headers, None)
    response = _head(first, _with_length(_pairs(headers), body))
    extra = (*_pairs(icap_headers), *_identity(client_ip, user))
    parts = [("req-hdr", request), ("res-hdr", response)]
    return _request("RESPMOD", endpoint, extra, parts, body, preview)


Pairs = tuple[tuple[str, str], ...]


def _request(  # noqa: PLR0913, PLR0917 - as above
    method: str,
    endpoint: str,
    extra: Pairs,
    parts: list[tuple[str, bytes]],
    body: bytes | None,
    preview: int | None,
) -> Request:
    """Write the request as a client would, and read it as the server does."""
    fields = [("Host", "icap.example"), ("Allow", "204, 206"), *extra]
    if preview is not None:
        fields.append(("Preview", str(preview)))
    fields.append(("Encapsulated", _encapsulated(method, parts, body)))
    connection = Connection(Limits())
    connection.receive_data(_head(f"{method} icap://icap.example/{endpoint} ICAP/1.0", fields))
    connection.receive_data(b"".join(head for _, head in parts))
    event = connection.next_event()
    if not isinstance(event, RequestHead):
        raise TypeError("these parts do not make a request")
    name = event.line.path.strip("/")
    return Request(event, PEER, name, GivenBody(body or b"", preview))


def _encapsulated(method: str, parts: list[tuple[str, bytes]], body: bytes | None) -> str:
    offsets, at = [], 0
    for name, head in parts:
        offsets.append(f"{name}={at}")
        at += len(head)
    kind = "req-body" if method == "REQMOD" else "res-body"
    return ", ".join([*offsets, f"{'null-body' if body is None else kind}={at}"])


def _request_head(method: str, url: str, headers: HeaderItems, body: bytes | None) -> bytes:
    pairs = _pairs(headers)
    if not _has(pairs, "host"):
        pairs = (("Host", urlsplit(url).netloc.rpartition("@")[2]), *pairs)
    return _head(f"{method} {url} HTTP/1.1", _with_length(pairs, body))


def _with_length(pairs: Pairs, body: bytes | None) -> Pairs:
    if body is None or _has(pairs, "content-length") or _has(pairs, "transfer-encoding"):
        return pairs
    return (*pairs, ("Content-Length", str(len(body))))


def _has(pairs: Pairs, name: str) -> bool:
    return any(key.lower() == name for key, _ in pairs)


def _identity(client_ip: str | None, user: str | None) -> Pairs:
    pairs: Pairs = ()
    if client_ip is not None:
        pairs = (("X-Client-IP", client_ip),)
    if user is not None:
        encoded = b64encode(f"Local://{user}".encode()).decode()
        pairs = (*pairs, ("X-Authenticated-User", encoded))
    return pairs


def _head(first: str, fields: Iterable[tuple[str, str]]) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _pairs(headers: HeaderItems) -> Pairs:
    return tuple(headers.items() if isinstance(headers, Mapping) else headers)
