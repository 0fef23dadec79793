"""Modules that register utilities when they are imported: ``--load MODULE``."""

import importlib
import sys
from collections.abc import Iterable

from zcadapt.config import Problem

__all__ = ["import_modules"]


def import_modules(names: Iterable[str]) -> list[Problem]:
    """Import each of `names`, from the working directory too, and return what is wrong."""
    if "" not in sys.path:
        sys.path.insert(0, "")  # the working directory, as in ``python -m``
    return [problem for name in names for problem in _import(name)]


def _import(name: str) -> list[Problem]:
    if name.endswith(".py") or "/" in name:
        module = name.removesuffix(".py").strip("./").replace("/", ".")
        return [Problem(f"--load {name}", f"the name of a module is wanted, such as {module}")]
    try:
        importlib.import_module(name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - somebody else's code
        return [Problem(f"--load {name}", f"{type(error).__name__}: {error}")]
    return []
