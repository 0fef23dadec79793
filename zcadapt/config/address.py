"""Addresses as people write them: HOST:PORT, an IPv6 host in brackets."""

import re
from ipaddress import ip_address
from typing import Final, NamedTuple

__all__ = ["Address", "multicast_group", "parse_address"]

WRITTEN: Final = re.compile(
    r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<host>[^\[\]:\s]+)):(?P<port>\d{1,5})", re.ASCII
)
HIGHEST_PORT: Final = 65535


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
        ValueError: it is not HOST:PORT.
    """
    written = WRITTEN.fullmatch(text)
    if written is None or int(written["port"]) > HIGHEST_PORT:
        raise ValueError(f"{text!r} is not HOST:PORT")
    return Address(written["v6"] or written["host"], int(written["port"]))


def multicast_group(text: str) -> str:
    """Return `text`, which means a multicast group: GROUP or GROUP%INTERFACE.

    Raises:
        ValueError: it does not.
    """
    group, _, _ = text.partition("%")
    if not ip_address(group).is_multicast:
        raise ValueError(f"{text!r} is not a multicast group")
    return text
