"""What goes out on one ICAP connection, in few writes, and whether the client takes it."""

import asyncio
from typing import Any, Final

from zcadapt.icap.answer import Answer
from zcadapt.icap.connection import Connection

__all__ = ["HIGH_WATER", "Outlet"]

#: Bytes of answers that may wait for the client; as many of pipelined requests wait for us.
HIGH_WATER: Final = 256 * 1024
#: Up to this size the buffers of an answer are joined to one.
SHORT: Final = 16 * 1024


class Outlet:
    """The way out.

    Attributes:
        conn: the state of the connection.
        congested: the client does not take what it is sent.
        most_unsent: what waited to be sent at the last progress.
        taken_at: when the client last took something, as far as anybody looked.
    """

    __slots__ = (
        "_due",
        "_joins",
        "_out",
        "_room",
        "_transport",
        "congested",
        "conn",
        "most_unsent",
        "taken_at",
    )

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.congested = False
        self.most_unsent = 0
        self.taken_at = 0.0
        self._due: Answer | None = None  # it goes out with the first piece of its body
        self._joins = False  # all that goes out together is joined to one buffer
        self._out: list[bytes] = []
        self._room: asyncio.Future[None] | None = None

    def open(self, transport: Any) -> None:  # noqa: ANN401 - asyncio.Transport
        """Write to `transport` from now on."""
        self._transport = transport
        # asyncio's writelines joins too, or else, in 3.12.0 to 3.12.8 and in 3.13.0 and 3.13.1,
        # never says that the client does not take it (CVE-2024-12254). uvloop's does neither.
        self._joins = type(transport).__module__.startswith("asyncio")
        transport.set_write_buffer_limits(HIGH_WATER)

    def send(self, data: bytes) -> None:
        """Send `data`."""
        self._out.append(data)

    def begin_answer(self, answer: Answer) -> None:
        """Send the head of an answer, together with the first piece of its body."""
        self._due = answer

    def put(self, piece: bytes) -> None:
        """Send a piece of the answer's body."""
        if self._due is not None:
            self._send_head(self._due)
        self._out += self.conn.data(piece)

    def end_body(self, *, original_from: int | None = None, trailers: bytes = b"") -> None:
        """End the answer's body."""
        if self._due is not None:
            self._send_head(self._due)
        self._out.append(self.conn.end(original_from=original_from, trailers=trailers))

    def _send_head(self, answer: Answer) -> None:
        self._due = None
        self._out.append(self.conn.answer(answer))

    def flush(self) -> None:
        """Write what was sent, in one go."""
        out = self._out
        if not out:
            return
        self._out = []
        if len(out) == 1:
            self._transport.write(out[0])
        elif self._joins or sum(map(len, out)) <= SHORT:
            self._transport.write(b"".join(out))
        else:
            self._transport.writelines(out)

    async def room(self) -> None:
        """Wait until the client takes more, or is gone."""
        while self.congested:
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def watch_reader(self, now: float) -> None:
        """From `now` on, see whether the client takes what waits for it."""
        self.most_unsent = self.unsent()
        self.taken_at = now

    def untaken_for(self, now: float) -> float:
        """Return for how many seconds the client has taken nothing of what waits for it."""
        if self.unsent() < self.most_unsent:
            self.watch_reader(now)
        return now - self.taken_at

    def unsent(self) -> int:
        """Return how many bytes wait for the client to take them."""
        return int(self._transport.get_write_buffer_size())

    def cut(self) -> None:
        """Cut the connection, so that the client sees that its answer is not whole."""
        self._out.clear()
        self._transport.abort()

    def make_room(self) -> None:
        """Let go on who waits for `room`."""
        self.congested = False
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
