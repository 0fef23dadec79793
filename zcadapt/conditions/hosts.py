"""Hosts and domains in the words of Squid's ``dstdomain``; addresses and networks."""

import re
import socket
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import (
    IPv4Network,
    IPv6Network,
    collapse_addresses,
    ip_address,
)
from typing import Final

__all__ = ["Hosts", "Networks", "host"]

Network = IPv4Network | IPv6Network

LONGEST: Final = 253  # RFC 1035, 3.1, as it is written

_LABELS = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")


class Hosts:
    """Hosts, and domains with all below them, whose names begin with a dot.

    >>> hosts = Hosts(['www.example.com', '.example.net'])
    >>> hosts.has('www.example.com'), hosts.has('example.com')
    (True, False)
    >>> hosts.has('example.net'), hosts.has('a.b.example.net'), hosts.has('anexample.net')
    (True, True, False)
    """

    __slots__ = ("_domains", "_hosts")

    def __init__(self, hosts: Iterable[str]) -> None:
        hosts = set(hosts)
        self._domains = frozenset(each[1:] for each in hosts if each.startswith("."))
        self._hosts = frozenset(each for each in hosts if not each.startswith("."))

    def has(self, host: str) -> bool:
        """Whether `host`, in lower case, without port, brackets and final dot, is among them."""
        if host in self._hosts:
            return True
        domains = self._domains
        if ":" in host:
            return _address(host) in self._hosts
        if len(host) > LONGEST:  # one could have as many labels as a head has room for
            return False
        while domains and host:
            if host in domains:
                return True
            host = host.partition(".")[2]
        return False


def host(text: str) -> str:
    """Return the host or, after a dot, the domain that `text` means, as a URL has it.

    >>> host('.Example.COM'), host('bücher.example'), host('[2001:DB8::1]')
    ('.example.com', 'xn--bcher-kva.example', '2001:db8::1')

    Raises:
        ValueError: it means none.
    """
    name = text.removeprefix(".").removesuffix(".")
    if ":" in name:
        try:
            return str(ip_address(text.removeprefix("[").removesuffix("]")))
        except ValueError:
            raise ValueError("a host is told without scheme and port") from None
    if name.startswith("*."):
        raise ValueError(f'a domain with all below it is ".{name[2:]}"')
    name = ".".join(map(_label, name.split(".")))
    if _LABELS.fullmatch(name) is None or len(name) > LONGEST:
        raise ValueError
    return f".{name}" if text.startswith(".") else name


def _label(text: str) -> str:
    """Return a label of a domain as it is sent: lower case, in ASCII (RFC 3492)."""
    label = unicodedata.normalize("NFC", text.lower())
    return label if label.isascii() else f"xn--{label.encode('punycode').decode()}"


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return text


class Networks:
    """Addresses and networks, whatever their number found by bisection.

    >>> from zcadapt.address import network
    >>> networks = Networks(map(network, ['192.0.2.0/24', '2001:db8::1']))
    >>> networks.has('192.0.2.7'), networks.has('::ffff:192.0.2.7'), networks.has('2001:db8::2')
    (True, True, False)
    """

    __slots__ = ("_four", "_six")

    def __init__(self, networks: Iterable[Network]) -> None:
        networks = list(networks)
        self._four = _Ranges(each for each in networks if isinstance(each, IPv4Network))
        self._six = _Ranges(each for each in networks if isinstance(each, IPv6Network))

    def has(self, address: str) -> bool:
        """Whether `address` is in one of them; what is no address is not."""
        try:
            if ":" not in address:
                return self._four.has(socket.inet_pton(socket.AF_INET, address))
            packed = socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
        except (OSError, ValueError):  # ValueError: it holds a NUL, or is not ASCII
            return False
        if packed.startswith(MAPPED):
            return self._four.has(packed[len(MAPPED) :])
        return self._six.has(packed)


#: How an IPv4 address that comes mapped into IPv6 begins (RFC 4291, 2.5.5.2).
MAPPED: Final = b"\0" * 10 + b"\xff\xff"


class _Ranges:
    """Networks of one family as ranges that do not meet, each address in its bytes."""

    __slots__ = ("_first", "_last")

    def __init__(self, networks: Iterable[Network]) -> None:
        apart = sorted(collapse_addresses(networks))  # type: ignore[type-var]  # all of one family
        self._first = [each.network_address.packed for each in apart]
        self._last = [each.broadcast_address.packed for each in apart]

    def has(self, packed: bytes) -> bool:
        at = bisect_right(self._first, packed) - 1
        return at >= 0 and packed <= self._last[at]
