"""Named utilities in the order of their names, kept until the registry changes.

The only module that looks utilities up. It hands out what `zcadapt.rule` asks.
"""

from collections.abc import Callable
from threading import Lock
from typing import Any, Final

from zope.interface.adapter import AdapterRegistry
from zope.interface.interface import InterfaceClass
from zope.interface.interfaces import IComponents

from zcadapt.rule import Candidate

__all__ = ["Utilities", "named_utilities", "registrations", "watch"]

Make = Callable[[str, Any], Candidate]

#: The attribute of a registry that holds its watch.
WATCH: Final = "_v_zcadapt_watch"  # what begins so is never stored with what is persistent

_one_at_a_time = Lock()


def named_utilities(components: IComponents, interface: InterfaceClass) -> list[tuple[str, Any]]:
    """Return (name, utility) for all that provide `interface`, the empty name first.

    Of several under one name, registered for `interface` and for interfaces
    that extend it, the latest counts: as if all were for `interface`.
    """
    registry: Any = components  # zope.interface has no annotations
    found: dict[str, Any] = dict(registry.getUtilitiesFor(interface))
    found.update(
        (each.name, each.component)
        for each in registrations(components)
        if each.provided.isOrExtends(interface)
    )
    return sorted(found.items(), key=lambda pair: pair[0])


def registrations(components: IComponents) -> list[Any]:
    """Return the `IUtilityRegistration`s in the order of time, whoever else registers."""
    registry: Any = components
    while True:
        try:
            return list(registry.registeredUtilities())
        except RuntimeError:  # another thread has registered something meanwhile
            continue


class Utilities:
    """The candidates that `components` holds for `interface`.

    `make` turns a (name, utility) into a `Candidate`. It is called again only
    when the registry has changed, from whatever thread: the next call sees the
    change. `generation` grows with each change that was seen.
    """

    __slots__ = (
        "_candidates",
        "_make",
        "_seen",
        "_watch",
        "components",
        "generation",
        "interface",
    )

    def __init__(self, components: IComponents, interface: InterfaceClass, make: Make) -> None:
        self.components: Final = components
        self.interface: Final = interface
        self.generation = 0
        self._make = make
        self._watch = watch(components)
        self._candidates: tuple[Candidate, ...] = ()
        self._seen: object = None  # the state that the candidates were made of

    def __call__(self) -> tuple[Candidate, ...]:
        """Return the candidates in the order of their names.

        Raises:
            Exception: what `make` raises; the next call begins anew.
        """
        # Read first: a registration made meanwhile counts for the next call.
        state = self._watch.state
        if state is not self._seen:
            found = named_utilities(self.components, self.interface)
            self._candidates = tuple(self._make(name, utility) for name, utility in found)
            self.generation += 1
            self._seen = state
        return self._candidates

    @property
    def has_changed(self) -> bool:
        """Whether the next call will look the utilities up anew."""
        return self._watch.state is not self._seen


def watch(components: IComponents) -> "_Watch":
    """Return what notices changes of the utilities of `components`: one for all who ask.

    To make it is itself a change: of the registry's list of those based on it.
    Another thread that registers something just then may find that the list
    changes under it, and fail. So there is one, it is made once, and a program
    with threads has it made before they begin.
    """
    registry: Any = components.utilities
    with _one_at_a_time:
        found: _Watch | None = getattr(registry, WATCH, None)
        if found is None:
            found = _Watch(registry)
            # It lives as long as the registry, which it holds, and no longer: nobody else has it.
            setattr(registry, WATCH, found)
        return found


class _Watch(AdapterRegistry):
    """Notices changes of the registry that it is based on.

    A registry tells those based on it of every change, in the thread that
    makes it, when it is made. Events would not do: `provideUtility` sends none.

    Attributes:
        state: another object after each change. One that comes from another
            thread at whatever moment can neither be missed nor undone.
    """

    def __init__(self, watched: AdapterRegistry) -> None:
        self.state = object()
        super().__init__((watched,))

    def changed(self, originally_changed: object) -> None:
        super().changed(originally_changed)
        self.state = object()
