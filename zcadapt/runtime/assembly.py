"""Everything that is asked, put together: settings, plugins and modules in one registry.

What ``serve`` serves is what ``check`` checks and ``plugins`` lists, because
all three begin here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from zope.interface.interfaces import IComponents

from zcadapt.config import Loaded, Place, Problem, Settings, did_you_mean
from zcadapt.discovery import (
    POLICIES,
    SERVICES,
    add_plugins,
    origins,
    register,
    reject_broken,
    unclaimed,
)
from zcadapt.hooks import Failure, Hooks
from zcadapt.interfaces import IICAPService
from zcadapt.runtime.modules import import_modules

__all__ = ["Assembled", "assemble"]


@dataclass(frozen=True, slots=True)
class Assembled:
    """A registry that is ready to be asked, and what went wrong on the way."""

    settings: Settings
    components: IComponents
    hooks: Hooks
    problems: tuple[Problem, ...]


def assemble(loaded: Loaded, components: IComponents, modules: Iterable[str] = ()) -> Assembled:
    """Fill `components` from the settings, what is installed, and `modules`.

    In this order, so that a later one may replace what an earlier one
    registered: entry points, the hook `zcadapt_register`, the modules.
    """
    hooks, settings = Hooks(), loaded.settings
    problems = [*loaded.problems, *add_plugins(hooks, loaded)]
    problems += _failed(hooks.call("zcadapt_configure", settings=settings))
    problems += register(components, loaded, SERVICES) + register(components, loaded, POLICIES)
    failures = hooks.call("zcadapt_register", registry=components, settings=settings)
    problems += _failed(failures)
    problems += import_modules(modules)
    problems += reject_broken(components)
    problems += unclaimed(components, loaded, SERVICES) + unclaimed(components, loaded, POLICIES)
    problems += _endpoints(components, loaded)
    # What is wrong with a whole distribution is found once for each group.
    return Assembled(settings, components, hooks, tuple(dict.fromkeys(problems)))


def _failed(failures: Iterable[Failure]) -> list[Problem]:
    return [Problem(f"plugin {each.plugin}", str(each)) for each in failures]


def _endpoints(components: IComponents, loaded: Loaded) -> Iterator[Problem]:
    """Return a problem for each name under ``[endpoints]`` that is no service's."""
    names = [each.name for each in origins(components, IICAPService)]
    for path, wanted in loaded.settings.endpoints.items():
        for name in wanted:
            if not any(each == name or each.startswith(f"{name}/") for each in names):
                where = loaded.where(Place(("endpoints",), path))
                yield Problem(where, f'no service is called "{name}"{did_you_mean(name, names)}')
