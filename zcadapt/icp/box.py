"""A datagram as RFC 2186 draws it, for people."""

from struct import unpack_from
from typing import Final

from zcadapt.icp.datagram import HEADER_LAYOUT, HEADER_SIZE
from zcadapt.icp.opcodes import Opcode

__all__ = ["format_datagram", "print_datagram"]

WIDTH: Final = 63
LINE: Final = "+-" * 32 + "+"
OPCODE_WIDTH: Final = 13
PAYLOAD_WIDTH: Final = 50


def format_datagram(datagram: bytes) -> str:
    r"""Return a drawing of `datagram`, query or reply.

    >>> from zcadapt.icp import build
    >>> print(format_datagram(build('http://example.com/', request_number=0xDEADBEEF)))
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |  ICP_OP_QUERY |   Version: 2  |     Message Length: 44        |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                    Request Number: DEADBEEF                   |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                    Options: 0                                 |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                    Option Data: 0                             |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                    Sender Host Address: 0                     |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                                                               |
    |    Payload: \x00\x00\x00\x00http://example.com/\x00           |
    |                                                               |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

    The length is the one that stands in the header; the other numbers are
    hexadecimal. A long payload takes several lines.

    Raises:
        ValueError: there is not even a header.
    """
    if len(datagram) < HEADER_SIZE:
        raise ValueError(f"{len(datagram)} bytes are no ICP header")
    opcode, version, length, *words = unpack_from(HEADER_LAYOUT, datagram)
    first = f"|  {_name(opcode):13}|   Version: {version:<3}|     Message Length: {length:<10}|"
    titles = ("Request Number", "Options", "Option Data", "Sender Host Address")
    rows = [_row(f"{'':20}{title}: {word:X}") for title, word in zip(titles, words, strict=True)]
    payload = "\n".join([_row(""), *_payload(datagram[HEADER_SIZE:]), _row("")])
    return f"\n{LINE}\n".join(["", first, *rows, payload, ""]).strip()


def print_datagram(datagram: bytes) -> None:
    """Print a drawing of `datagram`, or its bytes where it is too short for one."""
    print(format_datagram(datagram) if len(datagram) >= HEADER_SIZE else repr(datagram))  # noqa: T201


def _name(opcode: int) -> str:
    """Return the opcode's name, without what all begin with where it is too long for its box."""
    try:
        name = Opcode(opcode).name
    except ValueError:
        return f"opcode {opcode}"
    return name if len(name) <= OPCODE_WIDTH else name.removeprefix("ICP_OP_")


def _row(text: str) -> str:
    return f"|{text:{WIDTH}}|"


def _payload(payload: bytes) -> list[str]:
    text = payload.decode("latin-1").encode("unicode_escape").decode("ascii")
    parts = [text[at : at + PAYLOAD_WIDTH] for at in range(0, len(text), PAYLOAD_WIDTH)] or [""]
    titles = ["    Payload: ", *[" " * 13] * (len(parts) - 1)]
    return [_row(title + part) for title, part in zip(titles, parts, strict=True)]
