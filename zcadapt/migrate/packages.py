"""The four packages: their modules, what became of each name, and what there is no more."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from zcadapt.compat import icap_server, zc_icp

__all__ = ["MENTIONED", "PACKAGES", "Package", "Place", "place_of"]


@dataclass(frozen=True)
class Package:
    """One of the four.

    Attributes:
        old: its name.
        new: the module that has its names now.
        names: those that it had and the new one has.
        modules: the modules of which `new` has the names.
        gone: of names and modules that are no more: why, and what there is instead.
    """

    old: str
    new: str
    names: frozenset[str]
    modules: frozenset[str]
    gone: Mapping[str, str] = field(default_factory=dict)

    def why(self, name: str) -> str:
        """Return why there is no `name` any more."""
        if name in self.gone:
            return self.gone[name]
        if name.startswith("_"):
            return f"{name} was not for others, and is not there"
        return f"no {name} is known of {self.old}; if this is another module, leave it as it is"


class Place(NamedTuple):
    """Where a dotted name leads: what follows the module, if anything does."""

    package: Package
    module: str
    name: str


HANDLERS: Final = frozenset({"BaseICAPRequestHandler", "ICAPError", "ICAPServer"})

STRUCTURES: Final = (
    "content_adaptation_response",
    "encapsulated_data",
    "icap_method",
    "icap_request",
    "icap_request_line",
)

_WRITES: Final = (
    "take the import out; the server writes the answers, and a handler returns a "
    "ContentAdaptationResponse"
)
_REFUSES: Final = (
    "take the import out; the server answers what is no request with 400 and so on, and raises "
    "nothing"
)

PACKAGES: Final[Mapping[str, Package]] = {
    package.old: package
    for package in (
        Package("pyicap", "zcadapt.compat.pyicap", HANDLERS, frozenset({"pyicap"})),
        Package(
            "icapserver",
            "zcadapt.compat.icapserver",
            HANDLERS | {"LOG", "main", "set_logger"},
            frozenset({"icapserver"}),
        ),
        Package(
            "icap_server",
            "zcadapt.compat.icap_server",
            frozenset(icap_server.__all__) - {"Server", "service_of"},
            frozenset({"icap_server", *(f"icap_server.structures.{each}" for each in STRUCTURES)}),
            {
                "EncapsulatedEntityName": _WRITES,
                "ICAPResponse": _WRITES,
                "ICAPResponseBody": _WRITES,
                "ICAPStatusLine": _WRITES,
                "check_if_connection_close": "the server closes connections itself",
                "cli": "take the import out; the command line is zcadapt echo",
                "exceptions": _REFUSES,
                "handle": "run_server serves, and zcadapt serve with service_of",
                "structures": "there is one module with all names, zcadapt.compat.icap_server",
            },
        ),
        Package(
            "zc.icp",
            "zcadapt.compat.zc_icp",
            frozenset(zc_icp.__all__),
            frozenset({"zc.icp", "zc.icp.interfaces"}),
            {
                "ICPServer": "it was asyncore's; there is start_server, whose server can be "
                "stopped, and zcadapt.icp.ICPServer for an asyncio program",
                "asyncore_map": "there is no loop of asyncore; start_server runs in a thread of "
                "its own, and its server can be stopped",
                "reverse_opcode_map": "format_datagram tells the names of opcodes; "
                "their numbers are ICP_OP_QUERY and so on",
                "template": "format_datagram draws every datagram",
            },
        ),
    )
}

#: What stands in any file that is of interest, as a regular expression.
MENTIONED: Final = r"pyicap|icapserver|icap[-_]server|zc_icp|zc[\s\\.]+(?:icp|import)\b"

_MODULES: Final = {
    module: package for package in PACKAGES.values() for module in (*package.modules, package.new)
}

#: The most parts that the name of a module has.
DEEPEST: Final = max(module.count(".") + 1 for module in _MODULES)


def place_of(dotted: str) -> Place | None:
    """Return where `dotted` leads, or None if that is in none of the four.

    >>> place_of('zc.icp.interfaces.IICPPolicy')[1:]
    ('zc.icp.interfaces', 'IICPPolicy')
    >>> place_of('icap_server.structures.icap_response')[1:]
    ('icap_server', 'structures')
    >>> place_of('zc.lockfile')
    """
    parts = dotted.split(".")
    for end in range(min(len(parts), DEEPEST), 0, -1):
        module = ".".join(parts[:end])
        if module in _MODULES:
            return Place(_MODULES[module], module, parts[end] if end < len(parts) else "")
    return None
