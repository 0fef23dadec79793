"""The part in the server's life: who is not configured is told, once."""

import logging
from typing import Any

from zcadapt import hookimpl
from zcadapt.interfaces import IICAPService
from zcadapt_headers.options import Rules
from zcadapt_headers.service import HeaderChanges

__all__ = ["zcadapt_startup"]

log = logging.getLogger(__name__)


@hookimpl
def zcadapt_startup(registry: Any) -> None:  # noqa: ANN401 - zope has no annotations
    """Tell of each service that changes nothing."""
    for name, service in registry.getUtilitiesFor(IICAPService):
        if isinstance(service, HeaderChanges) and service.rules == Rules():
            log.info("service %r is not configured: it has no rules and no presets", name)
