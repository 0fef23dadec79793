"""What would be consulted, in order: for people, for programs, for the start-up report."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from zope.interface.interfaces import IComponents

from zcadapt.config import Settings, UtilityTable
from zcadapt.discovery import Registered, origins
from zcadapt.interfaces import IICAPService, IICPPolicy

__all__ = ["ECHO", "Row", "consulted", "policies", "service_names", "services", "table"]

#: The service that is always there, though nobody has registered it.
ECHO: Final = "echo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A service or policy as it is listed; the fields are the keys of ``--json``."""

    protocol: str
    name: str
    methods: tuple[str, ...]
    distribution: str
    version: str
    entry_point: str
    module: str
    on_error: str

    @property
    def cells(self) -> tuple[str, ...]:
        """What people are shown of it."""
        origin = f"{self.distribution} {self.version} ({self.entry_point})"
        return (
            self.name or '""',
            " ".join(self.methods),
            f"on_error={self.on_error}",
            origin if self.distribution else f"Python ({self.module})",
        )


def services(components: IComponents, settings: Settings) -> list[Row]:
    """Return the ICAP services in the order in which they are consulted."""
    return [
        _row("icap", each, settings.services.get(each.name), "error", tuple(each.utility.methods))
        for each in origins(components, IICAPService)
    ]


def policies(components: IComponents, settings: Settings) -> list[Row]:
    """Return the ICP policies in the order in which they are consulted."""
    return [
        _row("icp", each, settings.policies.get(each.name), "skip", ("QUERY",))
        for each in origins(components, IICPPolicy)
    ]


def service_names(components: IComponents) -> list[str]:
    """Return what a name under ``[endpoints]`` may stand for, without slashes around it."""
    return [ECHO, *(each.name.strip("/") for each in origins(components, IICAPService))]


def consulted(wanted: Iterable[str], names: Iterable[str]) -> list[str]:
    """Return those of `wanted` that are among `names`, or begin one of them up to a slash."""
    known = [f"{each}/" for each in names]
    return [
        name for name in wanted if any(each.startswith(name.strip("/") + "/") for each in known)
    ]


def _row(
    protocol: str,
    found: Registered,
    table: UtilityTable | None,
    default: str,
    methods: tuple[str, ...],
) -> Row:
    own: Any = getattr(found.utility, "on_error", None)
    return Row(
        protocol=protocol,
        name=found.name,
        methods=methods,
        distribution=found.origin.distribution,
        version=found.origin.version,
        entry_point=found.origin.entry_point,
        module=found.origin.module,
        on_error=(table and table.on_error) or own or default,
    )


def table(rows: Iterable[Row]) -> list[str]:
    """Return `rows` as lines with their columns under each other; one line if there are none."""
    cells: list[Sequence[str]] = [row.cells for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    return lines or ["(none)"]
