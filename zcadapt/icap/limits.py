"""The bounds of one request, as the protocol enforces them."""

from dataclasses import dataclass
from typing import Final

from zcadapt.fields import setting

__all__ = ["GIB", "KIB", "MIB", "Limits"]

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a client may send at most."""

    uri_bytes: int = setting(
        8 * KIB, "The longest ICAP URI taken, in bytes.", least=64, most=64 * KIB
    )
    header_bytes: int = setting(
        64 * KIB,
        "The longest ICAP head taken, and the longest encapsulated heads together, in bytes.",
        least=1 * KIB,
        most=16 * MIB,
    )
    header_count: int = setting(
        256, "How many header lines an ICAP head may have.", least=16, most=65536
    )
    chunk_line_bytes: int = setting(
        4 * KIB,
        "The longest line before a chunk, extensions included, in bytes.",
        least=32,
        most=64 * KIB,
    )
    chunk_bytes: int = setting(
        16 * GIB, "The largest single chunk taken, in bytes.", least=1 * KIB, most=2**60
    )
    preview_bytes: int = setting(
        1 * MIB,
        "The largest preview taken, in bytes: it is kept in memory, whatever the client announced.",
        least=1 * KIB,
        most=1 * GIB,
    )
    body_bytes: int = setting(16 * GIB, "The largest body taken, in bytes.", least=0, most=2**60)
