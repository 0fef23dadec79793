"""The policy ``load``: this server wants nothing while it is busy, or drained."""

import inspect
import logging
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from zope.interface import implementer

from zcadapt import Format, read_options, setting
from zcadapt.interfaces import IICPPolicy
from zcadapt_partition.background import Sampled
from zcadapt_partition.readings import load_per_cpu, pressure, pressure_file

__all__ = ["Load", "LoadSettings", "PressureSettings"]

log = logging.getLogger(__name__)

RESOURCES: Final = ("cpu", "memory", "io")


def _callable(name: str) -> Callable[[], object]:
    """Return what `name` names.

    Raises:
        ValueError: it cannot be imported, or called, or would have to be awaited.
    """
    try:
        found: Any = pkgutil.resolve_name(name)
    except Exception as error:  # an import runs anybody's code
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if not callable(found):
        raise ValueError("it cannot be called")  # noqa: TRY004 - what a Format raises
    if inspect.iscoroutinefunction(found) or inspect.iscoroutinefunction(found.__call__):
        raise ValueError("it is a coroutine function, and nobody awaits it")
    return found  # type: ignore[no-any-return]


FUNCTION: Final = Format("MODULE:NAME of a function", _callable)


@dataclass(frozen=True, slots=True, kw_only=True)
class PressureSettings:
    """The table ``pressure``: for each resource, how much waiting for it is too much."""

    cpu: float | None = setting(None, "Percent of the last ten seconds.", least=0, most=100)
    memory: float | None = setting(None, "The same.", least=0, most=100)
    io: float | None = setting(None, "The same.", least=0, most=100)
    cgroup: str = setting(
        "", "The folder of the control group that is meant; without it, the whole machine."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSettings:
    """What can be set about `Load`: any of these is too much, and all are looked at."""

    load_average: float | None = setting(
        None, "Load average of the last minute for each CPU.", least=0, most=10_000
    )
    pressure: PressureSettings = field(default_factory=PressureSettings)
    busy: str | None = setting(
        None, "MODULE:NAME of a function that returns whether it is busy.", format=FUNCTION
    )
    drain_file: str | None = setting(None, "While there is such a file, nothing is wanted.")
    interval: float = setting(1.0, "Seconds between two looks at all this.", least=0.05, most=60)


@implementer(IICPPolicy)
class Load:
    """Says MISS_NOFETCH to all while this server is busy or drained, and nothing else.

    What there is to look at is looked at in the background, from the first
    query on. That one is answered when each has been looked at once, so that
    a server which is drained while it starts anew is so from then on. What
    cannot be seen, or fails, has no say. Without options it has no opinion.

    Attributes:
        draining: a switch for code in the same process.

    Raises:
        SettingsError: the options are wrong; it tells all of that.
    """

    def __init__(self, options: Mapping[str, object]) -> None:
        settings = read_options(LoadSettings, options)
        self.draining = False
        self._sampled = [
            Sampled(f"the policy load: {name}", _Told(name, look), settings.interval)
            for name, look in _looks(settings).items()
        ]
        if not self._sampled:
            log.info("the policy load is not configured: nothing is to be looked at")

    def __call__(self, url: str) -> str | Awaitable[str | None] | None:  # noqa: ARG002 - any URL
        """Return whether this server wants anything now; to be awaited until that is seen."""
        # Each is asked: the first question is what starts it.
        busy = [each.latest() for each in self._sampled]
        if None in busy:
            if any(each.begins for each in self._sampled):
                return self._when_seen()
            busy = [each.latest() for each in self._sampled]  # it may have ended just now
        return "ICP_OP_MISS_NOFETCH" if self.draining or any(busy) else None

    async def _when_seen(self) -> str | None:
        busy = [await each.first() for each in self._sampled]
        return "ICP_OP_MISS_NOFETCH" if self.draining or any(busy) else None


class _Told:
    """A look that says in the log when what it sees has changed."""

    def __init__(self, name: str, look: Callable[[], object]) -> None:
        self._name = name
        self._look = look
        self._was = False

    def __call__(self) -> bool:
        found = bool(self._look())
        if found != self._was:
            self._was = found
            log.info("the policy load: %s: %s", self._name, "too much" if found else "fine again")
        return found


def _looks(settings: LoadSettings) -> dict[str, Callable[[], object]]:
    """Return what there is to look at, by name; each in its own thread, lest one hold up all."""
    looks: dict[str, Callable[[], object]] = {}
    if settings.load_average is not None:
        looks["load average"] = partial(_is_over, settings.load_average, load_per_cpu)
    for resource in RESOURCES:
        most = getattr(settings.pressure, resource)
        if most is not None:
            file = pressure_file(resource, settings.pressure.cgroup)
            looks[f"{resource} pressure"] = partial(_is_over, most, partial(pressure, file))
    if settings.busy is not None:
        looks[settings.busy] = partial(_at_once, _callable(settings.busy))
    if settings.drain_file is not None:
        looks["drain file"] = Path(settings.drain_file).exists
    return looks


def _at_once(function: Callable[[], object]) -> object:
    """Return what `function` returns.

    Raises:
        TypeError: that would have to be awaited, and is true whatever would come.
    """
    found = function()
    if inspect.iscoroutine(found):
        found.close()  # lest Python tells that nobody awaits it
    if inspect.isawaitable(found):
        raise TypeError("what it returns would have to be awaited")
    return found


def _is_over(most: float, read: Callable[[], float]) -> bool:
    return read() > most
