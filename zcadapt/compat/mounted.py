"""Handlers in the manner of pyicap as services of a zcadapt server.

A handler that leaves a message alone and sets no ICAP header has no opinion:
the next service is asked. Its method for OPTIONS is called once, when the
service is made: what it says there of previews and of files counts, and its
ISTag. ``Preview`` without ``Transfer-Preview`` makes no proxy send previews;
who does not ask for them, so, sees none: it reads the body as a whole.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from zcadapt.compat.mounted_line import MountedLine
from zcadapt.compat.request_handler import RequestHandler, method_of
from zcadapt.icap.body import NO_BODY
from zcadapt.icap.decisions import Decision
from zcadapt.icap.endpoint import METHODS
from zcadapt.icap.events import RequestHead
from zcadapt.icap.head import RequestLine
from zcadapt.icap.request import Request
from zcadapt.icap.service import FunctionService, blocking

__all__ = ["service_of"]

logger = logging.getLogger("zcadapt.icap")

OK: Final = 200


def service_of(  # noqa: PLR0913 - what a service may say of itself
    handler: type[RequestHandler[Any]],
    name: str,
    *,
    server: object = None,
    preview: int | None = None,
    version: str = "",
    on_error: str = "error",
    timeout: float | None = None,
) -> FunctionService:
    """Return the methods of a handler class for one service as a service, an `IICAPService`.

    It serves REQMOD if the class has ``NAME_REQMOD``, and RESPMOD likewise.

    Args:
        handler: the class.
        name: the service as the class calls it: ``echo`` for ``echo_REQMOD``.
        server: what its instances have as ``self.server``; None: something without attributes.
        preview: how many bytes of a body clients are asked to show first; None: what
            ``NAME_OPTIONS`` says.
        version: part of what makes the ISTag (RFC 3507, 4.7).
        on_error: what follows when the handler fails: ``'error'`` (ICAP 500), ``'skip'``
            or ``'block'``.
        timeout: the seconds that it may take, without those in which the client sends;
            None: 30.

    Raises:
        ValueError: the class has no such method.
    """
    methods = tuple(method for method in METHODS if method_of(handler, name, method))
    if not methods:
        raise ValueError(f"{handler.__qualname__} has neither {name}_REQMOD nor {name}_RESPMOD")
    place = _Place() if server is None else server
    said = _options(handler, name, place)
    preview = _wanted_preview(said) if preview is None else preview
    service = _Service(
        blocking(_adapt(handler, name, place, shows=preview is not None)),
        methods,
        preview=preview or 0,
        version=version or said.get("istag", ""),
        on_error=on_error,
        timeout=timeout,
    )
    service.transfer_ignore = _extensions(said.get("transfer-ignore", ""))
    service.transfer_complete = _extensions(said.get("transfer-complete", ""))
    return service


class _Service(FunctionService):
    """A service that says which files it need not see, and which without preview."""

    transfer_ignore: Any
    transfer_complete: Any


class _Place:
    """Stands in for the server that an instance knows."""


def _adapt(
    handler: type[RequestHandler[Any]], name: str, place: object, *, shows: bool
) -> Callable[[Request], Decision | None]:
    """Return what a handler decides on a request; `shows`: it sees previews."""

    def adapt(request: Request) -> Decision | None:
        line = MountedLine(_head(request, name, shows=shows), request.body)
        try:
            handler(line, request.peer, place)  # type: ignore[arg-type]  # it knows a Line
            return line.decision()
        finally:
            line.release()

    adapt.__module__, adapt.__qualname__ = handler.__module__, f"{handler.__qualname__}.{name}"
    return adapt


def _wanted_preview(said: Mapping[str, str]) -> int | None:
    """Return the preview that a handler asks for, as proxies read it; None: it asks for none."""
    preview = said.get("preview", "")
    return int(preview) if preview.isdecimal() and "transfer-preview" in said else None


def _head(request: Request, name: str, *, shows: bool) -> RequestHead:
    """Return a request as it would come to a server of the handler's own."""
    first = f"{request.method} {request.uri} ICAP/1.0\r\n".encode("latin-1")
    http = request.http
    return RequestHead(
        RequestLine(request.method, request.uri, f"/{name}", ""),
        first + request.headers.block.removesuffix(b"\r\n"),
        {},
        http.request.raw or None,
        http.response.raw or None,
        not request.body.is_empty,
        request.preview if shows else None,
        request.allow,
    )


def _options(handler: type[RequestHandler[Any]], name: str, place: object) -> dict[str, str]:
    """Return the headers with which a handler answers OPTIONS, by lower-case name."""
    if method_of(handler, name, "OPTIONS") is None:
        return {}
    uri = f"icap://localhost/{name}"
    raw = f"OPTIONS {uri} ICAP/1.0\r\nHost: localhost".encode("latin-1")
    asked = RequestLine("OPTIONS", uri, f"/{name}", "")
    head = RequestHead(asked, raw, {}, None, None, False, None, frozenset())  # noqa: FBT003
    line = MountedLine(head, NO_BODY)  # type: ignore[arg-type]  # of which nothing is read
    try:
        handler(line, ("localhost", 0), place)  # type: ignore[arg-type]  # it knows a Line
    except Exception as error:  # noqa: BLE001 - a handler may raise anything
        logger.warning("%s_OPTIONS of %s fails: %r", name, handler.__qualname__, error)
    finally:
        line.release()
    answered = line.answer.icap if line.answer and line.answer.code == OK else ()
    said = {key.lower(): value for key, value in answered}
    return {**said, "istag": line.tags.get(name, "")}


def _extensions(value: str) -> tuple[str, ...]:
    """Return the file extensions in a list; ``*``, all others, is for the server to say."""
    return tuple(each for each in value.replace(",", " ").split() if each != "*")
