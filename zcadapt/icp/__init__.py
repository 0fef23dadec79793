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
from zcadapt.icp.opcodes import (
    ANSWERS,
    DEFAULT_ANSWER,
    ICP_OP_DECHO,
    ICP_OP_DENIED,
    ICP_OP_ERR,
    ICP_OP_HIT,
    ICP_OP_INVALID,
    ICP_OP_MISS,
    ICP_OP_MISS_NOFETCH,
    ICP_OP_QUERY,
    ICP_OP_SECHO,
    Opcode,
    OptionFlag,
)
from zcadapt.icp.policies import Policies, check_url
from zcadapt.icp.server import ICPServer
from zcadapt.icp.settings import ICPSettings
from zcadapt.interfaces import IICPPolicy

__all__ = [
    "ANSWERS",
    "DEFAULT_ANSWER",
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
    "LONGEST",
    "QUERY_LAYOUT",
    "RESPONSE_LAYOUT",
    "BadDatagramError",
    "BadReplyError",
    "Counters",
    "ICPServer",
    "ICPSettings",
    "IICPPolicy",
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
