"""Messages of all kinds, for a service to be asked about."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from zcadapt.icap.request import Request
from zcadapt.testing.requests import reqmod_request, respmod_request

__all__ = ["Question", "by_preview", "questions"]

#: Makes a request; it can be asked again.
Question = Callable[[], Request]

URL: Final = "http://www.example.com/a?b=c"
BODY: Final = b"<p>Hello, world!</p>\n" * 400
HTML: Final = {"Content-Type": "text/html"}

#: How a message with a body comes, by the method of ICAP.
WITH_BODY: Final[dict[str, Callable[..., Request]]] = {
    "REQMOD": partial(reqmod_request, URL, method="POST", body=BODY),
    "RESPMOD": partial(respmod_request, URL, headers=HTML, body=BODY),
}
WITHOUT: Final[dict[str, tuple[Question, ...]]] = {
    "REQMOD": (
        partial(reqmod_request, URL),
        partial(
            reqmod_request,
            "www.example.com:443",
            method="CONNECT",
            headers={"Host": "www.example.com"},
        ),
        partial(reqmod_request, URL, client_ip="192.0.2.1", user="ann", method="HEAD"),
    ),
    "RESPMOD": (partial(respmod_request, URL, status=304), partial(respmod_request, URL, body=b"")),
}


def questions(service: Any) -> Iterator[Question]:  # noqa: ANN401 - IICAPService
    """Yield questions of all kinds, for the methods that `service` declares."""
    for method in service.methods:
        for preview in (None, 0, service.preview, len(BODY)):
            yield partial(WITH_BODY[method], preview=preview)
        yield from WITHOUT[method]


def by_preview(service: Any) -> Iterator[tuple[Question, ...]]:  # noqa: ANN401 - as above
    """Yield questions that differ in nothing but that more is shown than `service` asks for."""
    for method in service.methods:
        ask = WITH_BODY[method]
        yield tuple(partial(ask, preview=each) for each in (service.preview, len(BODY), None))
