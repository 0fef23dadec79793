"""Who may ask: a list of addresses and networks that answers quickly."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

__all__ = ["AccessList"]

#: How many addresses a list remembers; strangers cannot make it grow.
REMEMBERED: Final = 4096

Address = str | IPv4Address | IPv6Address


class AccessList:
    """Addresses and networks, and whether an address is among them.

    >>> ours = AccessList(["192.0.2.0/24", "2001:db8::/32"])
    >>> "192.0.2.7" in ours, "198.51.100.1" in ours
    (True, False)

    An IPv4 address that comes mapped into IPv6 counts as what it is. What is
    no address is not in the list. `admits` is the same question as ``in``,
    for those in a hurry.
    """

    __slots__ = ("admits", "networks")

    def __init__(self, networks: Iterable[str]) -> None:
        """Read the list.

        Raises:
            ValueError: one is neither an address nor a network; the message says which.
        """
        self.networks: Final = tuple(map(ip_network, networks))
        self.admits: Final[Callable[[Address], bool]] = lru_cache(maxsize=REMEMBERED)(
            _finder(self.networks)
        )

    def __contains__(self, address: Address) -> bool:
        return self.admits(address)

    def __repr__(self) -> str:
        return f"AccessList({[str(network) for network in self.networks]})"


def _finder(networks: tuple[IPv4Network | IPv6Network, ...]) -> Callable[[Address], bool]:
    def found(address: Address) -> bool:
        try:
            ip = ip_address(address)
        except ValueError:
            return False
        ip = getattr(ip, "ipv4_mapped", None) or ip
        return any(ip in network for network in networks)

    return found
