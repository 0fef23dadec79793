"""What would make a service decide otherwise than before, as far as its installation tells.

Part of the ISTag (RFC 3507, 4.7): the same in every process and after a
restart with the same plugins and settings, another after an upgrade or a
change of settings.
"""

import json
from collections.abc import Callable, Mapping

from zope.interface.interfaces import IComponents

from zcadapt.config import UtilityTable
from zcadapt.discovery import Registered, origins
from zcadapt.interfaces import IICAPService

__all__ = ["fingerprints"]


def fingerprints(
    components: IComponents, tables: Mapping[str, UtilityTable]
) -> Callable[[str, object], str]:
    """Return what returns the fingerprint of a (name, service).

    A service that is registered later has none beside its name.
    """
    known = {
        each.name: (each.utility, _fingerprint(each, tables.get(each.name, UtilityTable())))
        for each in origins(components, IICAPService)
    }

    def fingerprint(name: str, service: object) -> str:
        utility, text = known.get(name, (None, ""))
        return text if utility is service else ""

    return fingerprint


def _fingerprint(service: Registered, table: UtilityTable) -> str:
    parts = [
        str(service.origin),
        table.on_error,
        json.dumps(table.options, sort_keys=True, default=str),
    ]
    return " ".join(map(str, parts))
