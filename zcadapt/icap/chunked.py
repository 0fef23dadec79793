"""The chunked transfer-coding of ICAP bodies (RFC 3507, 4.4; RFC 9112, 7.1).

A reader takes the stream in whatever pieces it comes and hands out body bytes,
many chunks at once and with one copy; what it cannot read yet it leaves over.
"""

import re
from functools import lru_cache
from typing import Final

from zcadapt.icap.errors import BrokenMessageError, TooLargeError
from zcadapt.icap.limits import Limits

__all__ = ["CRLF", "ChunkReader", "frame", "last_chunk"]

CRLF: Final = b"\r\n"
BLANK_LINE: Final = b"\r\n\r\n"
HEX_DIGITS: Final = b"0123456789abcdefABCDEF"
MOST_DIGITS: Final = 16
#: What shorter lines say is kept; longer ones hold extensions that hardly repeat.
SHORT_LINE: Final = 64

# One that is not closed goes on to the end, or each quote would be a new beginning.
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\\?$)')
_TRAILERS = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\0\r\n]*\r\n(?:[ \t][^\0\r\n]*\r\n)*)*")


@lru_cache(1024)
def parse_size(line: bytes) -> tuple[int, bool]:
    """Return (size, whether `ieof` is among the extensions) of the line before a chunk.

    Raises:
        BrokenMessageError: it does not begin with a number in hexadecimal, or
            hides the end of a line.
    """
    if b"\r" in line or b"\n" in line:
        raise BrokenMessageError("a bare CR or LF before a chunk")
    digits, _, extensions = line.partition(b";")
    digits = digits.strip(b" \t")
    if not digits or len(digits) > MOST_DIGITS or digits.strip(HEX_DIGITS):
        raise BrokenMessageError("the line before a chunk does not begin with its size")
    names = (
        each.partition(b"=")[0].strip(b" \t").lower()
        for each in _QUOTED.sub(b"", extensions).split(b";")
    )
    return int(digits, 16), b"ieof" in names


class ChunkReader:
    """Reads one chunked stream, up to and with its last chunk and trailers.

    `left_over` holds what was received and not decoded: the beginning of a
    line, or what follows the stream once it has `ended`. `ieof` tells whether
    the last chunk said that the body ends with it (RFC 3507, 4.5).

    Args:
        limits: the bounds of it all.
        most: how many bytes of the body may come, if not all that the limits
            allow. What of them is left is `room`.
    """

    __slots__ = (
        "_in_trailers",
        "_limits",
        "_missing",
        "_searched",
        "_size_due",
        "ended",
        "ieof",
        "left_over",
        "room",
        "trailers",
    )

    def __init__(self, limits: Limits, most: int | None = None) -> None:
        self._limits = limits
        self.room = limits.body_bytes if most is None else most
        self._missing = 0  # bytes of the current chunk yet to come
        self._searched = 0  # how much of the trailers has no blank line
        self._size_due = True  # False: the CRLF behind a chunk's data comes first
        self._in_trailers = False
        self.ended = False
        self.ieof = False
        self.left_over = b""
        self.trailers = b""

    def decode(self, data: bytes) -> bytes:
        """Return the body bytes in `data`, which begins with what was left over.

        Raises:
            BrokenMessageError: the coding is broken.
            TooLargeError: a line or a chunk is larger than allowed.
        """
        if self._missing > len(data):
            self._missing -= len(data)
            self.left_over = b""
            return data
        view = memoryview(data)
        pieces: list[memoryview] = []
        at = 0
        while not self._in_trailers:
            if self._missing:
                piece = view[at : at + self._missing]
                pieces.append(piece)
                at += len(piece)
                self._missing -= len(piece)
                if self._missing:
                    break
                self._size_due = False
            after = self._next_chunk(data, at)
            if after < 0:
                break
            at = after
        self.left_over = data[at:]
        if self._in_trailers:
            self._read_trailers()
        return b"".join(pieces)

    def _next_chunk(self, data: bytes, at: int) -> int:
        """Read the line before a chunk; return where it ends, or -1 if it has not come."""
        if not self._size_due:
            if len(data) - at < len(CRLF):
                return -1
            if not data.startswith(CRLF, at):
                raise BrokenMessageError("a chunk is longer than its size says")
            at += len(CRLF)
        end = data.find(CRLF, at, at + self._limits.chunk_line_bytes)
        if end < 0:
            self._check_beginning(data, at)
            return -1
        line = data[at:end]
        size, ieof = parse_size(line) if len(line) < SHORT_LINE else parse_size.__wrapped__(line)
        if size > self._limits.chunk_bytes:
            raise TooLargeError(f"a chunk of {size} bytes")
        self.room -= size
        if self.room < 0:
            raise TooLargeError("a body, or a preview, of more bytes than are taken")
        self._size_due = True
        self._missing = size
        if size == 0:
            self._in_trailers = True
            self.ieof = ieof
        return end + len(CRLF)

    def _check_beginning(self, data: bytes, at: int) -> None:
        """Refuse at once what can never become the line before a chunk."""
        if data[at : at + 1].strip(HEX_DIGITS + b" \t"):
            raise BrokenMessageError("the line before a chunk does not begin with its size")
        if len(data) - at >= self._limits.chunk_line_bytes:
            raise TooLargeError("the line before a chunk is too long")

    def _read_trailers(self) -> None:
        """Look for the blank line that ends the stream (RFC 9112, 7.1.2)."""
        end = 0
        if not self.left_over.startswith(CRLF):
            most = self._limits.header_bytes
            end = self.left_over.find(BLANK_LINE, self._searched, most) + len(CRLF)
            if end < len(CRLF):
                if len(self.left_over) >= most:
                    raise TooLargeError("the trailers are too long")
                self._searched = max(len(self.left_over) - len(BLANK_LINE) + 1, 0)
                return
            if _TRAILERS.fullmatch(self.left_over, 0, end) is None:
                raise BrokenMessageError("the trailers are no header lines")
        self.trailers = self.left_over[:end]
        self.left_over = self.left_over[end + len(CRLF) :]
        self.ended = True


def frame(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the buffers of one chunk; `data` must not be empty."""
    return b"%x\r\n" % len(data), data, CRLF


def last_chunk(*, original_from: int | None = None, trailers: bytes = b"") -> bytes:
    """Return what ends a chunked stream.

    Args:
        original_from: the client continues with its own copy of the body from
            this byte on (a 206 answer); then there are no trailers.
        trailers: whole lines.
    """
    if original_from is not None:
        return b"0; use-original-body=%d\r\n\r\n" % original_from
    return b"0\r\n%s\r\n" % trailers
