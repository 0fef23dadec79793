"""What the server prints when it has started."""

from collections.abc import Iterable, Iterator
from textwrap import indent

from zcadapt.runtime.assembly import Assembled
from zcadapt.runtime.listing import consulted, policies, service_names, services, table
from zcadapt.runtime.server import Addresses
from zcadapt.runtime.squid import squid_conf

__all__ = ["report"]


def report(assembled: Assembled, addresses: Addresses) -> str:
    """Return where the server listens, what it consults, and the lines for squid.conf.

    The first lines are for programs too: ``icap HOST:PORT`` and ``icp
    HOST:PORT`` with the ports really listened on, one address a line. So is
    the last one: ``ready``.
    """
    return "\n".join(_lines(assembled, addresses))


def _lines(assembled: Assembled, addresses: Addresses) -> Iterator[str]:
    components, settings = assembled.components, assembled.settings
    for protocol, bound in addresses.items():
        yield from (f"{protocol} {address}" for address in bound)
    if addresses["icap"]:
        rows = services(components, settings)
        yield from _part("ICAP services, in the order in which they are asked:", table(rows))
        yield from _part("ICAP endpoints:", _endpoints(assembled))
    if addresses["icp"]:
        rows = policies(components, settings)
        yield from _part("ICP policies, in the order in which they are asked:", table(rows))
    lines = squid_conf(addresses["icap"], addresses["icp"]).splitlines()
    yield from _part("For squid.conf:", lines)
    yield "ready"


def _endpoints(assembled: Assembled) -> Iterator[str]:
    yield "/ /reqmod /respmod: all services"
    yield "/NAME: the service NAME, and those whose names begin with NAME/"
    yield "/echo: asks nobody and leaves every message as it is, to try whether clients get here"
    names = service_names(assembled.components)
    for path, wanted in assembled.settings.endpoints.items():
        if found := consulted(wanted, names):  # what is asked of no one is not there
            yield f"/{path.strip('/')}: {', '.join(found)}"


def _part(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield title
    yield from (indent(line, "  ") for line in lines)
