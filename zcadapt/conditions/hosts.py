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
from urllib.parse import unquote_to_bytes

from zcadapt.icap.http import HTTPMessage

__all__ = ["Hosts", "Networks", "host", "hosts_of"]

Network = IPv4Network | IPv6Network

LONGEST: Final = 253  # RFC 1035, 3.1, as it is written
LONGEST_LABEL: Final = 63
#: Where a request names more hosts, so many of the first and of the last are looked at.
MOST_NAMED: Final = 4

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_WORDS = re.compile(r"[^,\s]+", re.ASCII)  # in latin-1 a byte of UTF-8 may be a space
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
        """Whether `host`, as `hosts_of` returns it, is among them."""
        if host in self._hosts:
            return True
        domains = self._domains
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
        address = _address(text.removeprefix("[").removesuffix("]"))
        if not address:
            raise ValueError("a host is told without scheme and port")
        return address
    if name.startswith("*."):
        raise ValueError(f'a domain with all below it is ".{name[2:]}"')
    name = _ascii(name)
    if _LABELS.fullmatch(name) is None or len(name) > LONGEST:
        raise ValueError
    return f".{name}" if text.startswith(".") else name


def hosts_of(http: HTTPMessage) -> tuple[str, ...]:
    r"""Return the hosts that the request names, each as `host` would; without one an empty text.

    >>> hosts_of(HTTPMessage(b'GET http://www%2EExample.com./ HTTP/1.1\r\n\r\n', None))
    ('www.example.com',)
    >>> hosts_of(HTTPMessage(b'GET / HTTP/1.1\r\nHost: a:80\r\nHost: [2001:DB8::1]\r\n\r\n', None))
    ('a', '2001:db8::1')
    """
    known = http.__dict__  # each rule asks again: it is kept as a cached property is
    if "hosts_of" not in known:
        known["hosts_of"] = _named(http)
    found: tuple[str, ...] = known["hosts_of"]
    return found


def _named(http: HTTPMessage) -> tuple[str, ...]:
    request = http.request
    if request.method != "CONNECT" and _SCHEME.match(request.target) is None:
        # There is to be one Host, with one host. Of more, any may be the one that is asked.
        value = request.headers.get("host", "")
        words = _WORDS.findall(value)
        if words not in ([], [value]):
            some = words[:MOST_NAMED] + words[-MOST_NAMED:]
            hosts = [HTTPMessage(f"CONNECT {it}".encode("latin-1"), None).host for it in some]
            return tuple(dict.fromkeys(map(_plain, hosts)))
    return (_plain(http.host),)


def _plain(host: str) -> str:
    """Return `host`, as `HTTPMessage.host` has it, with all undone by which it may be disguised."""
    if ":" in host:
        return _address(host)
    if host.isascii() and "%" not in host:
        return host
    name = unquote_to_bytes(host.encode("latin-1")).decode("utf-8", "replace")
    return _ascii(name).rstrip(".")


def _ascii(name: str) -> str:
    """Return a name as it is sent: lower case, in ASCII (RFC 3492), much as browsers do it."""
    if len(name) > LONGEST:  # there is none, and Punycode takes its time
        return name
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name).replace("\N{IDEOGRAPHIC FULL STOP}", ".")
    return ".".join(map(_label, name.lower().split(".")))


def _label(label: str) -> str:
    if label.isascii() or len(label) > LONGEST_LABEL:
        return label
    return f"xn--{label.encode('punycode').decode()}"


def _address(text: str) -> str:
    """Return an address as it is usually written, IPv4 in IPv6 as IPv4; nothing for none."""
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


class Networks:
    """Addresses and networks, whatever their number found by bisection.

    >>> from zcadapt.address import network
    >>> networks = Networks(map(network, ['192.0.2.0/24', '2001:db8::1']))
    >>> networks.has('192.0.2.7'), networks.has('::ffff:192.0.2.7'), networks.has('2001:db8::2')
    (True, True, False)
    """

    __slots__ = ("_four", "_six")

    def __init__(self, networks: Iterable[Network]) -> None:
        networks = list(map(_unmapped, networks))
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


def _unmapped(network: Network) -> Network:
    """Return `network`, one of addresses that are mapped into IPv6 as what it is."""
    begin, bits = network.network_address.packed, network.prefixlen - 8 * len(MAPPED)
    if not begin.startswith(MAPPED) or bits < 0:
        return network
    return IPv4Network((begin[len(MAPPED) :], bits))


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
