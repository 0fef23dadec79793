"""The server as a whole: both protocols, from the first listening to the last answer."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, NamedTuple, Protocol

from zcadapt.blockpage import BlockPage, Pages
from zcadapt.config import Address, parse_address
from zcadapt.icap.endpoints import Endpoints
from zcadapt.icap.request import Request
from zcadapt.icap.server import ICAPServer
from zcadapt.icp.policies import Policies
from zcadapt.icp.server import ICPServer
from zcadapt.rule import Won
from zcadapt.runtime.assembly import Assembled
from zcadapt.runtime.fingerprint import fingerprints
from zcadapt.runtime.signals import Stop, stop_signals

__all__ = ["Addresses", "CannotListenError", "listening", "serve"]

log = logging.getLogger(__name__)

Addresses = Mapping[str, Sequence[Address]]

#: Seconds beyond the grace until what should have ended by itself is ended.
SPARE: Final = 1.0


class CannotListenError(Exception):
    """An address cannot be listened on; the message says which and why."""


class _Listening(NamedTuple):
    """Both servers, and where they listen."""

    icap: ICAPServer
    icp: ICPServer
    addresses: Addresses


class _Listener(Protocol):
    """What both servers are, seen from here."""

    async def listen(self, host: str, port: int) -> tuple[str, int]: ...

    async def close(self, grace: float) -> None: ...


async def serve(assembled: Assembled, started: Callable[[Addresses], None]) -> None:
    """Answer clients until SIGTERM or SIGINT, then those that are being answered.

    `started` is called with the addresses listened on, when the plugins have
    started too. Who is told to end before that does not wait for them.

    Raises:
        CannotListenError: an address is taken, forbidden or none of this machine.
    """
    hooks, settings = assembled.hooks, assembled.settings
    known: dict[str, Any] = {"registry": assembled.components, "settings": settings}
    grace = settings.server.grace
    with stop_signals(grace) as stop:
        async with listening(assembled) as (icap, icp, addresses):
            startup = hooks.call_async("zcadapt_startup", addresses=addresses, **known)
            if await _has_ended(startup, stop):
                started(addresses)
                await stop.asked.wait()
            told = "%s: the server ends; %d clients are connected, %d queries wait"
            log.info(told, stop.reason, icap.connections, icp.pending)
            stop.allow(2 * grace + SPARE)  # one after the other
        stop.allow(grace + SPARE)
        try:
            async with asyncio.timeout(grace):
                await hooks.call_async("zcadapt_shutdown", backwards=True, **known)
        except TimeoutError:
            log.warning("plugins did not end within the grace of %s seconds", grace)
        await _end_tasks()


async def _end_tasks() -> None:
    """Cancel what still runs, and let it end: for no longer than was allowed."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)


async def _has_ended(startup: Coroutine[Any, Any, None], stop: Stop) -> bool:
    """Await the start of the plugins; whether it came to its end before the server's."""
    starting, told = asyncio.create_task(startup), asyncio.create_task(stop.asked.wait())
    await asyncio.wait((starting, told), return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if starting.done():
        starting.result()
        return True
    log.warning("%s: the server ends before its plugins have started", stop.reason)
    starting.cancel()
    await asyncio.wait((starting,))  # no longer than the grace: see `stop_signals`
    return False


@asynccontextmanager
async def listening(assembled: Assembled) -> AsyncIterator[_Listening]:
    """Listen on all addresses of both protocols; at the end, let what runs come to its end."""
    settings = assembled.settings
    icap, icp = _icap(assembled), _icp(assembled)
    async with AsyncExitStack() as stack:

        async def listen(server: _Listener, protocol: str, listen: Sequence[str]) -> list[Address]:
            stack.push_async_callback(server.close, settings.server.grace)
            return [await _bound(server, protocol, parse_address(text)) for text in listen]

        addresses = {
            "icap": await listen(icap, "ICAP", settings.icap.listen),
            "icp": await listen(icp, "ICP", settings.icp.listen),
        }
        yield _Listening(icap, icp, addresses)


async def _bound(server: _Listener, protocol: str, address: Address) -> Address:
    try:
        return Address(*await server.listen(*address))
    except (OSError, UnicodeError) as error:  # the latter of names that cannot be asked for
        reason = getattr(error, "strerror", None) or str(error)
        if reason.startswith("error while attempting"):
            # asyncio puts the address into its own text, in other words.
            reason = os.strerror(getattr(error, "errno", None) or 0)
        raise CannotListenError(f"cannot listen on {address} ({protocol}): {reason}") from error


def _icap(assembled: Assembled) -> ICAPServer:
    settings = assembled.settings
    endpoints = Endpoints(
        assembled.components,
        aliases=settings.endpoints,
        overrides=settings.services,
        settings=settings.icap,
        fingerprint=fingerprints(assembled.components, settings.services),
    )
    pages = Pages(assembled.components, BlockPage(settings.block))
    return ICAPServer(endpoints, settings.icap, observer=_observer(assembled), pages=pages)


def _observer(assembled: Assembled) -> Callable[[Request, Won | None], None] | None:
    """Return what the ICAP server tells its decisions, as the hook wants to hear them."""
    observe = assembled.hooks.observer()
    if observe is None:
        return None

    def tell(request: Request, won: Won | None) -> None:
        name, answer = (won.candidate.name, won.answer) if won else (None, None)
        observe("icap", name, request, answer)

    return tell


def _icp(assembled: Assembled) -> ICPServer:
    settings = assembled.settings
    policies = Policies(assembled.components, overrides=settings.policies)
    return ICPServer(policies, settings.icp, observe=assembled.hooks.observer())
