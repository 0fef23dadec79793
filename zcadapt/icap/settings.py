"""What can be set about ICAP: where it listens, and the bounds of all that a client may send."""

from dataclasses import dataclass

from zcadapt.icap.limits import GIB, KIB, MIB, Limits
from zcadapt.setting import setting

__all__ = ["ICAPSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ICAPSettings(Limits):
    """The table ``[icap]``."""

    listen: tuple[str, ...] = setting(("127.0.0.1:1344",), "Where to listen, each HOST:PORT.")
    connections: int = setting(
        4096, "How many clients may be connected; one more is told 503.", least=1, most=1_000_000
    )
    options_ttl: int = setting(
        600, "For how many seconds a client may keep an OPTIONS answer.", least=1, most=86400
    )
    idle_timeout: float = setting(
        600.0, "Seconds that a client may be connected and ask nothing.", least=1, most=86400
    )
    read_timeout: float = setting(
        60.0, "Seconds that a client may be silent in the middle of a request.", least=1, most=86400
    )
    write_timeout: float = setting(
        60.0, "Seconds that a client may take nothing of its answer.", least=1, most=86400
    )
    stall_timeout: float = setting(
        1.0,
        "Seconds that a client may take nothing of its answer while it still sends, "
        "before its body is read ahead, into a file if need be.",
        least=0.05,
        most=3600,
    )
    body_memory: int = setting(
        512 * KIB,
        "How much of a body is kept in memory before the rest goes to a temporary file, in bytes.",
        least=0,
        most=1 * GIB,
    )
    spool_bytes: int = setting(
        4 * GIB,
        "How much the temporary files of all bodies together may hold, in bytes; who needs more "
        "is told 503.",
        least=0,
        most=2**60,
    )
    drain_bytes: int = setting(
        64 * MIB,
        "How much of a body nobody wants is read so that the connection can be kept, in bytes.",
        least=0,
        most=2**60,
    )
