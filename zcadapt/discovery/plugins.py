"""The pluggy plugins that are installed, given to the hooks."""

from typing import Final

from zcadapt.config import Loaded, Place, PluginTable, Problem, did_you_mean
from zcadapt.discovery.installed import FAILURES, Declared, installed, told
from zcadapt.hooks import Hooks

__all__ = ["PLUGINS", "add_plugins"]

PLUGINS: Final = "zcadapt.plugins"


def add_plugins(hooks: Hooks, loaded: Loaded) -> list[Problem]:
    """Give `hooks` what is installed and not disabled, and return what is wrong."""
    found, problems = installed(PLUGINS)
    tables = loaded.settings.plugins
    for name, declared in found.items():
        if tables.get(name, PluginTable()).enabled:
            problems += _add(hooks, name, declared)
    for name in sorted(set(tables) - set(found)):
        where = loaded.where(Place(("plugins", name)))
        problems.append(Problem(where, f"no such plugin is installed{did_you_mean(name, found)}"))
    return problems


def _add(hooks: Hooks, name: str, declared: Declared) -> list[Problem]:
    try:
        hooks.add(name, declared.entry_point.load())
    except FAILURES as error:
        return [Problem(str(declared.origin), told(error))]
    return []
