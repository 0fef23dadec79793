"""The promises of `IICPPolicy`, tried on a policy."""

import asyncio
import inspect
from functools import partial
from typing import Any, Final

from zcadapt.icp.datagram import build, parse
from zcadapt.icp.opcodes import ANSWERS
from zcadapt.interfaces import IICPQueryPolicy
from zcadapt.testing.promises import SOON, promised
from zcadapt.testing.watch import blocked_by

__all__ = ["check_policy"]

PEER: Final = ("127.0.0.1", 3130)
URLS: Final = (
    "http://www.example.com/",
    "http://www.example.com:8080/a/b?c=d#e",
    "https://user@192.0.2.1/",
    "http://[2001:db8::1]/",
    "ftp://ftp.example.com/caf\xe9",
    "http://",
    "no URL at all",
    "",
    "http://www.example.com/" + "x" * 8000,
)


def check_policy(policy: Any) -> None:  # noqa: ANN401 - IICPPolicy
    """Check that `policy` keeps the promises of `zcadapt.interfaces.IICPPolicy`.

    It can be called, with the URL or, where it provides `zcadapt.interfaces.IICPQueryPolicy`,
    with the query, and answers every one of them with one of the answers or
    ``None``, whatever a peer may send as a URL, in time, without blocking the
    event loop (see `check_service`) and without leaving tasks behind. Call it
    where no event loop runs.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    promised(callable(policy), f"{policy!r} cannot be called")
    asyncio.run(_check(policy))


async def _check(policy: Any) -> None:  # noqa: ANN401 - as above
    for url in URLS:
        blocks = await blocked_by(partial(_check_answer, policy, url))
        promised(not blocks, f"asked about {url[:80]!r} it blocks the event loop: {blocks}")
        left = asyncio.all_tasks() - {asyncio.current_task()}
        promised(not left, f"asked about {url[:80]!r} it leaves tasks behind: {left}")


async def _check_answer(policy: Any, url: str) -> None:  # noqa: ANN401 - as above
    try:
        async with asyncio.timeout(SOON):
            answer = await _answer(policy, url)
    except (Exception, SystemExit) as error:
        raise AssertionError(f"asked about {url[:80]!r} it fails: {error!r}") from error
    is_answer = answer is None or (isinstance(answer, str) and answer in ANSWERS)
    promised(is_answer, f"asked about {url[:80]!r} it says {answer!r:.80}")


async def _answer(policy: Any, url: str) -> object:  # noqa: ANN401 - as above
    asks_all = IICPQueryPolicy.providedBy(policy)
    answer = policy(parse(build(url), PEER) if asks_all else url)
    return await answer if inspect.isawaitable(answer) else answer
