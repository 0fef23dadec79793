"""What is installed: entry points, and the distributions that declare them."""

from dataclasses import dataclass
from importlib.metadata import EntryPoint, distributions
from typing import Any, Final, NamedTuple

from zcadapt.config import Problem

__all__ = ["FAILURES", "Declared", "Origin", "installed", "told"]

#: What importing or making a plugin may end with that is no reason to end the server.
FAILURES: Final = (Exception, SystemExit)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a utility comes from: an entry point of a distribution, or Python code."""

    module: str
    distribution: str = ""
    version: str = ""
    group: str = ""
    entry_point: str = ""

    def __str__(self) -> str:
        if not self.distribution:
            return f"registered in Python ({self.module})"
        return f"{self.distribution} {self.version} ({self.group}: {self.entry_point})"


class Declared(NamedTuple):
    """An entry point, and where it comes from."""

    entry_point: EntryPoint
    origin: Origin


def installed(group: str) -> tuple[dict[str, Declared], list[Problem]]:
    """Return the entry points of `group` by name, and what is wrong with them.

    Where several distributions claim one name, the first in the order of
    their own names has it, and each other one is a problem.
    """
    found: dict[str, Declared] = {}
    entry_points, problems = _entry_points(group)
    for declared in sorted(map(_declared, entry_points), key=_order):
        winner = found.setdefault(declared.entry_point.name, declared)
        if winner is not declared:
            problems.append(_taken(declared, winner))
    return found, problems


def _taken(declared: Declared, winner: Declared) -> Problem:
    # Settings tell entry points by their names alone, so they are no way out.
    what = f"the name is taken by {winner.origin}; uninstall one of the two distributions"
    return Problem(str(declared.origin), what)


def _entry_points(group: str) -> tuple[list[EntryPoint], list[Problem]]:
    """Return the entry points of `group`; one distribution whose list is broken hides no other.

    Of a distribution that is on the path twice the first counts, as in an import.
    """
    found: list[EntryPoint] = []
    problems = []
    seen = set()
    for distribution in distributions():
        name = getattr(distribution, "_normalized_name", None) or str(distribution)
        if name in seen:
            continue
        seen.add(name)
        try:
            found += distribution.entry_points.select(group=group)
        except FAILURES as error:
            problems.append(Problem(f"{name}: entry_points.txt", told(error)))
    return found, problems


def _declared(entry_point: EntryPoint) -> Declared:
    # Nothing is taken for granted: metadata may be missing, and a value be no module.
    metadata: Any = entry_point.dist.metadata if entry_point.dist else {}
    origin = Origin(
        module=entry_point.value.partition(":")[0].strip(),
        distribution=metadata.get("Name") or "unknown",
        version=metadata.get("Version") or "?",
        group=entry_point.group,
        entry_point=entry_point.name,
    )
    return Declared(entry_point, origin)


def _order(declared: Declared) -> tuple[str, str]:
    return declared.entry_point.name, declared.origin.distribution.lower()


def told(error: BaseException) -> str:
    """Return what `error` says, in one line, with its class unless that adds nothing."""
    text = " ".join(str(error).split())
    return text if isinstance(error, ValueError) and text else f"{type(error).__name__}: {text}"
