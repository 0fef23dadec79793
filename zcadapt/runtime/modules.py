"""Modules that register utilities when they are imported: ``--load MODULE``."""

import importlib
import logging
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb
from typing import Final

from zope.interface.interfaces import IComponents

from zcadapt.config import Problem
from zcadapt.discovery import POLICIES, SERVICES, Registered, origins
from zcadapt.registry import registrations

__all__ = ["import_modules"]

log = logging.getLogger(__name__)

#: Seconds after which it is told that an import has not ended.
PATIENCE: Final = 5.0

#: Files that are on the way of every import here.
OURS: Final = (__file__, importlib.__file__)


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
        with _patiently(name):
            importlib.import_module(name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - somebody else's code
        return [Problem(where, f"{type(error).__name__}: {error}{_line(error)}")]
    if is_new and _utilities(components) == before:
        what = "it has registered nothing; zope.component.provideUtility() does that"
        return [Problem(where, what, is_warning=True)]
    now = {key: each.utility for key, each in _registered(components)}
    return [
        Problem(where, f"it replaces the {kind} {name!r} of {each.origin}", is_warning=True)
        for (kind, name), each in made.items()
        if now.get((kind, name)) is not each.utility
    ]


@contextmanager
def _patiently(name: str) -> Iterator[None]:
    """Tell of an import that does not end: what is imported may be a program that serves."""
    what = "--load %s: it is still being imported; a module that serves by itself is to do so only"
    timer = threading.Timer(PATIENCE, log.warning, (f"{what} if __name__ == '__main__'", name))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _line(error: BaseException) -> str:
    """Return the line of the module at which its import failed."""
    for frame in extract_tb(error.__traceback__):
        if frame.filename not in OURS and not frame.filename.startswith("<frozen"):
            return f" ({Path(frame.filename).name}:{frame.lineno})"
    return ""


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
