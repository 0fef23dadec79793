"""What can be set about ICAP: where it listens, and the bounds of all that a client may send."""

from dataclasses import dataclass

from zcadapt.address import ADDRESS
from zcadapt.fields import setting
from zcadapt.icap.limits import GIB, KIB, MIB, Limits

__all__ = ["ICAPSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ICAPSettings(Limits):
    """The table ``[icap]``."""

    listen: tuple[str, ...] = setting(
        ("127.0.0.1:1344",), "Where to listen, each HOST:PORT.", format=ADDRESS
    )
    connections: int = setting(
        4096, "How many clients may be connected; one more is told 503.", least=1, most=1_000_000
    )
    options_ttl: int = setting(
        600, "For how many seconds a client may keep an OPTIONS answer.", least=1, most=86400
    )
    idle_timeout: float = setting(
        600.0, "Seconds that a client may be connected and ask nothing.", least=1, most=86400
    )
    head_timeout: float = setting(
        60.0,
        "Seconds in which the heads of a request have to come, from their first byte on.",
        least=1,
        most=86400,
    )
    read_timeout: float = setting(
        900.0,
        "Seconds that a client may be silent in the middle of a body. A proxy is silent for as "
        "long as the server, or the browser, behind it is.",
        least=1,
        most=86400,
    )
    write_timeout: float = setting(
        900.0,
        "Seconds that a client may take nothing of its answer: a proxy takes nothing while its "
        "user has paused a download.",
        least=1,
        most=86400,
    )
    request_timeout: float = setting(
        86400.0,
        "Seconds that a request may take in all, from its head to the last byte of its answer.",
        least=1,
        most=30 * 86400,
    )
    stall_timeout: float = setting(
        1.0,
        "Seconds that a client may take nothing of its answer while it still sends, "
        "before its body is read ahead, into a file if need be.",
        least=0.05,
        most=3600,
    )
    drip_after: float = setting(
        0.5,
        "Seconds of silence in the middle of a response for which services still wait, after which "
        "its head and single bytes of its body go back: Squid before 2025 sends nothing more "
        "otherwise. Ten times as long where the client did not fall silent after 65,535 bytes, "
        "as Squid does. What is decided then can only complete the answer, or cut it. 0: never.",
        least=0,
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
