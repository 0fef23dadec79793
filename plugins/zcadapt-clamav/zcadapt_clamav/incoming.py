"""A body on its way in, for which nobody waits for long while others wait for him."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Final

from zcadapt_clamav.budget import Budget

__all__ = ["Incoming", "PausedError", "TooLongError"]

#: Seconds in all that a client may let somebody wait who holds a connection to clamd.
PAUSE: Final = 0.1
#: So many bytes more are there at least when somebody asks for a connection again.
STEP: Final = 1024 * 1024


class PausedError(Exception):
    """The rest of a body is not there yet, and who wants it has no time to wait for it."""


class TooLongError(Exception):
    """A body is larger than what is scanned, by setting."""


class Incoming:
    """The body of a message; each iteration begins at its beginning.

    An iteration raises PausedError where it is `hurried` and the client is
    slow, and TooLongError where the body is too long.

    Args:
        body: the body.
        most: how many bytes it may have; 0: any number.
    """

    def __init__(self, body: Any, most: int = 0) -> None:  # noqa: ANN401 - as Request has it
        self.body = body
        self.most = most
        self.patience: Budget | None = None  # for the client; None: without end
        self.furthest = _Pieces(self)  # of all iterations; to begin with, one that nobody uses

    @property
    def is_complete(self) -> bool:
        """Whether nobody has to wait for any of it."""
        return bool(self.body.complete)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Pieces(self)

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """Have little patience with the client inside."""
        self.patience = Budget(PAUSE)
        try:
            yield
        finally:
            self.patience = None

    async def read_ahead(self, refused: int = 0) -> None:
        """Go on to the end, or until as much more is there as was, and a STEP at least.

        This is for somebody whom the client has let wait, after clamd had all
        that was there. Not to the end in any case: of what is too large for
        clamd no more is to be kept than it takes to find that out, so that it
        is a halt where it has `refused` others, too (0: it has not). As much
        more, since who begins anew each time has then sent no more than three
        times the whole.
        """
        pieces = self.furthest
        size = pieces.size
        enough = size + max(size, STEP)
        if size < refused < enough:
            enough = refused
        async for _ in pieces:
            if pieces.size >= enough:
                break


class _Pieces:
    """One way through a body."""

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming
        self._pieces: AsyncIterator[bytes] = aiter(incoming.body)
        self.size = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        incoming = self._incoming
        if not (piece := await self._next(None if incoming.is_complete else incoming.patience)):
            raise StopAsyncIteration
        self.size += len(piece)
        if self.size > incoming.furthest.size:
            incoming.furthest = self
        if 0 < incoming.most < self.size:
            raise TooLongError
        return piece

    async def _next(self, patience: Budget | None) -> bytes:
        if patience is None:
            return await anext(self._pieces, b"")
        try:
            async with patience.spend():  # which ends no call that need not wait
                return await anext(self._pieces, b"")
        except TimeoutError:
            raise PausedError from None
