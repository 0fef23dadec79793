"""The services and policies of the settings file and of what is installed, registered by name."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from zope.interface.interface import InterfaceClass
from zope.interface.interfaces import IComponents

from zcadapt.config import Loaded, Place, Problem, SettingsError, UtilityTable, did_you_mean
from zcadapt.discovery.installed import FAILURES, Declared, Origin, installed, told
from zcadapt.discovery.making import check_policy, check_service, make_policy, make_service
from zcadapt.interfaces import IICAPService, IICPPolicy
from zcadapt.registry import named_utilities, registrations

__all__ = [
    "POLICIES",
    "SERVICES",
    "Kind",
    "Registered",
    "origins",
    "register",
    "reject_broken",
    "unclaimed",
]


class Kind(NamedTuple):
    """What makes services differ from policies, to those who find and register them."""

    table: str  #: the table of the settings with a table for each
    group: str  #: the group of entry points
    interface: InterfaceClass
    make: Callable[[object, Mapping[str, object]], object]
    check: Callable[[Any], None]
    singular: str

    def tables(self, loaded: Loaded) -> Mapping[str, UtilityTable]:
        """Return what the settings say of each, by name."""
        tables: Mapping[str, UtilityTable] = getattr(loaded.settings, self.table)
        return tables


SERVICES: Final = Kind(
    "services", "zcadapt.icap_services", IICAPService, make_service, check_service, "service"
)
POLICIES: Final = Kind(
    "policies", "zcadapt.icp_policies", IICPPolicy, make_policy, check_policy, "policy"
)


class _Wanted(NamedTuple):
    """A utility that there shall be."""

    name: str
    declared: Declared
    table: UtilityTable


def register(components: IComponents, loaded: Loaded, kind: Kind) -> list[Problem]:
    """Register what entry points and settings ask for, and return what is wrong.

    What cannot be imported, made or verified is left out.
    """
    registry: Any = components  # zope.interface has no annotations
    found, problems = installed(kind.group)
    for wanted in _wanted(found, kind.tables(loaded)):
        try:
            utility = kind.make(wanted.declared.entry_point.load(), wanted.table.options)
        except SettingsError as error:
            table = (kind.table, wanted.name)
            problems += loaded.placed(error, table, str(wanted.declared.origin))
        except FAILURES as error:
            problems.append(Problem(str(wanted.declared.origin), told(error)))
        else:
            # The registration remembers the origin, for just as long as it lasts.
            origin = wanted.declared.origin
            registry.registerUtility(utility, kind.interface, wanted.name, origin, event=False)
    return problems + _unknown(found, loaded, kind)


def _wanted(found: Mapping[str, Declared], tables: Mapping[str, UtilityTable]) -> Iterator[_Wanted]:
    """Return what is to be made: what the tables use, then what no table uses."""
    used = {table.use or name for name, table in tables.items()}
    implied = {name: UtilityTable() for name in found if name not in used}
    for name, table in sorted({**implied, **tables}.items()):
        declared = found.get(table.use or name)
        if declared is not None and table.enabled:
            yield _Wanted(name, declared, table)


def _unknown(found: Mapping[str, Declared], loaded: Loaded, kind: Kind) -> list[Problem]:
    """Return a problem for each table that uses an entry point which there is not."""
    return [
        Problem(
            loaded.where(Place((kind.table, name), "use")),
            f'no entry point "{table.use}" in {kind.group}{did_you_mean(table.use, found)}',
        )
        for name, table in kind.tables(loaded).items()
        if table.use is not None and table.use not in found
    ]


def unclaimed(components: IComponents, loaded: Loaded, kind: Kind) -> list[Problem]:
    """Return a problem for each table that is about nothing, when all are registered.

    A table that names no entry point may be about a utility registered in
    Python. Such a one has no options, and cannot be disabled.
    """
    found, _ = installed(kind.group)
    known = {each.name for each in origins(components, kind.interface)} | set(found)
    problems = []
    for name, table in kind.tables(loaded).items():
        if table.use is not None or name in found:
            continue
        if name not in known:
            where = loaded.where(Place((kind.table, name)))
            hint = did_you_mean(name, known) or ('; is use = "…" missing?' if table.options else "")
            what = f"nothing of this name is installed or registered{hint}"
            problems.append(Problem(where, what))
            continue
        keys = [*table.options, *([] if table.enabled else ["enabled"])]
        problems += [_in_vain(key, name, loaded, kind) for key in keys]
    return problems


def _in_vain(key: str, name: str, loaded: Loaded, kind: Kind) -> Problem:
    where = loaded.where(Place((kind.table, name), key))
    what = "be disabled" if key == "enabled" else "have options"
    return Problem(where, f"only what an entry point names can {what}")


def reject_broken(components: IComponents) -> list[Problem]:
    """Unregister services and policies that cannot be asked, and return a problem for each.

    Those of entry points have been checked when they were made; this is for
    what was registered in Python.
    """
    problems = []
    for kind in (SERVICES, POLICIES):
        for name, utility, origin in origins(components, kind.interface):
            try:
                kind.check(utility)
            except FAILURES as error:
                _unregister(components, Registered(name, utility, origin), kind.interface)
                problems.append(Problem(f"{kind.singular} {name!r}, {origin}", told(error)))
    return problems


def _unregister(components: IComponents, found: "Registered", interface: InterfaceClass) -> None:
    for each in registrations(components):
        is_it = each.name == found.name and each.component is found.utility
        if is_it and each.provided.isOrExtends(interface):
            components.unregisterUtility(each.component, each.provided, each.name)


class Registered(NamedTuple):
    """A utility with its name, and where it comes from."""

    name: str
    utility: Any
    origin: Origin


def origins(components: IComponents, interface: InterfaceClass) -> list[Registered]:
    """Return all utilities that provide `interface`, in the order of their names."""
    known = {
        (each.name, id(each.component)): each.info
        for each in registrations(components)
        if isinstance(each.info, Origin) and each.provided.isOrExtends(interface)
    }
    return [
        Registered(name, utility, known.get((name, id(utility))) or Origin(_module(utility)))
        for name, utility in named_utilities(components, interface)
    ]


def _module(utility: object) -> str:
    return str(getattr(utility, "__module__", None) or type(utility).__module__)
