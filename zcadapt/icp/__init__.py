"""ICP, the Internet Cache Protocol (RFC 2186): whether this server wants a URL."""

from zcadapt.icp.box import format_datagram, print_datagram
from zcadapt.icp.client import ask, exchange
from zcadapt.icp.counters import Counters
from zcadapt.icp.datagram import (
    HEADER_LAYOUT,
    LONGEST,
    QUERY_LAYOUT,
    RESPONSE_LAYOUT,
    build,
    build_reply,
    parse,
    parse_reply,
)
from zcadapt.icp.embedded import RunningServer, handle_request, start_server
from zcadapt.icp.errors import (
    BadDatagramError,
    BadReplyError,
    MalformedQueryError,
    NotAQueryError,
)
from zcadapt.icp.message import Message, Query, Reply
from zcadapt.icp.opcodes import ANSWERS, DEFAULT_ANSWER, Opcode, OptionFlag
from zcadapt.icp.policies import Policies, check_url
from zcadapt.icp.server import ICPServer
from zcadapt.icp.settings import ICPSettings

__all__ = [
    "ANSWERS",
    "DEFAULT_ANSWER",
    "HEADER_LAYOUT",
    "LONGEST",
    "QUERY_LAYOUT",
    "RESPONSE_LAYOUT",
    "BadDatagramError",
    "BadReplyError",
    "Counters",
    "ICPServer",
    "ICPSettings",
    "MalformedQueryError",
    "Message",
    "NotAQueryError",
    "Opcode",
    "OptionFlag",
    "Policies",
    "Query",
    "Reply",
    "RunningServer",
    "ask",
    "build",
    "build_reply",
    "check_url",
    "exchange",
    "format_datagram",
    "handle_request",
    "parse",
    "parse_reply",
    "print_datagram",
    "start_server",
]
