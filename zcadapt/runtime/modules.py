"""Modules that register utilities when they are imported: ``--load MODULE``."""

import importlib
import sys
from collections.abc import Iterable

from zope.interface.interfaces import IComponents

from zcadapt.config import Problem
from zcadapt.registry import registrations

__all__ = ["import_modules"]


def import_modules(names: Iterable[str], components: IComponents) -> list[Problem]:
    """Import each of `names`, from the working directory too, and return what is wrong.

    One that adds nothing to `components` is told, unless it was imported
    before, as the module of an entry point is.
    """
    if "" not in sys.path:
        sys.path.insert(0, "")  # the working directory, as in ``python -m``
    return [problem for name in names for problem in _import(name, components)]


def _import(name: str, components: IComponents) -> list[Problem]:
    where = f"--load {name}"
    if name.endswith(".py") or "/" in name:
        module = name.removesuffix(".py").strip("./").replace("/", ".")
        return [Problem(where, f"the name of a module is wanted, such as {module}")]
    is_new = name not in sys.modules
    before = _utilities(components)
    try:
        importlib.import_module(name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - somebody else's code
        return [Problem(where, f"{type(error).__name__}: {error}")]
    if is_new and _utilities(components) == before:
        what = "it has registered nothing; zope.component.provideUtility() does that"
        return [Problem(where, what, is_warning=True)]
    return []


def _utilities(components: IComponents) -> set[tuple[object, str, int]]:
    return {(each.provided, each.name, id(each.component)) for each in registrations(components)}
