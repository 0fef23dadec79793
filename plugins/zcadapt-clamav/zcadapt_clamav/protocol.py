r"""The protocol of clamd, as far as it is needed: bytes in, meaning out (see clamd(8)).

A body goes out after ``zINSTREAM\0`` in chunks, each after its length in four
bytes, and ends with one of no length. The answer ends with a NUL.

>>> chunk(b'hello')
b'\x00\x00\x00\x05hello'
"""

import re
import struct
from typing import Final

from zcadapt_clamav.troubles import LostError, NotScannedError, Trouble

__all__ = [
    "END",
    "INSTREAM",
    "PING",
    "PONG",
    "VERSION",
    "chunk",
    "is_version",
    "tells_of_signatures",
    "threat",
    "trouble",
]

INSTREAM: Final = b"zINSTREAM\0"
PING: Final = b"zPING\0"
PONG: Final = "PONG"
VERSION: Final = b"zVERSION\0"
END: Final = bytes(4)

_LENGTH: Final = struct.Struct("!I")
_FOUND: Final = re.compile(r"stream(?:\([^)]*\))?: (.+) FOUND", re.DOTALL)
#: Findings that say something else than that it is a virus.
_TROUBLES: Final = (
    ("Heuristics.Encrypted.", Trouble.ENCRYPTED),
    ("Heuristics.Limits.Exceeded", Trouble.TOO_LARGE),
)


def chunk(data: bytes) -> bytes:
    """Return `data`, not empty, as it goes out."""
    return _LENGTH.pack(len(data)) + data


def threat(reply: str) -> str:
    """Return the name of what was found; empty: nothing was.

    >>> threat('stream: Win.Test.EICAR_HDB-1 FOUND'), threat('stream: OK')
    ('Win.Test.EICAR_HDB-1', '')

    Raises:
        NotScannedError: it was not scanned.
    """
    if reply == "stream: OK":
        return ""
    if found := _FOUND.fullmatch(reply):
        return found[1]
    if "size limit exceeded" in reply:
        raise NotScannedError(Trouble.TOO_LARGE, "it is larger than clamd takes (StreamMaxLength)")
    if not reply or "TIMED OUT" in reply:
        raise LostError("clamd dropped the connection" + (f": {reply:.80}" if reply else ""))
    raise NotScannedError(Trouble.DOWN, f"clamd says: {reply:.80}")


def trouble(name: str) -> Trouble | None:
    """Return the trouble that a finding stands for, if it is no virus.

    >>> trouble('Heuristics.Encrypted.Zip').value
    'encrypted'
    >>> trouble('Win.Test.EICAR_HDB-1')
    """
    return next((each for begin, each in _TROUBLES if name.startswith(begin)), None)


def is_version(reply: str) -> bool:
    """Whether it is an answer to VERSION: ClamAV 1.4.6/27500/Mon Jan  5 09:25:01 2026."""
    return reply.startswith("ClamAV ")


def tells_of_signatures(version: str) -> bool:
    """Whether an answer to VERSION names a database (daily), or the program alone.

    >>> tells_of_signatures('ClamAV 1.4.6/27500/Mon Jan  5 09:25:01 2026')
    True
    >>> tells_of_signatures('ClamAV 1.4.6')
    False
    """
    return "/" in version
