"""What the handlers of icap_server 0.14 get and answer, and how one becomes a service."""

import string
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial, wraps
from typing import Any, Final
from urllib.parse import ParseResultBytes, quote, urlparse

from zcadapt.compat.changes import change
from zcadapt.icap.decisions import KEEP, RESERVED, Decision, allow, respond
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

#: What stands in a URI as it is, if it does not spoil its host.
PLAIN: Final = string.punctuation
PLAIN_ANYWHERE: Final = PLAIN.replace("[", "").replace("]", "")

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
        uri: the parts of the URI as the client wrote it, which may be no more than a path;
            but for bytes beyond ASCII, which are quoted, as are all brackets where those
            of the host enclose no address.
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

    def __bytes__(self) -> bytes:
        """Return the line, without its end."""
        return b"%b %b ICAP/%b" % (self.method.value, self.uri.geturl(), self.version_string)


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
    body that is None or empty is none.

    Fields are compared by name, and those that are as they were stay as they
    came, in their case and place. Content-Length follows from the body; one
    that is taken out stays away as long as the body is the same.

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
        handler: the coroutine function. Its name is part of the ISTag; that of
            what is called has a ``partial``, and of an object its class.
        methods: those it serves: ``'REQMOD'``, ``'RESPMOD'`` or both.
        preview: how many bytes of a body clients are asked to show first
            (RFC 3507, 4.5). The handler gets all of it, whatever the preview.
        body_bytes: the longest body that the handler gets, in bytes; with a
            longer one the service fails.
        version: part of what makes the ISTag (RFC 3507, 4.7): change it when
            the handler would answer otherwise than before, and where handlers
            that have the same name answer differently.
        on_error: what follows when the handler fails: ``'error'`` (ICAP 500),
            ``'skip'`` or ``'block'``.
        timeout: the seconds that it may take, without those in which the client
            sends; None: 30.
    """

    @wraps(_named(handler), updated=())
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


def _named(handler: Any) -> Any:  # noqa: ANN401 - whatever can be called
    """Return what has the name of `handler`."""
    if isinstance(handler, partial):  # one of another is one of what that calls
        handler = handler.func
    return handler if hasattr(handler, "__qualname__") else type(handler)


def _parts(uri: str) -> ParseResultBytes:
    # urlparse takes no bytes beyond ASCII.
    try:
        return urlparse(quote(uri, PLAIN, "latin-1").encode("ascii"))
    except ValueError:  # whom the URI names as the host does not matter
        return urlparse(quote(uri, PLAIN_ANYWHERE, "latin-1").encode("ascii"))


def _asked(request: Request, body: bytes) -> ICAPRequest:
    headers: dict[bytes, list[bytes]] = {}
    for name, value in request.headers.pairs:
        headers.setdefault(name.lower().encode("latin-1"), []).append(value.encode("latin-1"))
    in_reqmod = request.method == "REQMOD"
    return ICAPRequest(
        ICAPRequestLine(ICAPMethod(request.method.encode("ascii")), _parts(request.uri), b"1.0"),
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
            _bytes(content.response_body),
            phrase=response.phrase,
            icap_headers=icap_headers,
        )
    old: HTTPRequest | HTTPResponse
    new: HTTPRequest | HTTPResponse
    if in_reqmod:
        old = http.request
        new = HTTPRequest(content.request_header or old.raw)
        new_body = _bytes(content.request_body)
    else:
        old = http.response
        new = HTTPResponse(content.response_header or old.raw)
        new_body = _bytes(content.response_body)
    return change(old, new, KEEP if new_body == body else new_body, icap_headers)


def _bytes(body: Any) -> Any:  # noqa: ANN401 - what is none is refused where it is sent
    """Return a body as bytes, whichever kind of them a handler has made."""
    return bytes(body) if isinstance(body, bytearray | memoryview) else body or b""


def _pairs(headers: Mapping[bytes, Sequence[bytes]]) -> list[tuple[str, str]]:
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in headers.items()
        if name.decode("latin-1").lower() not in OURS
        for value in values
    ]
