"""The promises of `IICAPService`, tried on a service."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from zope.interface.exceptions import Invalid
from zope.interface.verify import verifyObject

from zcadapt.icap.decisions import Block, Decision, Respond
from zcadapt.icap.declarations import check_declarations
from zcadapt.icap.endpoint import Endpoint
from zcadapt.icap.endpoints import ON_FAILURE
from zcadapt.icap.reply import Source, choose
from zcadapt.icap.request import Request
from zcadapt.icap.settings import ICAPSettings
from zcadapt.interfaces import IICAPService
from zcadapt.rule import Candidate
from zcadapt.testing.asking import decide, new_body
from zcadapt.testing.leaving import check_leaving
from zcadapt.testing.promises import promised
from zcadapt.testing.questions import Question, by_preview, questions
from zcadapt.testing.watch import blocked_by

if TYPE_CHECKING:
    from zcadapt.icap.events import RequestHead

__all__ = ["check_service"]

Make = Callable[[], Any]

#: What clients may allow (RFC 3507, 4.6, and the partial content extension).
ALLOWED: Final = (frozenset[str](), frozenset({"204"}), frozenset({"204", "206"}))


def check_service(make: Make) -> None:
    """Check that what `make` returns keeps the promises of `zcadapt.interfaces.IICAPService`.

    It provides the interface; says of itself only what can be; is the same
    after a restart; can be asked about messages of all kinds, and its answers
    can be sent, whatever the client allows; is content with the preview that
    it asks for; does not block the event loop; and a client that goes away
    while it reads leaves nothing behind: no decision about what was not seen,
    no task, no thread, no open file. `make` is called several times: what it
    returns must not differ, or each restart would empty the caches of all
    clients.

    What blocks the loop is seen where it takes a tenth of a second each time,
    or half a second once, or where it connects, resolves a name or (from Python
    3.13 on) sleeps. For that an audit hook is added to the interpreter, which
    stays.

    Call it where no event loop runs.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    service = make()
    _check_interface(service)
    _check_options(make)
    asyncio.run(_check_answers(make()))
    asyncio.run(_check_previews(make()))
    asyncio.run(check_leaving(make()))


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


def _check_options(make: Make) -> None:
    """Read the answer to OPTIONS as a client does."""
    text = _options(make())
    fields = dict(line.split(": ", 1) for line in text.splitlines()[1:] if line)
    promised(len(fields["ISTag"]) <= len('""') + 30, f"the ISTag {fields['ISTag']} is too long")
    promised(
        _options(make()) == text,
        "a second one made has another ISTag: a restart empties all caches",
    )


def _options(service: Any) -> str:  # noqa: ANN401 - as above
    candidate = Candidate(
        "checked", service, service.adapt, valid=bool, on_failure=ON_FAILURE["error"]
    )
    endpoint = Endpoint("checked", [candidate], ICAPSettings())
    return endpoint.options(0, trailers=False, close=False).encoded.decode("latin-1")


async def _check_answers(service: Any) -> None:  # noqa: ANN401 - as above
    for question in questions(service):
        blocks = await blocked_by(partial(_check_answer, service, question))
        promised(not blocks, f"it blocks the event loop: {blocks}")


async def _check_answer(service: Any, question: Question) -> None:  # noqa: ANN401 - as above
    request = question()
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
    allows = [replace(head, allow=allow) for allow in ALLOWED]
    replies = [
        choose(decision, each, in_preview=shown) for each in allows for shown in (True, False)
    ]
    if replies[0].source is Source.MADE:
        await new_body(decision)


async def _check_previews(service: Any) -> None:  # noqa: ANN401 - as above
    """Show it as much as it asked for, and all at once, as a client without previews does."""
    for alike in by_preview(service):
        told = set()
        for question in alike:
            request = question()
            told.add(_outline(await decide(service, request)))
            request.body.lose()
        promised(
            len(told) == 1,
            f"it asks for a preview of {service.preview} bytes, and decides otherwise when it is "
            f"shown more: {' or '.join(sorted(told))}",
        )


def _outline(decision: Decision | None) -> str:
    if isinstance(decision, Block | Respond):
        return f"{type(decision).__name__} {decision.status}"
    return type(decision).__name__
