"""Modules that register utilities when they are imported: ``--load MODULE``."""

import importlib
import sys
from collections.abc import Iterable

from zope.interface.interfaces import IComponents

from zcadapt.config import Problem
from zcadapt.discovery import POLICIES, SERVICES, Registered, origins
from zcadapt.registry import registrations

__all__ = ["import_modules"]


def import_modules(names: Iterable[str], components: IComponents) -> list[Problem]:
    """Import each of `names`, and return what is wrong.

    One that adds nothing to `components` is told, unless it was imported
    before, as the module of an entry point is; and one that takes the place of
    what an entry point has made.
    """
    return [problem for name in names for problem in _import(name, components)]


def _import(name: str, components: IComponents) -> list[Problem]:
    where = f"--load {name}"
    if name.endswith(".py") or "/" in name:
        module = name.removesuffix(".py").strip("./").replace("/", ".")
        return [Problem(where, f"the name of a module is wanted, such as {module}")]
    is_new = name not in sys.modules
    before, made = _utilities(components), _made(components)
    try:
        importlib.import_module(name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - somebody else's code
        return [Problem(where, f"{type(error).__name__}: {error}")]
    if is_new and _utilities(components) == before:
        what = "it has registered nothing; zope.component.provideUtility() does that"
        return [Problem(where, what, is_warning=True)]
    now = {key: each.utility for key, each in _registered(components)}
    return [
        Problem(where, f"it replaces the {kind} {name!r} of {each.origin}", is_warning=True)
        for (kind, name), each in made.items()
        if now.get((kind, name)) is not each.utility
    ]


def _made(components: IComponents) -> dict[tuple[str, str], Registered]:
    """Return what entry points have made, by kind and name."""
    return {key: each for key, each in _registered(components) if each.origin.distribution}


def _registered(components: IComponents) -> list[tuple[tuple[str, str], Registered]]:
    return [
        ((kind.singular, each.name), each)
        for kind in (SERVICES, POLICIES)
        for each in origins(components, kind.interface)
    ]


def _utilities(components: IComponents) -> set[tuple[object, str, int]]:
    return {(each.provided, each.name, id(each.component)) for each in registrations(components)}
