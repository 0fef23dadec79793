"""A whole server in a thread of its own, on free ports, for as long as a test needs it."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Final, Self

from zope.interface.registry import Components

from zcadapt.config import (
    Address,
    Loaded,
    Problem,
    Settings,
    SettingsError,
    read_options,
)
from zcadapt.discovery import POLICIES, SERVICES, reject_broken, unclaimed
from zcadapt.hooks import Hooks
from zcadapt.icp import ask
from zcadapt.interfaces import IICAPService, IICPPolicy
from zcadapt.runtime.assembly import Assembled, missing
from zcadapt.runtime.loop import loop_factory
from zcadapt.runtime.server import listening
from zcadapt.testing.client import Client
from zcadapt.threads import Threads, use_threads

__all__ = ["Server"]

#: Seconds in which it has begun, and in which it has ended beyond its grace.
SOON: Final = 30.0


class Server:
    """A server that consults what it is given, and nothing that happens to be installed.

    It runs from ``with`` on, to the end of that.

    Args:
        services: the services, by name.
        policies: the policies, by name.
        settings: tables of the settings file, as TOML has them. Where to
            listen is said already: on free ports of 127.0.0.1.

    Raises:
        SettingsError: the settings are wrong, or a service or policy cannot be
            asked: what ``serve`` would leave out.

    Attributes:
        components: the registry; what is registered there counts at once.
        icap: where it listens for ICAP, as (host, port).
        icp: and for ICP.
    """

    icap: Address
    icp: Address

    def __init__(
        self,
        services: Mapping[str, Any] | None = None,
        *,
        policies: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.components: Any = Components()
        for name, service in (services or {}).items():
            self.components.registerUtility(service, IICAPService, name)
        for name, policy in (policies or {}).items():
            self.components.registerUtility(policy, IICPPolicy, name)
        tables = dict(settings or {})
        for protocol in ("icap", "icp"):
            tables[protocol] = {**tables.get(protocol, {}), "listen": ["127.0.0.1:0"]}
        self._settings = read_options(Settings, tables)
        if problems := list(_problems(self.components, Loaded(self._settings))):
            raise SettingsError(problems)
        self._clients: list[Client] = []
        self._failure: BaseException | None = None
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._run, name="zcadapt server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._begun.wait(SOON):
            raise TimeoutError("the server does not begin")
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(2 * self._settings.server.grace + SOON)
        if self._thread.is_alive():
            raise TimeoutError("the server does not end")
        if self._failure is not None:
            raise self._failure

    def client(self) -> Client:
        """Return a client that is connected, and is closed with the server."""
        client = Client(*self.icap)
        self._clients.append(client)
        return client

    def query(self, url: str) -> str:
        """Return the answer to an ICP query for `url`, such as ``'ICP_OP_HIT'``.

        Call it where no event loop runs.

        Raises:
            TimeoutError: there is none.
        """
        return asyncio.run(ask(url, *self.icp, timeout=SOON)).answer

    def _run(self) -> None:
        table = self._settings.server
        try:
            with asyncio.Runner(loop_factory=loop_factory(table.loop)) as runner:
                use_threads(runner.get_loop(), Threads(table.threads, table.waiting_threads))
                runner.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - for the thread of the test to raise
            self._failure = error
        finally:
            self._begun.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        assembled = Assembled(self._settings, self.components, Hooks(), ())
        async with listening(assembled) as (_, _, addresses):
            (self.icap,), (self.icp,) = addresses["icap"], addresses["icp"]
            self._begun.set()
            await self._stop.wait()


def _problems(components: Any, loaded: Loaded) -> Iterator[Problem]:  # noqa: ANN401 - as above
    yield from reject_broken(components)
    for kind in (SERVICES, POLICIES):
        yield from unclaimed(components, loaded, kind)
    yield from missing(components, loaded)
