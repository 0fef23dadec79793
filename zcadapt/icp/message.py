"""What was asked and what was answered, each a view of its datagram (RFC 2186, 1).

The URL is there at once, since everybody wants it. The other fields are read
from the bytes when somebody looks, and nearly nobody does.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from zcadapt.icp.opcodes import Opcode

__all__ = ["Asked", "Message", "Query", "Reply", "SocketAddress"]

SocketAddress = tuple[Any, ...]

#: What a `Query` is made of: the datagram, the URL, and where it came from. Nearly
#: everybody wants the URL alone, and to make an object costs as much as to ask a policy.
Asked = tuple[bytes, str, SocketAddress]


class Message:
    """The header of a datagram, read when somebody looks."""

    __slots__ = ("datagram", "url")

    def __init__(self, datagram: bytes, url: str) -> None:
        self.datagram = datagram
        self.url = url

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.request_number:08X} {self.url!r}>"

    @property
    def version(self) -> int:
        """The version of ICP that the sender speaks."""
        return self.datagram[1]

    @property
    def request_number(self) -> int:
        """The sender's name for the query; its reply has the same."""
        return self._word(1)

    @property
    def options(self) -> int:
        """The option flags (RFC 2186, 3)."""
        return self._word(2)

    @property
    def option_data(self) -> int:
        """What goes with the option flags."""
        return self._word(3)

    @property
    def sender(self) -> IPv4Address:
        """The sender host address that stands in the header; not to be trusted."""
        return IPv4Address(self._word(4))

    def _word(self, number: int) -> int:
        """Return one of the words of 32 bits; the first is opcode, version and length."""
        return int.from_bytes(self.datagram[4 * number : 4 * number + 4])


class Query(Message):
    """A query, as a policy that provides `zcadapt.interfaces.IICPQueryPolicy` sees it.

    `url` is a `str`, each byte one character (latin-1). `address` is the
    address of the socket that it came from.
    """

    __slots__ = ("address",)

    def __init__(self, datagram: bytes, url: str, address: SocketAddress) -> None:
        self.datagram = datagram
        self.url = url
        self.address = address

    @property
    def requester(self) -> IPv4Address | None:
        """Whose request made the cache ask; ``None`` where it does not say."""
        word = self._word(5)
        return IPv4Address(word) if word else None

    @property
    def peer(self) -> IPv4Address | IPv6Address:
        """The address that the query came from, as the system tells it; it can be forged."""
        return _ip(self.address[0])

    @property
    def port(self) -> int:
        """The port that it asks from, and where the reply goes."""
        port: int = self.address[1]
        return port


class Reply(Message):
    """A reply, as the one who asked sees it."""

    __slots__ = ()

    @property
    def answer(self) -> str:
        """One of the five answers, such as ``'ICP_OP_MISS'``."""
        return Opcode(self.datagram[0]).name


@lru_cache(maxsize=1024)  # peers are few, and ask again and again
def _ip(host: str) -> IPv4Address | IPv6Address:
    found = ip_address(host)
    return getattr(found, "ipv4_mapped", None) or found
