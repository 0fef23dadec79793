"""What a service is asked about: an ICAP request."""

from collections.abc import Mapping
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from zcadapt.icap import identity
from zcadapt.icap.events import RequestHead
from zcadapt.icap.headers import Headers
from zcadapt.icap.http import HTTPMessage

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from zcadapt.icap.body import Body

__all__ = ["Request"]


class Request:
    """An ICAP request: the message under adaptation, and who asks.

    Nothing is parsed before somebody looks at it.

    Attributes:
        peer: the address of the ICAP client, a `str` and a port: ``('192.0.2.7', 40110)``.
        endpoint: the path of the ICAP URI, a `str`, without slashes around it.
        body: the body of the message, a `zcadapt.icap.body.Body`.
    """

    def __init__(
        self, head: RequestHead, peer: tuple[str, int], endpoint: str, body: "Body"
    ) -> None:
        self._head = head
        self.peer = peer
        self.endpoint = endpoint
        self.body: Any = body

    def __repr__(self) -> str:
        # No user, password or query of the URL: this is what stands in logs.
        return f"<{self.method} {self.http.shown_url!r:.100}>"

    @property
    def method(self) -> str:
        """``'REQMOD'`` or ``'RESPMOD'``."""
        return self._head.line.method

    @property
    def uri(self) -> str:
        """The ICAP URI, as the client wrote it (RFC 3507, 4.2)."""
        return self._head.line.uri

    @cached_property
    def args(self) -> Mapping[str, str]:
        """The arguments in the query of the ICAP URI; of a repeated one the last counts."""
        return dict(parse_qsl(self._head.line.query, keep_blank_values=True))

    @cached_property
    def headers(self) -> Headers:
        """The ICAP header fields."""
        return Headers(self._head.raw.partition(b"\r\n")[2] + b"\r\n")

    @cached_property
    def http(self) -> HTTPMessage:
        """The HTTP message under adaptation."""
        return HTTPMessage(self._head.request, self._head.response)

    @property
    def allow(self) -> frozenset[str]:
        """The features that the client allows, of ``'204'``, ``'206'`` and ``'trailers'``."""
        return self._head.allow

    @property
    def preview(self) -> int | None:
        """How many bytes of the body the client shows first, or None where all of it comes."""
        return self._head.preview

    @cached_property
    def client_ip(self) -> str | None:
        """The address of the HTTP client, from X-Client-IP, or None where it is not told."""
        return identity.client_ip(self._head.fields)

    @cached_property
    def user(self) -> str | None:
        """The name of the user, decoded and without scheme, or None where it is not told.

        From X-Authenticated-User, X-Client-Username or X-Subscriber-ID, the first that is
        there.
        """
        return identity.user(self._head.fields)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The names of the user's groups, decoded and without scheme.

        From X-Authenticated-Groups; none where it is not there.
        """
        return identity.groups(self._head.fields)

    def for_thread(self, loop: "AbstractEventLoop") -> "Request":
        """Return the same request with a body that a thread can read while `loop` runs."""
        request = copy(self)
        request.body = self.body.for_thread(loop)
        return request
