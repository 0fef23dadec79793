"""Everything that is asked, put together: settings, plugins and modules in one registry.

What ``serve`` serves is what ``check`` checks and ``plugins`` lists, because
all three begin here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from zope.interface.interfaces import IComponents

from zcadapt.config import (
    RESERVED,
    Loaded,
    Place,
    Problem,
    Settings,
    SettingsError,
    did_you_mean,
)
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

#: The service that is always there, though nobody has registered it.
ECHO: Final = "echo"
#: What a path may have beside letters and digits (RFC 3986, 3.3).
PATH: Final = "/-._~!$&'()*+,;=:@"


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
    problems += _failed(hooks.call("zcadapt_configure", settings=settings), loaded)
    problems += register(components, loaded, SERVICES) + register(components, loaded, POLICIES)
    failures = hooks.call("zcadapt_register", registry=components, settings=settings)
    problems += _failed(failures, loaded)
    problems += import_modules(modules, components)
    problems += reject_broken(components)
    problems += unclaimed(components, loaded, SERVICES) + unclaimed(components, loaded, POLICIES)
    problems += [*_endpoints(components, loaded), *_names(components, loaded)]
    # What is wrong with a whole distribution is found once for each group.
    return Assembled(settings, components, hooks, tuple(dict.fromkeys(problems)))


def _failed(failures: Iterable[Failure], loaded: Loaded) -> Iterator[Problem]:
    for each in failures:
        origin = f"plugin {each.plugin}"
        if isinstance(each.error, SettingsError):
            yield from loaded.placed(each.error, ("plugins", each.plugin), origin)
        else:
            yield Problem(origin, str(each))


def _endpoints(components: IComponents, loaded: Loaded) -> Iterator[Problem]:
    """Return a problem for each name under ``[endpoints]`` that is no service's."""
    names = [ECHO, *(each.name.strip("/") for each in origins(components, IICAPService))]
    for path, wanted in loaded.settings.endpoints.items():
        for at, name in enumerate(wanted):
            group = name.strip("/") + "/"
            if not any(f"{each}/".startswith(group) for each in names):
                where = loaded.where(Place(("endpoints", path), at))
                yield Problem(where, f'no service is called "{name}"{did_you_mean(name, names)}')


def _names(components: IComponents, loaded: Loaded) -> Iterator[Problem]:
    """Return a warning for each name that is not simply a path of its own."""
    for each in origins(components, IICAPService):
        if what := _claimed(each.name.strip("/")) or _misspelt(each.name.strip("/")):
            yield Problem(f"service {each.name!r}, {each.origin}", what, is_warning=True)
    for path in loaded.settings.endpoints:
        if what := _misspelt(path.strip("/")):
            yield Problem(loaded.where(Place(("endpoints",), path)), what, is_warning=True)


def _claimed(name: str) -> str:
    """Return how the service `name` and a path with another meaning come into conflict, if so."""
    if name.partition("/")[0] == ECHO:
        return f"it takes the place of the service behind /{ECHO} that leaves every message alone"
    if name in RESERVED:
        return f"/{name} is for all services; give it another name, or a path under [endpoints]"
    return ""


def _misspelt(name: str) -> str:
    """Return why `name` is not a path of ICAP URIs as it stands, if so."""
    written = quote(name, PATH, errors="replace")
    return "" if written == name else f"as a path it has to be written /{written}"
