"""The body of the message, as services read it.

It is read from the wire only as far as somebody reads it, and never twice:
what came is kept, in memory or in a file, while somebody may need it again.
"""

import asyncio
from asyncio import AbstractEventLoop, Future
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import CancelledError
from typing import IO, Any, Final, TypeVar

from zcadapt.icap.clock import Clock
from zcadapt.icap.spool import Disk, Spool
from zcadapt.threads import current_call

__all__ = ["NO_BODY", "Body", "BodyLostError", "ThreadBody"]

T = TypeVar("T")


class BodyLostError(ConnectionError):
    """What is wanted of the body will not come (any more).

    The client is gone, or broke the framing; or the request has been answered;
    or a new body is being made and has read this part before.
    """


class Body:
    """A body that arrives while it is read.

    Attributes:
        preview: what is there before anybody reads, `bytes`: the client's preview, or
            as much as the services asked for, or the whole of a small body.
        complete: whether all of it has come, a `bool`.
        position: how far anybody has read, an `int` in bytes.
    """

    __slots__ = (
        "_clock",
        "_forget",
        "_lost",
        "_pull",
        "_waiters",
        "complete",
        "position",
        "preview",
        "spool",
    )

    def __init__(self, spool: Spool, pull: Callable[[], None], *, complete: bool) -> None:
        self.spool = spool
        self.complete = complete
        self.position = 0
        self.preview = b""
        self._pull = pull
        self._forget = False
        self._lost = False
        self._waiters: list[Future[None]] = []
        self._clock = Clock()

    # What services do

    @property
    def is_empty(self) -> bool:
        """Whether all of it has come, and that was nothing; whoever has read it before."""
        return self.complete and not self.spool.size

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the whole body, in pieces as they came; this can be done again."""
        return _Pieces(self)

    async def read(self, most: int | None = None) -> bytes:
        """Return the whole body, or its first `most` bytes.

        Raises:
            BodyLostError: the rest will not come.
        """
        pieces = []
        size = 0
        while (most is None or size < most) and (piece := await self._piece_at(size)):
            pieces.append(piece)
            size += len(piece)
        return b"".join(pieces)[:most]

    async def file(self) -> IO[bytes]:
        """Return the whole body as a binary file, at its beginning; the caller closes it.

        Raises:
            BodyLostError: the rest will not come.
        """
        self._check(0)
        while not self.complete:
            self.position = self.spool.size
            await self._arrival()
        return self.spool.open()

    def for_thread(self, loop: AbstractEventLoop) -> "ThreadBody":
        """Return the same body for a thread."""
        return ThreadBody(self, loop)

    # What the server does

    def new_clock(self) -> Clock:
        """Return a clock that stands still from now on while somebody waits for the client."""
        self._clock = Clock()
        return self._clock

    def forget_what_is_read(self) -> None:
        """Keep nothing from now on that has been read: it is read for the last time."""
        self._forget = True

    def show_preview(self) -> None:
        """Let `preview` be what has come so far."""
        pieces = []
        at = 0
        while piece := self.spool.read_at(at):
            pieces.append(piece)
            at += len(piece)
        self.preview = b"".join(pieces)

    def feed(self, data: bytes) -> None:
        """Add what came."""
        self.spool.append(data)
        self._wake()

    def end(self) -> None:
        """Nothing more will come: it is complete."""
        self.complete = True
        self._wake()

    def lose(self) -> None:
        """Drop all of it: the client is gone, or has its answer."""
        self._lost = True
        self.spool.close()
        self._wake()

    async def _piece_at(self, at: int) -> bytes:
        """Return what comes at `at`, or ``b""`` where the body ends."""
        while True:
            self._check(at)
            if piece := self.spool.read_at(at):
                self.position = max(self.position, at + len(piece))
                return piece
            if self.complete:
                return b""
            await self._arrival()

    def _check(self, at: int) -> None:
        if self._lost:
            raise BodyLostError("the client is gone, or has its answer")
        if at < self.spool.begin:
            raise BodyLostError("this part of the body has been read and given up")

    async def _arrival(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._pull()
        clock = self._clock
        clock.stop()
        try:
            await waiter
        finally:
            clock.go_on()
        self._check(self.spool.begin)

    def _wake(self) -> None:
        if self._waiters:
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)


class _Pieces:
    """One reader's way through a body."""

    __slots__ = ("_at", "_body")

    def __init__(self, body: Body) -> None:
        self._body = body
        self._at = 0

    def __aiter__(self) -> "_Pieces":
        return self

    async def __anext__(self) -> bytes:
        body = self._body
        if body._forget:  # noqa: SLF001 - a part of it
            body.spool.forget_before(self._at)
        piece = await body._piece_at(self._at)  # noqa: SLF001 - as above
        if not piece:
            raise StopAsyncIteration
        self._at += len(piece)
        return piece


class _NoBody(Body):
    """The body of a message without one: there is nothing to lose or to wait for."""

    __slots__ = ()

    def new_clock(self) -> Clock:
        """Return a clock."""
        return Clock()

    def forget_what_is_read(self) -> None:
        """Do nothing."""

    def lose(self) -> None:
        """Do nothing."""


class ThreadBody:
    """A body as code in a thread reads it: the same, with plain methods."""

    __slots__ = ("_body", "_loop")

    def __init__(self, body: Body, loop: AbstractEventLoop) -> None:
        self._body = body
        self._loop = loop

    @property
    def preview(self) -> bytes:
        """What is there before anybody reads."""
        return self._body.preview

    @property
    def complete(self) -> bool:
        """Whether all of it has come."""
        return self._body.complete

    @property
    def is_empty(self) -> bool:
        """Whether all of it has come, and that was nothing; see `Body.is_empty`."""
        return self._body.is_empty

    def read(self, most: int | None = None) -> bytes:
        """Return the whole body, or its first `most` bytes; see `Body.read`."""
        return self._wait(most, self._body.read, most)

    def file(self) -> IO[bytes]:
        """Return the whole body as a binary file; see `Body.file`."""
        return self._wait(None, self._body.file)

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over the whole body, in pieces as they came."""
        pieces: Any = aiter(self._body)
        at = 0
        while piece := self._wait(at + 1, anext, pieces, b""):
            at += len(piece)
            yield piece

    def _wait(self, size: int | None, step: Callable[..., Awaitable[T]], *args: object) -> T:
        """Return what `step` does in the loop, which wants `size` bytes, or all of them.

        Where it has to wait for them, another call may run meanwhile.
        """
        body, call = self._body, current_call()

        async def run() -> T:
            has_come = body.complete or (size is not None and body.spool.size >= size)
            if call is None or has_come:
                return await step(*args)
            return await call.lend(step(*args))

        running = run()
        try:
            return asyncio.run_coroutine_threadsafe(running, self._loop).result()
        except (CancelledError, RuntimeError) as error:
            running.close()
            raise BodyLostError("the server has stopped") from error


#: All messages without a body share it.
NO_BODY: Final = _NoBody(Spool(0, Disk(0)), lambda: None, complete=True)
