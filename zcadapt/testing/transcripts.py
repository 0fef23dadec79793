"""What real clients send, to the byte, or what their makers' documents show of it."""

import re
from pathlib import Path
from typing import Final

__all__ = ["TRANSCRIPTS", "transcript"]

FOLDER: Final = Path(__file__).parent / "transcripts"

#: The names of all of them, each a client and what it asks, such as ``squid-respmod``.
TRANSCRIPTS: Final = tuple(sorted(path.stem for path in FOLDER.glob("*.txt")))

#: The endpoint that all of them ask.
ENDPOINT: Final = b"/avscan"

_UNKNOWN: Final = re.compile(rb"([a-z]+-[a-z]+)=\?")


def transcript(name: str, *, size: int = 0, endpoint: str = "avscan") -> bytes:
    """Return what a client sends up to the body, if there is to be one.

    Args:
        name: one of `TRANSCRIPTS`.
        size: the length of the body that follows, where the client tells it.
        endpoint: the path of the ICAP URI.

    Raises:
        KeyError: there is no such transcript.

    >>> transcript('squid-options', endpoint='a').splitlines()[0]
    b'OPTIONS icap://127.0.0.1:1344/a ICAP/1.0'
    """
    if name not in TRANSCRIPTS:
        raise KeyError(f"there is no {name!r}; there are {', '.join(TRANSCRIPTS)}")
    sent = (FOLDER / f"{name}.txt").read_bytes().replace(b"\n", b"\r\n")
    sent = sent.replace(b"{size}", b"%d" % size)
    return _with_offsets(sent.replace(ENDPOINT, f"/{endpoint}".encode("latin-1"), 1))


def _with_offsets(sent: bytes) -> bytes:
    """Return `sent` with offsets in Encapsulated, where the file has ``=?`` for them."""
    head, _, rest = sent.partition(b"\r\n\r\n")
    at = 0
    for name in _UNKNOWN.findall(head):
        head = head.replace(name + b"=?", b"%s=%d" % (name, at))
        if name.endswith(b"-hdr"):
            at = rest.index(b"\r\n\r\n", at) + 4
    return head + b"\r\n\r\n" + rest
