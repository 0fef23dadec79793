"""The digest of a body, taken while it passes."""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterable

__all__ = ["Hashed"]


class Hashed:
    """The pieces of a body as they are, and in the end their digest.

    Args:
        pieces: the body.
        algorithm: a name that ``hashlib.new`` knows.
    """

    def __init__(self, pieces: AsyncIterable[bytes], algorithm: str = "sha256") -> None:
        self._pieces = pieces
        self._hash = hashlib.new(algorithm, usedforsecurity=False)
        self._is_whole = False
        self.size = 0

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        """Iterate over the pieces, once."""
        async for piece in self._pieces:
            self._hash.update(piece)
            self.size += len(piece)
            yield piece
        self._is_whole = True

    def digest(self) -> bytes:
        """Return the digest.

        Raises:
            ValueError: the body has not been read to its end.
        """
        if not self._is_whole:
            raise ValueError("the body has not been read to its end")
        return self._hash.digest()
