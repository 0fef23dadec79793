"""A body without its content codings."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterator, Sequence
from typing import Final

from zcadapt.bodies.coding import Decoder, codings, decoder
from zcadapt.bodies.errors import BodyError, BoundError, CodingError

__all__ = ["decoded"]

MIB: Final = 1024 * 1024
#: The ratio of a body counts from here on: small ones may well be one letter all over.
FREE: Final = 16 * MIB


async def decoded(
    pieces: AsyncIterable[bytes],
    encoding: str,
    *,
    most: int = 1024 * MIB,
    ratio: int = 250,
    rest: list[bytes] | None = None,
) -> AsyncGenerator[bytes, None]:
    """Iterate over `pieces` with the codings that `encoding` names undone.

    An empty body stays empty, and one without codings stays what it is. The
    end of a gzip or deflate stream may be followed by zeros and blanks. The
    event loop gets its turn at least every 64 KB.

    Args:
        pieces: the body as it came.
        encoding: the value of its Content-Encoding: gzip, deflate, br, zstd,
            or several of them.
        most: how many bytes may come out, and out of each coding.
        ratio: how many times as many as went in, once there are 16 MiB of them.
        rest: takes what else follows the end of each gzip or deflate, up to
            64 KB that hold no more gzip; None: nothing may.

    Raises:
        CodingError: a coding is unknown, or the body is broken or incomplete,
            or something follows its end that may not.
        BoundError: more would come out than allowed.
        MissingLibraryError: the library for a coding is not installed.
    """
    names = codings(encoding)
    if not names:
        async for piece in pieces:
            yield piece
        return
    chain = [_Counted(name, most, ratio) for name in reversed(names)]
    taken = 0
    async for piece in pieces:
        taken += len(piece)
        for made in _through(chain, piece, taken):
            if made:
                yield made
            await asyncio.sleep(0)
    if taken:
        for made in _ends(chain, taken):
            if made:
                yield made
        for each in chain:
            each.give_rest(rest)


class _Counted:
    """A decoder that is watched."""

    def __init__(self, name: str, most: int, ratio: int) -> None:
        self._name = name
        self._most = most
        self._ratio = ratio
        self._decoder: Decoder = decoder(name)
        self._made = 0

    def feed(self, data: bytes, taken: int) -> Iterator[bytes]:
        try:
            for made in self._decoder.feed(data):
                yield self._count(made, taken)
        except BodyError as error:
            raise type(error)(f"{self._name}: {error}") from error

    def end(self, taken: int) -> bytes:
        try:
            return self._count(self._decoder.end(), taken)
        except BodyError as error:
            raise type(error)(f"{self._name}: {error}") from error

    def give_rest(self, taker: list[bytes] | None) -> None:
        if self._decoder.rest:
            if taker is None:
                raise CodingError(f"{self._name}: something follows its end")
            taker.append(self._decoder.rest)

    def _count(self, made: bytes, taken: int) -> bytes:
        self._made += len(made)
        if self._made > self._most:
            raise BoundError(f"more than {self._most} bytes come out")
        if self._made > max(FREE, taken * self._ratio):
            raise BoundError(f"more than {self._ratio} times as much comes out as went in")
        return made


def _through(chain: Sequence[_Counted], data: bytes, taken: int) -> Iterator[bytes]:
    """Feed `data` to the first of `chain`, what it makes to the next.

    Whatever comes out of the first one, something is yielded for it, if only
    ``b""``: it may have been a lot of work.
    """
    if not chain:
        yield data
        return
    for made in chain[0].feed(data, taken):
        yield from _through(chain[1:], made, taken) if made else (b"",)


def _ends(chain: Sequence[_Counted], taken: int) -> Iterator[bytes]:
    """End one after the other; what is left in one goes through those behind it."""
    for number, each in enumerate(chain):
        if rest := each.end(taken):
            yield from _through(chain[number + 1 :], rest, taken)
