"""What zc.icp 1.0.0 had: ICP policies, and a server in a thread of any program.

``import zc.icp`` becomes ``from zcadapt.compat.zc_icp import zc``; a name that
was imported from ``zc.icp`` or ``zc.icp.interfaces`` is imported from here.
"""

import logging
import sys
from struct import pack, unpack_from
from types import SimpleNamespace
from typing import Final

from zcadapt import icp, interfaces
from zcadapt.icp import (
    HEADER_LAYOUT,
    ICP_OP_DECHO,
    ICP_OP_DENIED,
    ICP_OP_ERR,
    ICP_OP_HIT,
    ICP_OP_INVALID,
    ICP_OP_MISS,
    ICP_OP_MISS_NOFETCH,
    ICP_OP_QUERY,
    ICP_OP_SECHO,
    QUERY_LAYOUT,
    RESPONSE_LAYOUT,
    check_url,
    format_datagram,
    start_server,
)
from zcadapt.icp.embedded import CheckURL
from zcadapt.interfaces import IICPPolicy

__all__ = [
    "HEADER_LAYOUT",
    "ICP_OP_DECHO",
    "ICP_OP_DENIED",
    "ICP_OP_ERR",
    "ICP_OP_HIT",
    "ICP_OP_INVALID",
    "ICP_OP_MISS",
    "ICP_OP_MISS_NOFETCH",
    "ICP_OP_QUERY",
    "ICP_OP_SECHO",
    "MAX_DATAGRAM_LOG_LENGTH",
    "QUERY_LAYOUT",
    "RESPONSE_LAYOUT",
    "IICPPolicy",
    "check_url",
    "format_datagram",
    "handle_request",
    "interfaces",
    "print_datagram",
    "start_server",
]

log = logging.getLogger("zcadapt.icp")

#: How many bytes of a broken query the log shows.
MAX_DATAGRAM_LOG_LENGTH: Final = 70

VERSION: Final = 2
HEADER_SIZE: Final = 20
URL_AT: Final = 24

#: What the code calls ``zc.icp.check_url`` and so on.
zc: Final = SimpleNamespace(icp=sys.modules[__name__])


def handle_request(datagram: bytes, check_url: CheckURL = check_url) -> bytes:
    r"""Return the reply to `datagram`, empty where there is to be none.

    >>> from zcadapt.icp import build
    >>> handle_request(build('http://x/'), lambda url: 'ICP_OP_HIT')
    b'\x02\x02\x00\x1e\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00http://x/\x00'

    It is `zcadapt.icp.handle_request`, but for three kinds of broken queries.
    Those that are too short for a header or a URL, and those whose URL does not
    end with a NUL, are logged each time, and the ICP_OP_ERR that they get is
    that of zc.icp. The first may be longer than the query, and has its length;
    the second has no sender host; the last has the URL as it came, without a NUL.
    """
    broken = _broken(datagram)
    if broken is None:
        return icp.handle_request(datagram, check_url)
    reason, reply = broken
    log.error("%s:\n    %s", reason, _shown(datagram))
    return reply


def _broken(datagram: bytes) -> tuple[str, bytes] | None:
    """Return what is logged and answered where a query is broken as zc.icp documents it."""
    size = len(datagram)
    if datagram[:1] != bytes([ICP_OP_QUERY]):
        return None
    if size < HEADER_SIZE:
        return "Error unpacking ICP header", _error(size, 0, 0, b"\0")
    _, version, told, number, _, _, sender = unpack_from(HEADER_LAYOUT, datagram)
    if (version, told) != (VERSION, size):
        return None
    if size <= URL_AT:
        return "Query is not long enough", _error(HEADER_SIZE + 1, number, 0, b"\0")
    if size <= icp.LONGEST and datagram[-1]:
        url = datagram[URL_AT:]
        reply = _error(HEADER_SIZE + len(url), number, sender, url)
        return "URL in ICP query is not null-terminated", reply
    return None


def _error(length: int, number: int, sender: int, payload: bytes) -> bytes:
    layout = HEADER_LAYOUT + RESPONSE_LAYOUT % len(payload)
    return pack(layout, ICP_OP_ERR, VERSION, length, number, 0, 0, sender, payload)


def _shown(datagram: bytes) -> str:
    if len(datagram) <= MAX_DATAGRAM_LOG_LENGTH:
        return repr(datagram)
    half = MAX_DATAGRAM_LOG_LENGTH // 2
    return repr(datagram[:half] + b"..." + datagram[-half:])


def print_datagram(datagram: bytes) -> str:
    """Return a drawing of `datagram`, or its ``repr`` where it is too short for one.

    In spite of its name it does not print, and never did;
    `zcadapt.icp.print_datagram` does.
    """
    return format_datagram(datagram) if len(datagram) >= HEADER_SIZE else repr(datagram)
