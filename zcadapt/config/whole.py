"""What is wrong with settings as a whole, of which each would do by itself."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, NamedTuple

from zcadapt.address import Address, parse_address
from zcadapt.blockpage import LANGUAGES, BlockSettings, language_tag
from zcadapt.config.place import Path, Place
from zcadapt.config.settings import Settings

__all__ = ["RESERVED", "Contradiction", "contradictions", "repeated"]

#: Paths of ICAP URIs that have a meaning of their own.
RESERVED: Final = ("echo", "reqmod", "respmod")

EVERYWHERE: Final = {4: "0.0.0.0", 6: "[::]"}  # noqa: S104 - to be told


class Contradiction(NamedTuple):
    """What is wrong, and which other settings it is told from."""

    place: Place
    what: str
    follows_from: tuple[Path, ...] = ()


def contradictions(settings: Settings) -> Iterator[Contradiction]:
    """Return what is wrong with `settings` as a whole."""
    if not settings.icap.listen and not settings.icp.listen:
        what = "there is nothing to serve: no address of [icap] or [icp] is listened on"
        yield Contradiction(Place(), what)
    yield from _twice("icap", settings.icap.listen)
    yield from _twice("icp", settings.icp.listen)
    yield from _groups(settings.icp.multicast, settings.icp.listen)
    yield from _endpoints(settings.endpoints)
    yield from _languages(settings.block)


def repeated(listen: Sequence[str]) -> Iterator[int]:
    """Return the numbers of addresses that stand in `listen` before, written so or otherwise.

    Port 0 is another one each time.
    """
    seen: set[Address] = set()
    for at, text in enumerate(listen):
        host, port = parse_address(text)
        address = Address(_canonical(host), port)
        if address in seen and port:
            yield at
        seen.add(address)


def _twice(protocol: str, listen: Sequence[str]) -> Iterator[Contradiction]:
    for at in repeated(listen):
        yield Contradiction(Place((protocol, "listen"), at), f"{listen[at]} is listed twice")


def _groups(groups: Sequence[str], listen: Sequence[str]) -> Iterator[Contradiction]:
    """Look for groups that no socket would join."""
    addresses = [_ip(parse_address(text).host) for text in listen]
    joining = {each.version for each in addresses if each and each.is_unspecified}
    for at, text in enumerate(groups):
        group = _ip(text)
        if listen and group and group.version not in joining:
            what = f"{text} needs {EVERYWHERE[group.version]} to be listened on, in [icp] listen"
            yield Contradiction(Place(("icp", "multicast"), at), what, (("icp", "listen"),))


def _canonical(host: str) -> str:
    try:
        return str(ip_address(host))
    except ValueError:
        return host.lower()


def _ip(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that `host` is, whatever the interface; ``None`` for a name."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _endpoints(endpoints: Mapping[str, Sequence[str]]) -> Iterator[Contradiction]:
    seen: set[str] = set()
    for path, names in endpoints.items():
        place, known = Place(("endpoints",), path), path.strip("/")
        if not known:
            yield Contradiction(place, "a path is wanted; / is that of all services already")
        elif known in RESERVED:
            yield Contradiction(place, f"/{known} has a meaning of its own; another path is wanted")
        elif known in seen:
            yield Contradiction(place, f"/{known} is listed twice")
        if not names:
            yield Contradiction(place, "no service is listed")
        seen.add(known)


def _languages(block: BlockSettings) -> Iterator[Contradiction]:
    """Look for languages that are none, and for a default in which there are no texts."""
    for tag in block.texts:
        try:
            language_tag(tag)
        except ValueError:
            what = "a language tag is wanted, such as en or pt-BR"
            yield Contradiction(Place(("block", "texts"), tag), what)
    known = {tag.lower() for tag in (*LANGUAGES, *block.texts)}
    if block.language.lower() not in known:
        what = f"there are no texts in {block.language}; there are {', '.join(sorted(known))}"
        yield Contradiction(Place(("block",), "language"), what, (("block", "texts"),))
