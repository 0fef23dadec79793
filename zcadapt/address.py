"""Addresses as people write them: HOST:PORT, networks, multicast groups."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple

from zcadapt.fields import Format

__all__ = ["ADDRESS", "GROUP", "NETWORK", "Address", "parse_address"]

WRITTEN: Final = re.compile(
    r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<host>[^\[\]:\s]+)):(?P<port>\d+)", re.ASCII
)
HIGHEST_PORT: Final = 65535
LONGEST_PORT: Final = 5


class Address(NamedTuple):
    """Where to listen or whom to ask; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(text: str) -> Address:
    """Return the address that `text` means.

    >>> parse_address('[::1]:1344')
    Address(host='::1', port=1344)

    Raises:
        ValueError: it is not HOST:PORT; the message says why.
    """
    written = WRITTEN.fullmatch(text)
    if written is None:
        raise ValueError(_why_not(text))
    if len(written["port"]) > LONGEST_PORT or int(written["port"]) > HIGHEST_PORT:
        raise ValueError(f"the highest port is {HIGHEST_PORT}")
    return Address(written["v6"] or written["host"], int(written["port"]))


def _why_not(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        return "the port is missing"
    if ":" in host and not host.startswith("["):
        return "an IPv6 host stands in brackets"
    if not (port.isascii() and port.isdigit()):
        return "the port is no number"
    return "a host has no blanks" if host else "the host is missing"


def network(text: str) -> IPv4Network | IPv6Network:
    """Return the network that `text` means; an address is one of its own.

    Raises:
        ValueError: it is neither; the message says which network is meant, if one is.
    """
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        meant = ip_network(text, strict=False)
    except ValueError:
        raise ValueError from None
    raise ValueError(f"the network is {meant}")


def multicast_group(text: str) -> str:
    """Return `text`, which means a multicast group: GROUP or GROUP%INTERFACE.

    Raises:
        ValueError: it does not.
    """
    group, _, _ = text.partition("%")
    try:
        is_group = ip_address(group).is_multicast
    except ValueError:
        is_group = False
    if not is_group:
        raise ValueError("groups are in 224.0.0.0/4 and ff00::/8")
    return text


ADDRESS: Final = Format("HOST:PORT", parse_address)
NETWORK: Final = Format("an address or a network", network)
GROUP: Final = Format("a multicast group", multicast_group)
