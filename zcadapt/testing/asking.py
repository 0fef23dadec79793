"""Asking one service about one request, as the server would."""

import asyncio
from collections.abc import AsyncIterable
from typing import Any

from zcadapt.icap.decisions import KEEP, Decision, Modify, Respond
from zcadapt.icap.request import Request
from zcadapt.rule import DEFAULT_TIMEOUT, Candidate, consult, go_on

__all__ = ["decide", "decide_now", "new_body"]


async def decide(service: Any, request: Request) -> Decision | None:  # noqa: ANN401 - IICAPService
    """Return what `service` decides about `request`, however it takes its time.

    Raises:
        Exception: what the service raised; TimeoutError where it took longer
            than its ``timeout``; TypeError where it returned no decision.
    """
    candidate = Candidate(
        "",
        service,
        service.adapt,
        valid=lambda answer: isinstance(answer, Decision),
        on_failure=_raise,
        timeout=getattr(service, "timeout", None) or DEFAULT_TIMEOUT,
    )
    asked = iter([candidate])
    clock = request.body.new_clock()
    won = await go_on(
        asked,
        request,
        consult(asked, request),
        limit=lambda candidate: clock.limit(candidate.timeout),
    )
    decision: Decision | None = won.answer if won is not None else None
    return decision


def decide_now(service: Any, request: Request) -> Decision | None:  # noqa: ANN401 - IICAPService
    """Return what `service` decides about `request`, where no event loop runs: see `decide`."""
    return asyncio.run(decide(service, request))


async def new_body(decision: Decision) -> bytes | None:
    """Return the body that `decision` gives the message, whole; None: it keeps its own."""
    if not isinstance(decision, Modify | Respond) or decision.body is KEEP:
        return None
    if isinstance(decision.body, AsyncIterable):
        return b"".join([piece async for piece in decision.body])
    return bytes(decision.body)  # type: ignore[arg-type]  # all that is left


def _raise(_: Candidate, __: object, error: BaseException) -> None:
    raise error
