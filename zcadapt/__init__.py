"""A policy server for HTTP proxies: named plugins decide, over ICAP and ICP.

What the author of a plugin imports is here; the contract is in
`zcadapt.interfaces`.
"""

from zcadapt.address import Address, parse_address
from zcadapt.blockpage import Blocked
from zcadapt.bodies import (
    Base64String,
    BodyError,
    BoundError,
    CodingError,
    FormPart,
    Hashed,
    MissingLibraryError,
    base64_strings,
    decoded,
    form_parts,
)
from zcadapt.conditions import Conditions
from zcadapt.config import Problem, SettingsError, did_you_mean, read_options
from zcadapt.fields import Format, setting
from zcadapt.hooks import hookimpl
from zcadapt.icap.body import BodyLostError
from zcadapt.icap.decisions import (
    KEEP,
    Allow,
    Block,
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
from zcadapt.icap.unable import UnableError
from zcadapt.version import VERSION as __version__  # noqa: N811 - as Python names it

__all__ = [
    "KEEP",
    "Address",
    "Allow",
    "Base64String",
    "Block",
    "Blocked",
    "BodyError",
    "BodyLostError",
    "BoundError",
    "CodingError",
    "Conditions",
    "Decision",
    "FormPart",
    "Format",
    "Hashed",
    "MissingLibraryError",
    "Modify",
    "Problem",
    "Request",
    "Respond",
    "SettingsError",
    "UnableError",
    "__version__",
    "allow",
    "base64_strings",
    "block",
    "blocking",
    "decoded",
    "did_you_mean",
    "form_parts",
    "hookimpl",
    "modify",
    "parse_address",
    "read_options",
    "reqmod",
    "respmod",
    "respond",
    "setting",
]
