"""An answer whose body is made bit by bit, by a service that may read the old one meanwhile."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from typing import TYPE_CHECKING, Final

from zcadapt.icap.connection import RequestSide
from zcadapt.icap.reply import Reply, with_length
from zcadapt.rule import Won

if TYPE_CHECKING:
    from zcadapt.icap.exchange import Exchange

__all__ = ["Stream"]

#: Bytes after which others have their turn, even if neither maker nor client waits.
TURN: Final = 256 * 1024
#: As so many bytes at least a piece counts, which may be empty.
LEAST: Final = 1024


class Stream:
    """The answer `reply` to an exchange, for the decision of `won`.

    Nothing goes out while the maker may yet ask for the rest of a preview,
    since the head of an answer would say that it is not wanted, nor while the
    length has to be told and is not known: that of a response to a REQMOD,
    which some clients pass on for as long as the connection lives without it.
    """

    __slots__ = (
        "_exchange",
        "_iterable",
        "_kept",
        "_needs_length",
        "_reply",
        "_turn",
        "_won",
        "has_begun",
    )

    def __init__(self, exchange: "Exchange", reply: Reply, won: Won) -> None:
        if not isinstance(reply.data, AsyncIterable):
            raise TypeError(f"{type(reply.data).__name__} is no body")
        self.has_begun = False
        self._exchange = exchange
        self._iterable = reply.data
        self._reply = reply
        self._turn = 0  # bytes since others had theirs
        self._won = won
        self._kept = exchange.wire.spool()
        in_reqmod = exchange.head.line.method == "REQMOD"
        self._needs_length = in_reqmod and any(name == "res-hdr" for name, _ in reply.heads)

    async def run(self) -> None:
        """Send all of it.

        Raises:
            Exception: what the maker of the body raised; `has_begun` tells
                whether something is out already.
        """
        exchange = self._exchange
        pieces = aiter(self._iterable)
        try:
            while (piece := await self._next(pieces)) is not None and not self._is_too_late():
                if self._must_keep():
                    await self._keep(piece)
                elif piece:
                    await self._begin()
                    await self._put(piece)
                else:
                    await self._take_turns(piece)
            if not self._is_too_late():
                if self._needs_length:
                    self._reply = with_length(self._reply, self._kept.size)
                await self._begin()
        finally:
            self._kept.close()
            if hasattr(pieces, "aclose"):
                async with exchange.limit(self._won.candidate):
                    await pieces.aclose()
        if not exchange.is_over:
            exchange.wire.end_body()
            exchange.finish()

    def _is_too_late(self) -> bool:
        """Whether nothing of this may be sent: it is over, or what came has begun to go back."""
        exchange = self._exchange
        if not exchange.is_over and not self.has_begun and exchange.early is not None:
            exchange.early.end(self._won)
        return exchange.is_over

    async def _next(self, pieces: AsyncIterator[bytes]) -> bytes | None:
        """Return the next piece, made in the time that the service has for it; None: no more."""
        try:
            async with self._exchange.limit(self._won.candidate):
                piece = await anext(pieces)
        except StopAsyncIteration:
            return None
        if not isinstance(piece, bytes | bytearray | memoryview):
            raise TypeError(f"{type(piece).__name__} is no piece of a body")
        return bytes(piece)

    def _must_keep(self) -> bool:
        if self.has_begun:
            return False
        return self._needs_length or self._exchange.wire.conn.request_side is RequestSide.PAUSED

    async def _keep(self, piece: bytes) -> None:
        self._kept.append(piece)
        most = self._exchange.wire.settings.body_bytes
        if self._kept.size > most:
            raise ValueError(f"a new body of more than {most} bytes before the answer can begin")
        await self._take_turns(piece)

    async def _begin(self) -> None:
        """Send the head and what was kept, if that has not been done."""
        if self.has_begun:
            return
        exchange = self._exchange
        self.has_begun = True
        exchange.body.forget_what_is_read()
        answer = exchange.announce(self._reply, self._won)
        exchange.wire.begin_answer(answer)
        at = 0
        while not exchange.is_over and (piece := self._kept.read_at(at)):
            at += len(piece)
            await self._put(piece)

    async def _put(self, piece: bytes) -> None:
        """Send a piece, and wait until the client takes it."""
        wire = self._exchange.wire
        wire.put(piece)
        wire.flush()
        await wire.room()
        await self._take_turns(piece)

    async def _take_turns(self, piece: bytes) -> None:
        self._turn += max(len(piece), LEAST)
        if self._turn > TURN:
            self._turn = 0
            await asyncio.sleep(0)
