"""What the handlers of icap_server 0.14 get and answer, and how one becomes a service."""

import string
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import wraps
from typing import Any, Final
from urllib.parse import ParseResultBytes, quote, urlparse

from zcadapt.icap.decisions import KEEP, RESERVED, Decision, allow, modify, respond
from zcadapt.icap.endpoint import METHODS
from zcadapt.icap.http import HTTPRequest, HTTPResponse
from zcadapt.icap.limits import KIB, MIB
from zcadapt.icap.request import Request
from zcadapt.icap.service import FunctionService
from zcadapt.icap.unable import UnableError

__all__ = [
    "MOST_BODY",
    "ContentAdaptationResponse",
    "EncapsulatedData",
    "Handler",
    "ICAPMethod",
    "ICAPRequest",
    "ICAPRequestLine",
    "service_of",
]

#: The longest body that a handler gets, in bytes: it has all of it in memory.
MOST_BODY: Final = 256 * MIB
#: Bytes of a body that the client is asked to send at once: small ones come whole, and the
#: client of a large one need not send it where another service has decided before.
PREVIEW: Final = 4 * KIB

#: What the server says of an answer itself, whatever a handler says.
OURS: Final = RESERVED | {"date"}

CRLF: Final = b"\r\n"
OK: Final = 200
NO_CONTENT: Final = 204


class ICAPMethod(Enum):
    """What an ICAP client asks for (RFC 3507, 4.3.2); no handler is asked with OPTIONS."""

    OPTIONS = b"OPTIONS"
    REQMOD = b"REQMOD"
    RESPMOD = b"RESPMOD"


@dataclass
class ICAPRequestLine:
    """The first line of an ICAP request (RFC 3507, 4.3.2).

    Attributes:
        method: the method.
        uri: the parts of the URI as the client wrote it, which may be no more than a path.
        version_string: the digits behind ``ICAP/``: ``b'1.0'``.
    """

    method: ICAPMethod
    uri: ParseResultBytes
    version_string: bytes

    @property
    def version(self) -> tuple[int, int]:
        """The version as numbers: ``(1, 0)``."""
        major, _, minor = self.version_string.partition(b".")
        return int(major), int(minor)

    @property
    def service_name(self) -> bytes:
        """The path of the URI without the slash that it begins with."""
        return self.uri.path.removeprefix(b"/")


@dataclass
class EncapsulatedData:
    """The encapsulated parts of a message (RFC 3507, 4.4.1); None: there is no such part.

    Attributes:
        request_header: the head of the HTTP request, up to the CRLF of its last line.
        response_header: the head of the HTTP response, likewise.
        request_body: the body of the request, whole and without chunks; None where it is empty.
        response_body: the body of the response, likewise.
        options_body: the body of an OPTIONS request, which no handler sees: None.
    """

    request_header: bytes | None = None
    response_header: bytes | None = None
    request_body: bytes | None = None
    response_body: bytes | None = None
    options_body: bytes | None = None


@dataclass
class ICAPRequest:
    """What a handler is asked about.

    Attributes:
        request_line: the first line.
        headers: the ICAP header fields: the value of each, by their lower-case name.
        body: what is encapsulated.
    """

    request_line: ICAPRequestLine
    headers: dict[bytes, list[bytes]]
    body: EncapsulatedData


@dataclass
class ContentAdaptationResponse:
    """What a handler answers.

    In REQMOD the request of `content` goes on, or, where it has a response
    head, that response goes to the user in its place (RFC 3507, 4.8.2); in
    RESPMOD the response of `content`. A head that is None stays as it is, a
    body that is None or empty is none. Content-Length follows from the body.

    Attributes:
        content: the message as it is to be.
        icap_response_code: 200; or 204, for a message that stays as it is. With
            any other the handler has failed.
        icap_response_headers: further ICAP headers, the values by name. What
            the server says itself (ISTag, Date, Encapsulated and so on) is not
            taken from them.
        content_was_altered: False: the message stays as it is, whatever `content` says.
    """

    content: EncapsulatedData
    icap_response_code: int
    icap_response_headers: Mapping[bytes, Sequence[bytes]]
    content_was_altered: bool


Handler = Callable[[ICAPRequest], Awaitable[ContentAdaptationResponse]]


