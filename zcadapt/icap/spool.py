"""Bytes that arrive at one end and are read from the other, in memory up to a limit.

What goes beyond the limit goes, with all before it, to a temporary file.
"""

import io
import os
import tempfile
from bisect import bisect_right
from typing import IO, TYPE_CHECKING, Final

from zcadapt.icap.errors import LocalProtocolError, OverloadedError

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["Disk", "Spool"]

READ_SIZE: Final = 256 * 1024
#: Smaller pieces are joined up to this size: many of them would cost more than what they hold.
SMALL: Final = 4096


class Disk:
    """The room that all temporary files together may take, in bytes."""

    __slots__ = ("room",)

    def __init__(self, room: int) -> None:
        self.room = room

    def take(self, size: int) -> None:
        """Take room for `size` bytes.

        Raises:
            OverloadedError: there is not so much.
        """
        if size > self.room:
            raise OverloadedError("there is no more room for temporary files")
        self.room -= size

    def give(self, size: int) -> None:
        """Give room for `size` bytes back."""
        self.room += size


class Spool:
    """A growing run of bytes, read at any position.

    Up to `limit` bytes are held in memory; more go to a file on `disk`.

    `size` counts all that was appended. What lies before `begin` has been
    given up with `forget_before` and cannot be read.
    """

    __slots__ = (
        "_disk",
        "_file",
        "_in_file",
        "_in_memory",
        "_limit",
        "_opened",
        "_pieces",
        "_starts",
        "begin",
        "size",
    )

    def __init__(self, limit: int, disk: Disk) -> None:
        self._limit = limit
        self._disk = disk
        self._in_file = 0
        self._pieces: list[bytes] = []
        self._starts: list[int] = []
        self._in_memory = 0
        self._file: IO[bytes] | None = None
        self._opened = False  # somebody else reads the same file
        self.begin = 0
        self.size = 0

    def append(self, data: bytes) -> None:
        """Add `data`.

        Raises:
            OverloadedError: there is no room for it on the disk.
            OSError: the temporary file cannot be written.
        """
        if not data:
            return
        if self._file is None and self._in_memory + len(data) > self._limit:
            self._move_to_file()
        if self._file is not None:
            self._disk.take(len(data))
            self._in_file += len(data)
            _write(self._file.fileno(), data, self.size)
        else:
            if self._pieces and len(self._pieces[-1]) + len(data) <= SMALL:
                self._pieces[-1] += data
            else:
                self._pieces.append(data)
                self._starts.append(self.size)
            self._in_memory += len(data)
        self.size += len(data)

    def read_at(self, position: int) -> bytes:
        """Return a piece that begins at `position`; ``b""`` where nothing is there yet.

        Raises:
            LocalProtocolError: what lay there has been given up.
        """
        if position >= self.size:
            return b""
        if position < self.begin:
            raise LocalProtocolError("what has been given up is read")
        if self._file is not None:
            return os.pread(self._file.fileno(), READ_SIZE, position)
        index = bisect_right(self._starts, position) - 1
        offset = position - self._starts[index]
        piece = self._pieces[index]
        return piece[offset:] if offset else piece

    def forget_before(self, position: int) -> None:
        """Give up what lies before `position`; a file keeps its size until it is closed."""
        if self._file is not None:
            if position >= self.size and not self._opened:
                self._file.truncate(0)
                self._give_room_back()
        else:
            count = bisect_right(self._starts, position)
            whole = count if position >= self.size else count - 1
            if whole > 0:
                self._in_memory -= sum(map(len, self._pieces[:whole]))
                del self._pieces[:whole], self._starts[:whole]
        self.begin = max(self.begin, min(position, self.size))

    def open(self) -> IO[bytes]:
        """Return all that has been appended as a binary file of its own, at its beginning.

        Raises:
            LocalProtocolError: some of it has been given up.
        """
        if self.begin:
            raise LocalProtocolError("what has been given up is opened")
        if self._file is None:
            return io.BytesIO(b"".join(self._pieces))
        self._opened = True
        return io.BufferedReader(_View(os.dup(self._file.fileno())), READ_SIZE)

    def close(self) -> None:
        """Drop everything; a file that `open` returned stays readable."""
        self.begin = self.size
        self._in_memory = 0
        self._pieces.clear()
        self._starts.clear()
        if self._file is not None:
            self._file.close()
            self._file = None
        self._give_room_back()

    def _give_room_back(self) -> None:
        self._disk.give(self._in_file)
        self._in_file = 0

    def _move_to_file(self) -> None:
        self._disk.take(self._in_memory)
        self._in_file = self._in_memory
        file = tempfile.TemporaryFile(buffering=0, prefix="zcadapt-")  # noqa: SIM115 - closed by close
        try:
            for start, piece in zip(self._starts, self._pieces, strict=True):
                _write(file.fileno(), piece, start)
        except OSError:
            file.close()
            self._give_room_back()
            raise
        self._file = file
        self._pieces.clear()
        self._starts.clear()
        self._in_memory = 0


def _write(descriptor: int, data: bytes, position: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, position)
        position += written
        view = view[written:]


class _View(io.RawIOBase):
    """A file with a position of its own, though it shares the descriptor's with others."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._at = 0

    def fileno(self) -> int:
        """Return the descriptor; its own position is not this object's."""
        return self._descriptor

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: "Buffer") -> int:
        """Fill `buffer` from the position that is this object's own."""
        count = os.preadv(self._descriptor, [buffer], self._at)
        self._at += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move, as files do."""
        if whence == os.SEEK_CUR:
            offset += self._at
        elif whence == os.SEEK_END:
            offset += os.fstat(self._descriptor).st_size
        if offset < 0:
            raise ValueError(f"{offset} lies before the beginning")
        self._at = offset
        return offset

    def close(self) -> None:
        """Close the descriptor."""
        if not self.closed:
            os.close(self._descriptor)
        super().close()
