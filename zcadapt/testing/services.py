"""The promises of `IICAPService`, tried on a service."""

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from zope.interface.exceptions import Invalid
from zope.interface.verify import verifyObject

from zcadapt.icap.decisions import Decision
from zcadapt.icap.declarations import check_declarations
from zcadapt.icap.endpoint import Endpoint
from zcadapt.icap.endpoints import ON_FAILURE
from zcadapt.icap.reply import Source, choose
from zcadapt.icap.request import Request
from zcadapt.icap.settings import ICAPSettings
from zcadapt.interfaces import IICAPService
from zcadapt.rule import Candidate
from zcadapt.testing.asking import decide, new_body
from zcadapt.testing.requests import GivenBody, reqmod_request, respmod_request

if TYPE_CHECKING:
    from zcadapt.icap.events import RequestHead

__all__ = ["check_service"]

Make = Callable[[], Any]

URL: Final = "http://www.example.com/a?b=c"
BODY: Final = b"<p>Hello, world!</p>\n" * 400
#: Seconds in which who was cancelled has to be gone.
SOON: Final = 5.0


def check_service(make: Make) -> None:
    """Check that what `make` returns keeps the promises of `IICAPService`.

    It provides the interface; says of itself only what can be; what OPTIONS
    tell about it is what it does; it can be asked about messages of all kinds
    and its answers can be sent; and a client that goes away while it reads
    leaves nothing behind. `make` is called several times: what it returns must
    not differ, or each restart would empty the caches of all clients.

    Call it where no event loop runs.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    service = make()
    _check_interface(service)
    _check_options(make)
    asyncio.run(_check_answers(make))
    asyncio.run(_check_abortion(make))


def promised(holds: object, what: str) -> None:
    """Raise where a promise does not hold."""
    if not holds:
        raise AssertionError(what)


def _check_interface(service: Any) -> None:  # noqa: ANN401 - what is to be found out
    try:
        verifyObject(IICAPService, service)
    except Invalid as error:
        raise AssertionError(f"it does not provide IICAPService: {error}") from error
    try:
        check_declarations(service)
    except ValueError as error:
        raise AssertionError(str(error)) from error
    for name in ("version", "state"):
        value = getattr(service, name, "")
        promised(isinstance(value, str), f"{name} must be a str, not {value!r:.80}")


def _endpoint(service: Any) -> Endpoint:  # noqa: ANN401 - as above
    candidate = Candidate(
        "checked", service, service.adapt, valid=bool, on_failure=ON_FAILURE["error"]
    )
    return Endpoint("checked", [candidate], ICAPSettings())


def _check_options(make: Make) -> None:
    """Read the answer to OPTIONS as a client does."""
    service = make()
    text = _endpoint(service).options(0, trailers=False, close=False).encoded.decode("latin-1")
    fields = dict(line.split(": ", 1) for line in text.splitlines()[1:] if line)
    methods = fields["Methods"].split(", ")
    promised(set(methods) == set(service.methods), f"OPTIONS offer {methods}")
    promised(len(fields["ISTag"]) <= len('""') + 30, f"the ISTag {fields['ISTag']} is too long")
    promised(int(fields["Preview"]) == service.preview, "OPTIONS ask for another preview")
    again = _endpoint(make()).options(0, trailers=False, close=False).encoded.decode("latin-1")
    promised(again == text, "a second one made has another ISTag: a restart empties all caches")


def _questions(service: Any) -> Iterator[Request]:  # noqa: ANN401 - as above
    """Messages of all kinds, for the methods that `service` declares."""
    for preview in (None, 0, service.preview, len(BODY)):
        if "REQMOD" in service.methods:
            yield reqmod_request(URL, method="POST", body=BODY, preview=preview)
        if "RESPMOD" in service.methods:
            headers = {"Content-Type": "text/html"}
            yield respmod_request(URL, headers=headers, body=BODY, preview=preview)
    if "REQMOD" in service.methods:
        yield reqmod_request(URL)
        yield reqmod_request(
            "www.example.com:443", method="CONNECT", headers={"Host": "www.example.com"}
        )
        yield reqmod_request(URL, client_ip="192.0.2.1", user="ann", method="HEAD")
    if "RESPMOD" in service.methods:
        yield respmod_request(URL, status=304)
        yield respmod_request(URL, body=b"")


async def _check_answers(make: Make) -> None:
    service = make()
    for request in _questions(service):
        try:
            decision = await decide(service, request)
            if decision is not None:
                await _check_reply(decision, request)
        except Exception as error:
            raise AssertionError(f"asked about {request!r} it fails: {error!r}") from error
        finally:
            request.body.lose()


async def _check_reply(decision: Decision, request: Request) -> None:
    """See that the answer can be sent, whatever the client allows, and its body made."""
    head: RequestHead = request._head  # noqa: SLF001 - what the server has at hand
    replies = [choose(decision, head, in_preview=in_preview) for in_preview in (True, False)]
    if replies[0].source is Source.MADE:
        await new_body(decision)


async def _check_abortion(make: Make) -> None:
    """Let the client fall silent, and then go away."""
    service = make()
    for request in _questions(service):
        body: GivenBody = request.body
        body.never_ends()
        asking = asyncio.create_task(_read_to_the_end(service, request))
        await asyncio.sleep(0)
        asking.cancel()
        body.lose()
        await asyncio.wait([asking], timeout=SOON)
        promised(asking.done(), f"it goes on with {request!r} after the client is gone")
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        await asyncio.wait(left, timeout=SOON)
    left = {task for task in left if not task.done()}
    promised(not left, f"it leaves tasks behind: {left}")


async def _read_to_the_end(service: Any, request: Request) -> None:  # noqa: ANN401 - as above
    decision = await decide(service, request)
    if decision is not None:
        await new_body(decision)
