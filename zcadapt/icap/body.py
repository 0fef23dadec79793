"""The body of the message, as services read it.

It is read from the wire only as far as somebody reads it, and never twice:
what came is kept, in memory or in a file, while somebody may need it again.
"""

import asyncio
from asyncio import AbstractEventLoop, Future
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import IO, Any, Final

from zcadapt.icap.spool import Spool

__all__ = ["NO_BODY", "Body", "BodyLostError", "ThreadBody"]


class BodyLostError(ConnectionError):
    """The rest of the body will not come: the client is gone, or broke the framing."""


class Body:
    """A body that arrives while it is read.

    Attributes:
        preview: what is there before anybody reads: the client's preview, or
            as much as the services asked for, or the whole of a small body.
        complete: whether all of it has come.
        position: how far anybody has read, in bytes.
    """

    __slots__ = ("_clock", "_forget", "_lost", "_pull", "_waiters", "complete", "position", "preview", "spool")

    def __init__(self, spool: Spool, pull: Callable[[], None], *, complete: bool) -> None:
        self.spool = spool
        self.complete = complete
        self.position = 0
        self.preview = b""
        self._pull = pull
        self._forget = False
        self._lost: BodyLostError | None = None
        self._waiters: list[Future[None]] = []
        self._clock = _Clock()

    # What services do

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the whole body, in pieces as they came; this can be done again."""
        return self._pieces()

    async def read(self, most: int | None = None) -> bytes:
        """Return the whole body, or its first `most` bytes.

        Raises:
            BodyLostError: the rest will not come.
        """
        pieces = []
        size = 0
        async for piece in self._pieces():
            pieces.append(piece)
            size += len(piece)
            if most is not None and size >= most:
                break
        return b"".join(pieces)[:most]

    async def file(self) -> IO[bytes]:
        """Return the whole body as a binary file, at its beginning; the caller closes it.

        Raises:
            BodyLostError: the rest will not come.
        """
        while not self.complete:
            self.position = self.spool.size
            await self._arrival()
        return self.spool.open()

    def for_thread(self, loop: AbstractEventLoop) -> "ThreadBody":
        """Return the same body for a thread."""
        return ThreadBody(self, loop)

    # What the server does

    def limit(self, seconds: float | None) -> Any:  # noqa: ANN401 - an asynchronous context manager
        """Limit the time spent inside, without that spent waiting for the client."""
        return self._clock.limit(seconds)

    def clock_stopped(self) -> Any:  # noqa: ANN401 - a context manager
        """Take the time spent inside off that limit: it is the client's."""
        return self._clock.stopped()

    def forget_what_is_read(self) -> None:
        """Keep nothing from now on that has been read: it is read for the last time."""
        self._forget = True

    def feed(self, data: bytes) -> None:
        """Add what came."""
        self.spool.append(data)
        self._wake()

    def end(self) -> None:
        """Nothing more will come: it is complete."""
        self.complete = True
        self._wake()

    def lose(self) -> None:
        """Nothing more will come, though it is not complete."""
        self._lost = BodyLostError("the client is gone, or its request is broken")
        self._wake()

    @property
    def is_waited_for(self) -> bool:
        """Whether somebody waits for more of it."""
        return bool(self._waiters)

    async def _pieces(self) -> AsyncIterator[bytes]:
        at = self.spool.begin
        while True:
            while piece := self.spool.read_at(at):
                at += len(piece)
                self.position = max(self.position, at)
                yield piece
                if self._forget:
                    self.spool.forget_before(at)
            if self.complete:
                return
            await self._arrival()

    async def _arrival(self) -> None:
        if self._lost is not None:
            raise self._lost
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._pull()
        with self.clock_stopped():
            await waiter
        if self._lost is not None:
            raise self._lost

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


class _NoBody(Body):
    """The body of a message without one: there is nothing to lose or to forget."""

    __slots__ = ()

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

    def read(self, most: int | None = None) -> bytes:
        """Return the whole body, or its first `most` bytes; see `Body.read`."""
        return self._wait(self._body.read(most))

    def file(self) -> IO[bytes]:
        """Return the whole body as a binary file; see `Body.file`."""
        return self._wait(self._body.file())

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over the whole body, in pieces as they came."""
        pieces = aiter(self._body)
        while piece := self._wait(anext(pieces, b"")):
            yield piece

    def _wait(self, step: Any) -> Any:  # noqa: ANN401 - as the coroutine
        async def run() -> Any:  # noqa: ANN401
            return await step

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()


class _Clock:
    """A time limit that stands still while somebody waits for the client."""

    __slots__ = ("_timeout",)

    def __init__(self) -> None:
        self._timeout: asyncio.Timeout | None = None

    @asynccontextmanager
    async def limit(self, seconds: float | None) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds) as self._timeout:
                yield
        finally:
            self._timeout = None

    def stopped(self) -> "_Stopped":
        return _Stopped(self._timeout)


class _Stopped:
    __slots__ = ("_left", "_timeout")

    def __init__(self, timeout: asyncio.Timeout | None) -> None:
        self._timeout = timeout
        self._left = 0.0

    def __enter__(self) -> None:
        timeout = self._timeout
        if timeout is not None and (when := timeout.when()) is not None:
            self._left = when - asyncio.get_running_loop().time()
            timeout.reschedule(None)
        else:
            self._timeout = None

    def __exit__(self, *exc: object) -> None:
        timeout = self._timeout
        if timeout is not None and not timeout.expired():
            timeout.reschedule(asyncio.get_running_loop().time() + self._left)


#: All messages without a body share it.
NO_BODY: Final = _NoBody(Spool(0), lambda: None, complete=True)
