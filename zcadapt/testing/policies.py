"""The promises of `IICPPolicy`, tried on a policy."""

import asyncio
import inspect
from typing import Any, Final

from zcadapt.icp.datagram import build, parse
from zcadapt.icp.opcodes import ANSWERS
from zcadapt.interfaces import IICPQueryPolicy

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
    """Check that `policy` keeps the promises of `IICPPolicy`.

    It can be called, with the URL or, where it provides `IICPQueryPolicy`,
    with the query, and answers every one of them with one of the answers or
    ``None``, whatever a peer may send as a URL. Call it where no event loop
    runs.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    if not callable(policy):
        raise AssertionError(f"{policy!r} cannot be called")  # noqa: TRY004 - a promise
    for url in URLS:
        try:
            answer = asyncio.run(_answer(policy, url))
        except Exception as error:
            raise AssertionError(f"asked about {url[:80]!r} it fails: {error!r}") from error
        if answer is not None and answer not in ANSWERS:
            raise AssertionError(f"asked about {url[:80]!r} it says {answer!r:.80}")


async def _answer(policy: Any, url: str) -> object:  # noqa: ANN401 - as above
    asks_all = IICPQueryPolicy.providedBy(policy)
    answer = policy(parse(build(url), PEER) if asks_all else url)
    return await answer if inspect.isawaitable(answer) else answer
