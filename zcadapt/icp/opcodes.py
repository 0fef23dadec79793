"""The opcodes and option flags of ICP, under the names that RFC 2186 gives them."""

from collections.abc import Mapping
from enum import IntEnum, IntFlag
from types import MappingProxyType
from typing import Final

__all__ = [
    "ANSWERS",
    "DEFAULT_ANSWER",
    "ICP_OP_DECHO",
    "ICP_OP_DENIED",
    "ICP_OP_ERR",
    "ICP_OP_HIT",
    "ICP_OP_INVALID",
    "ICP_OP_MISS",
    "ICP_OP_MISS_NOFETCH",
    "ICP_OP_QUERY",
    "ICP_OP_SECHO",
    "Opcode",
    "OptionFlag",
]


class Opcode(IntEnum):
    """What a datagram is (RFC 2186, 2)."""

    ICP_OP_INVALID = 0
    ICP_OP_QUERY = 1
    ICP_OP_HIT = 2
    ICP_OP_MISS = 3
    ICP_OP_ERR = 4
    ICP_OP_SECHO = 10
    ICP_OP_DECHO = 11
    ICP_OP_MISS_NOFETCH = 21
    ICP_OP_DENIED = 22
    ICP_OP_HIT_OBJ = 23


# The opcodes, as numbers (RFC 2186, 2).
ICP_OP_INVALID: Final = Opcode.ICP_OP_INVALID.value
ICP_OP_QUERY: Final = Opcode.ICP_OP_QUERY.value
ICP_OP_HIT: Final = Opcode.ICP_OP_HIT.value
ICP_OP_MISS: Final = Opcode.ICP_OP_MISS.value
ICP_OP_ERR: Final = Opcode.ICP_OP_ERR.value
ICP_OP_SECHO: Final = Opcode.ICP_OP_SECHO.value
ICP_OP_DECHO: Final = Opcode.ICP_OP_DECHO.value
ICP_OP_MISS_NOFETCH: Final = Opcode.ICP_OP_MISS_NOFETCH.value
ICP_OP_DENIED: Final = Opcode.ICP_OP_DENIED.value


class OptionFlag(IntFlag):
    """What a query asks for beside the answer (RFC 2186, 3); neither is granted."""

    ICP_FLAG_HIT_OBJ = 0x80000000
    ICP_FLAG_SRC_RTT = 0x40000000


#: What a policy may answer, and the opcode that says so. ``ICP_OP_HIT_OBJ`` would
#: carry the object itself past HTTP; the RFC advises against it.
ANSWERS: Final[Mapping[str, int]] = MappingProxyType(
    {
        name: Opcode[name].value
        for name in (
            "ICP_OP_HIT",
            "ICP_OP_MISS",
            "ICP_OP_ERR",
            "ICP_OP_MISS_NOFETCH",
            "ICP_OP_DENIED",
        )
    }
)

#: The answer where no policy has an opinion.
DEFAULT_ANSWER: Final = "ICP_OP_MISS"
