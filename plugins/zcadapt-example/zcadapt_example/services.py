"""Two services: one blocks hosts, the other adds a header to every response."""

from collections.abc import Mapping
from dataclasses import dataclass

from zope.interface import implementer

from zcadapt import Modify, Request, Respond, block, modify, read_options, setting
from zcadapt.interfaces import IICAPService

__all__ = ["AddHeader", "BlockHosts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """What can be set about `BlockHosts`."""

    hosts: tuple[str, ...] = setting(
        ("blocked.example",), "Hosts nobody gets to, with all those below them."
    )


@implementer(IICAPService)
class BlockHosts:
    """Answers requests for certain hosts with the block page."""

    methods = ("REQMOD",)
    preview = 0

    def __init__(self, options: Mapping[str, object]) -> None:
        self.hosts = frozenset(map(str.lower, read_options(Blocked, options).hosts))

    def adapt(self, request: Request) -> Respond | None:
        """Block, or have no opinion."""
        labels = request.http.host.split(".")
        above = (".".join(labels[start:]) for start in range(len(labels)))
        if self.hosts.isdisjoint(above):
            return None
        return block(request, reason="This host is blocked.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What can be set about `AddHeader`."""

    name: str = setting("X-Adapted-By", "The name of the header.")
    value: str = setting("zcadapt-example", "Its value.")


@implementer(IICAPService)
class AddHeader:
    """Adds one header to every response."""

    methods = ("RESPMOD",)
    preview = 0

    def __init__(self, options: Mapping[str, object]) -> None:
        added = read_options(Added, options)
        # Made once: what cannot be a header is told at start, not to a browser.
        self.decision = modify(add_headers={added.name: added.value})

    def adapt(self, request: Request) -> Modify:  # noqa: ARG002 - whatever the request
        """Add the header."""
        return self.decision
