"""A policy server for HTTP proxies: named plugins decide, over ICAP and ICP.

What the author of a plugin imports is here; the contract is in
`zcadapt.interfaces`.
"""

from zcadapt.icap.body import BodyLostError
from zcadapt.icap.decisions import (
    KEEP,
    Allow,
    Decision,
    Modify,
    Respond,
    allow,
    block,
    modify,
    respond,
)
from zcadapt.icap.request import Request
from zcadapt.icap.service import blocking, reqmod, respmod
from zcadapt.version import VERSION as __version__  # noqa: N811 - as Python names it

__all__ = [
    "KEEP",
    "Allow",
    "BodyLostError",
    "Decision",
    "Modify",
    "Request",
    "Respond",
    "__version__",
    "allow",
    "block",
    "blocking",
    "modify",
    "reqmod",
    "respmod",
    "respond",
]
