"""The part in the server's life: policies beside services, changed files, the command."""

import asyncio
import logging
from typing import Any, Final

import click

from zcadapt import hookimpl
from zcadapt.interfaces import IICAPService, IICPPolicy, IICPQueryPolicy
from zcadapt_urllist.command import urllist
from zcadapt_urllist.policy import policy_of
from zcadapt_urllist.service import URLList
from zcadapt_urllist.watching import Watcher

__all__ = ["Plugin", "plugin"]

log = logging.getLogger(__name__)


class Plugin:
    """The hooks."""

    def __init__(self) -> None:
        self._watcher: Watcher | None = None

    @hookimpl
    def zcadapt_register(self, registry: Any) -> None:  # noqa: ANN401 - zope has no annotations
        """Answer ICP queries under the name of each service that has lists for them."""
        for name, service in _services(registry):
            if service.answers_queries and registry.queryUtility(IICPPolicy, name) is None:
                kind = IICPQueryPolicy if service.needs_query else IICPPolicy
                registry.registerUtility(policy_of(service), kind, name, event=False)

    @hookimpl
    def zcadapt_startup(self, registry: Any) -> None:  # noqa: ANN401 - as above
        """Look after the files from now on."""
        services = _services(registry)
        for name, service in services:
            if not service.lists:
                log.info("service %r is not configured: it has no lists", name)
        watched = [service for _, service in services if service.lists]
        if watched:
            self._watcher = Watcher(watched)
            self._watcher.start()

    @hookimpl
    async def zcadapt_shutdown(self) -> None:
        """Look after them no more."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            await asyncio.to_thread(watcher.stop)

    @hookimpl
    def zcadapt_commands(self, group: click.Group) -> None:
        """Add ``zcadapt urllist``."""
        group.add_command(urllist)


def _services(registry: Any) -> list[tuple[str, URLList]]:  # noqa: ANN401 - as above
    found = registry.getUtilitiesFor(IICAPService)
    return [(name, each) for name, each in found if isinstance(each, URLList)]


plugin: Final = Plugin()