def service_of(  # noqa: PLR0913 - what a service may say of itself
    handler: Handler,
    *,
    methods: Sequence[str] = METHODS,
    preview: int = PREVIEW,
    body_bytes: int = MOST_BODY,
    version: str = "",
    on_error: str = "error",
    timeout: float | None = None,
) -> FunctionService:
    """Return a handler as a service, an `IICAPService`.

    An answer that alters nothing is no opinion: the next service is asked. One
    that has ICAP headers is a decision even so, since only these have any; after
    it nobody is asked.

    Args:
        handler: the coroutine function.
        methods: those it serves: ``'REQMOD'``, ``'RESPMOD'`` or both.
        preview: how many bytes of a body clients are asked to show first
            (RFC 3507, 4.5). The handler gets all of it, whatever the preview.
        body_bytes: the longest body that the handler gets, in bytes; with a
            longer one the service fails.
        version: part of what makes the ISTag (RFC 3507, 4.7): change it when
            the handler would answer otherwise than before.
        on_error: what follows when the handler fails: ``'error'`` (ICAP 500),
            ``'skip'`` or ``'block'``.
        timeout: the seconds that it may take, without those in which the client
            sends; None: 30.
    """

    @wraps(handler)  # its name is in the ISTag
    async def adapt(request: Request) -> Decision | None:
        body = await request.body.read(body_bytes + 1)
        if len(body) > body_bytes:
            raise UnableError(f"its handler takes a body of at most {body_bytes} bytes")
        return _decision(request, body, await handler(_asked(request, body)))

    return FunctionService(
        adapt,
        tuple(methods),
        preview=preview,
        version=version,
        on_error=on_error,
        timeout=timeout,
    )


def _asked(request: Request, body: bytes) -> ICAPRequest:
    # urlparse takes no bytes beyond ASCII.
    uri = quote(request.uri, string.punctuation, "latin-1").encode("ascii")
    headers: dict[bytes, list[bytes]] = {}
    for name, value in request.headers.pairs:
        headers.setdefault(name.lower().encode("latin-1"), []).append(value.encode("latin-1"))
    in_reqmod = request.method == "REQMOD"
    return ICAPRequest(
        ICAPRequestLine(ICAPMethod(request.method.encode("ascii")), urlparse(uri), b"1.0"),
        headers,
        EncapsulatedData(
            request_header=request.http.request.raw.removesuffix(CRLF) or None,
            response_header=request.http.response.raw.removesuffix(CRLF) or None,
            request_body=(body or None) if in_reqmod else None,
            response_body=None if in_reqmod else (body or None),
        ),
    )


def _decision(request: Request, body: bytes, answer: ContentAdaptationResponse) -> Decision | None:
    """Return what `answer` says of a request whose body was `body`."""
    code, content, http = answer.icap_response_code, answer.content, request.http
    icap_headers = _pairs(answer.icap_response_headers)
    if code not in (OK, NO_CONTENT):
        raise UnableError(f"its handler answers with {code}", icap_headers=icap_headers)
    if code == NO_CONTENT or not answer.content_was_altered:
        return allow(icap_headers=icap_headers) if icap_headers else None
    in_reqmod = request.method == "REQMOD"
    if content.response_header is not None and (in_reqmod or not http.response.raw):
        response = HTTPResponse(content.response_header)
        return respond(
            response.status,
            response.headers.pairs,
            content.response_body or b"",
            phrase=response.phrase,
            icap_headers=icap_headers,
        )
    line: dict[str, Any]
    old: HTTPRequest | HTTPResponse
    new: HTTPRequest | HTTPResponse
    if in_reqmod:
        old = http.request
        new = request_head = HTTPRequest(content.request_header or old.raw)
        line = {"method": request_head.method, "url": request_head.target}
        new_body = content.request_body or b""
    else:
        old = http.response
        new = response_head = HTTPResponse(content.response_header or old.raw)
        line = {"status": response_head.status, "phrase": response_head.phrase}
        new_body = content.response_body or b""
    had, has = old.headers, new.headers
    return modify(
        **(line if new.start_line != old.start_line else {}),
        # What is as it was is not touched: it may be something that could not be sent anew.
        set_headers=[pair for pair in has.pairs if has.get_all(pair[0]) != had.get_all(pair[0])],
        remove_headers=[name for name in had if name not in has],
        body=KEEP if new_body == body else new_body,
        icap_headers=icap_headers,
    )


def _pairs(headers: Mapping[bytes, Sequence[bytes]]) -> list[tuple[str, str]]:
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in headers.items()
        if name.decode("latin-1").lower() not in OURS
        for value in values
    ]
