"""The part in the server's life: what is told when it begins, and when it ends."""

import asyncio
from typing import Any, Final

from zcadapt import hookimpl
from zcadapt.interfaces import IICAPService
from zcadapt_clamav.service import ClamAV

__all__ = ["Plugin", "plugin"]


class Plugin:
    """The hooks."""

    @hookimpl
    async def zcadapt_startup(self, registry: Any) -> None:  # noqa: ANN401 - zope has no annotations
        """Tell of a clamd that is not there."""
        await asyncio.gather(*(each.begin() for each in _services(registry)))

    @hookimpl
    def zcadapt_shutdown(self, registry: Any) -> None:  # noqa: ANN401 - as above
        """Tell what came of all messages."""
        for each in _services(registry):
            each.tell_counters()


def _services(registry: Any) -> list[ClamAV]:  # noqa: ANN401 - as above
    found = registry.getUtilitiesFor(IICAPService)
    return [each for _, each in found if isinstance(each, ClamAV)]


plugin: Final = Plugin()
