"""What is left of a service's work when the client goes away in the middle of a body."""

import asyncio
import gc
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from zcadapt.icap.decisions import Decision, Respond
from zcadapt.icap.request import Request
from zcadapt.testing.asking import decide, new_body
from zcadapt.testing.promises import SOON, promised, soon
from zcadapt.testing.questions import questions
from zcadapt.threads import threads_of

if TYPE_CHECKING:
    from zcadapt.testing.requests import GivenBody

__all__ = ["check_leaving"]

#: Where the system tells which files are open.
OPEN: Final = "/dev/fd"


async def check_leaving(service: Any) -> None:  # noqa: ANN401 - IICAPService
    """Let the client fall silent, and then go away, whatever `service` is asked about.

    Raises:
        AssertionError: something is left.
    """
    await _leave_all(service)  # what it begins or opens but once, and keeps, is there from now on
    kept, before = asyncio.all_tasks(), _open_files()
    await _leave_all(service)
    left = asyncio.all_tasks() - kept
    if left:
        await asyncio.wait(left, timeout=SOON)
    left = {task for task in left if not task.done()}
    promised(not left, f"it leaves tasks behind: {left}")
    if not await soon(lambda: len(_open_files()) <= len(before)):
        # Once may be another's doing: files are those of the whole process.
        once = _open_files()
        await _leave_all(service)
        more = await soon(lambda: len(_open_files()) <= len(once))
        promised(more, f"it leaves files open: {sorted(_open_files() - before)}")


async def _leave_all(service: Any) -> None:  # noqa: ANN401 - as above
    for question in questions(service):
        request = question()
        if not request.body.complete:
            await _leave(service, request)
        request.body.lose()


async def _leave(service: Any, request: Request) -> None:  # noqa: ANN401 - as above
    body: GivenBody = request.body
    body.never_ends()
    asking = asyncio.create_task(_read_to_the_end(service, request))
    await soon(lambda: body.was_continued or asking.done())
    is_waiting = body.was_continued and not asking.done()
    asking.cancel()
    body.lose()
    await asyncio.wait([asking], timeout=SOON)
    gone = f"{request!r} after the client is gone"
    promised(asking.done(), f"it goes on with {gone}")
    if is_waiting and not asking.cancelled() and asking.exception() is None:
        refuses = isinstance(asking.result(), Respond)
        promised(refuses, f"it lets pass {gone}, and has not seen all of it")
    calls = threads_of(asyncio.get_running_loop())
    promised(await soon(lambda: not calls.in_use), f"a thread of it goes on with {gone}")


async def _read_to_the_end(service: Any, request: Request) -> Decision | None:  # noqa: ANN401 - as above
    decision = await decide(service, request)
    if decision is not None:
        await new_body(decision)
    return decision


def _open_files() -> set[str]:
    """Return which files are open, each with its number, as far as the system tells."""
    gc.collect()
    found = set()
    for each in Path(OPEN).iterdir() if Path(OPEN).is_dir() else ():
        with suppress(OSError):  # as that of the list itself
            found.add(f"{each.name} {each.readlink()}")
    return found
