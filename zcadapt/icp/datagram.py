"""The datagrams of ICP: bytes in, messages out, and back (RFC 2186).

A query is a header, the address of whoever asked the cache that asks us, and
a URL that ends with a NUL. A reply is a header and the same URL. Nothing here
knows of sockets, policies or settings.

What is read in place of a query is checked in one go, because nearly all
datagrams pass. Only for one that does not is it worth finding out why.
"""

from ipaddress import IPv4Address
from struct import Struct, pack
from typing import Final

from zcadapt.icp.errors import BadReplyError, MalformedQueryError, NotAQueryError
from zcadapt.icp.message import Asked, Query, Reply, SocketAddress
from zcadapt.icp.opcodes import ANSWERS, Opcode

__all__ = [
    "HEADER_LAYOUT",
    "LONGEST",
    "QUERY_LAYOUT",
    "RESPONSE_LAYOUT",
    "build",
    "build_reply",
    "parse",
    "parse_reply",
    "read",
    "reply_to",
]

#: Opcode, version, length, request number, options, option data, sender host.
HEADER_LAYOUT: Final = "!BBHIIII"
#: What follows in a query: the requester host and the URL of so many bytes.
QUERY_LAYOUT: Final = "I%ds"
#: What follows in a reply: the URL.
RESPONSE_LAYOUT: Final = "%ds"

#: The longest datagram there may be.
LONGEST: Final = 16384

#: The version that replies have, whatever the query's: Squid too answers its
#: version 3, which has the same layout, with 2.
VERSION: Final = 2
VERSIONS_READ: Final = (2, 3)
#: The first two bytes of a query, as one number.
QUERIES: Final = frozenset(Opcode.ICP_OP_QUERY << 8 | version for version in VERSIONS_READ)

HEADER_SIZE: Final = 20
URL_AT: Final = 24
SHORTEST_REPLY: Final = HEADER_SIZE + 1

QUERY: Final = Opcode.ICP_OP_QUERY.value
ERR: Final = Opcode.ICP_OP_ERR.value

_start = Struct("!BBH").unpack_from
_kind_and_length = Struct("!HH").unpack_from
_number_and_sender = Struct("!4xI8xI").unpack_from
_reply_header = Struct("!BBHI8xI").pack  # options and option data are zero

UNSPECIFIED: Final = IPv4Address(0)
NOWHERE: Final[SocketAddress] = ("0.0.0.0", 0)  # noqa: S104 - nobody binds to it


def parse(datagram: bytes, address: SocketAddress = NOWHERE) -> Query:
    """Return the query that came from `address`, a socket address.

    Raises:
        NotAQueryError: it is none; be silent.
        MalformedQueryError: it is one, but broken; send the `reply` of the error.
    """
    return Query(*read(datagram, address))


def read(datagram: bytes, address: SocketAddress) -> Asked:
    """Return what is asked by the query that came from `address`.

    Raises:
        As `parse`.
    """
    length = len(datagram)
    if URL_AT < length <= LONGEST:
        kind, told = _kind_and_length(datagram)
        url = datagram[URL_AT:-1].decode("latin-1")
        if kind in QUERIES and told == length and datagram[-1] == 0 and "\0" not in url:
            return datagram, url, address
    raise _what_is_wrong(datagram)


def _what_is_wrong(datagram: bytes) -> NotAQueryError | MalformedQueryError:
    # An ERR has 21 bytes. Who sends fewer, perhaps in another's name, gets
    # nothing: no reply is longer than what it replies to.
    if len(datagram) < SHORTEST_REPLY:
        return NotAQueryError("too short for ICP")
    if datagram[0] != QUERY:
        # Answering replies and echoes would make two servers talk for ever.
        return NotAQueryError(f"opcode {datagram[0]} is no query")
    reason, url = _fault(datagram)
    return MalformedQueryError(reason, _reply(datagram, ERR, url + b"\0"))


def _fault(datagram: bytes) -> tuple[str, bytes]:
    """Return why a query cannot be taken, and its URL as far as there is one."""
    _, version, told = _start(datagram)
    if len(datagram) > LONGEST:
        return f"longer than {LONGEST} bytes", b""
    if told != len(datagram):
        return f"says {told} bytes and has {len(datagram)}", b""
    if version not in VERSIONS_READ:
        return f"version {version} is unknown", b""
    if told <= URL_AT:
        return "ends before the URL", b""
    # As C reads it, so that whoever sent it may recognize it.
    url, nul, _ = datagram[URL_AT:].partition(b"\0")
    return ("bytes follow the URL" if nul else "the URL has no end"), url


def _reply(datagram: bytes, opcode: int, url: bytes) -> bytes:
    """Return a reply with the request number and the sender host of `datagram`."""
    header = _reply_header(opcode, VERSION, HEADER_SIZE + len(url), *_number_and_sender(datagram))
    return header + url


def build_reply(query: Query, opcode: int) -> bytes:
    """Return the reply to `query`, with its URL to the byte."""
    return reply_to(query.datagram, opcode)


def reply_to(datagram: bytes, opcode: int) -> bytes:
    """Return the reply to the query that `datagram` is, with its URL to the byte."""
    number, sender = _number_and_sender(datagram)
    # It lacks the four bytes of the requester.
    header = _reply_header(opcode, VERSION, len(datagram) - 4, number, sender)
    return header + datagram[URL_AT:]


def build(  # noqa: PLR0913 - the fields of the datagram
    url: str,
    *,
    request_number: int = 0,
    requester: str | IPv4Address = UNSPECIFIED,
    options: int = 0,
    option_data: int = 0,
    sender: str | IPv4Address = UNSPECIFIED,
    version: int = VERSION,
) -> bytes:
    """Return the datagram of a query, of version 2 and zero in what is not given.

    Args:
        url: each character is one byte (latin-1).
        request_number: 32 bits, by which the reply is known.
        requester: the IPv4 address of the one whose request makes the cache ask.
        options: the flags, as of `OptionFlag`; 32 bits.
        option_data: 32 bits.
        sender: the sender host address.
        version: of ICP.

    Raises:
        ValueError: the URL is too long, has a NUL or what is not latin-1.
    """
    if "\0" in url:
        raise ValueError("a URL with a NUL cannot be asked about")
    payload = url.encode("latin-1") + b"\0"
    length = URL_AT + len(payload)
    if length > LONGEST:
        raise ValueError(f"a query has at most {LONGEST} bytes; this one would have {length}")
    head = (QUERY, version, length, request_number, options, option_data, int(IPv4Address(sender)))
    layout = HEADER_LAYOUT + QUERY_LAYOUT % len(payload)
    return pack(layout, *head, int(IPv4Address(requester)), payload)


def parse_reply(datagram: bytes) -> Reply:
    """Return the reply that `datagram` is.

    Raises:
        BadReplyError: it is none that may be believed.
    """
    length = len(datagram)
    if not SHORTEST_REPLY <= length <= LONGEST:
        raise BadReplyError("too short or too long for a reply")
    opcode, version, told = _start(datagram)
    if opcode not in ANSWERS.values() or version not in VERSIONS_READ or told != length:
        raise BadReplyError("not the header of a reply")
    if datagram.find(0, HEADER_SIZE) != length - 1:
        raise BadReplyError("the URL does not end with the datagram")
    return Reply(datagram, datagram[HEADER_SIZE:-1].decode("latin-1"))
