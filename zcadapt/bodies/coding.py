"""The content codings (RFC 9110, 8.4.1), undone bit by bit: bytes in, bytes out.

A decoder gives what it makes in pieces of some 64 KB, so that nobody has to
hold what a small piece of input may become.
"""

import zlib
from collections.abc import Iterator
from typing import Any, Final, Protocol

from zcadapt.bodies.errors import CodingError
from zcadapt.bodies.libraries import library

__all__ = ["STEP", "Decoder", "codings", "decoder"]

#: About how many bytes are made at once.
STEP: Final = 64 * 1024
#: The same for brotli, whose library makes up to three times as much.
BROTLI_STEP: Final = 16 * 1024
#: How many codings may lie on top of each other.
DEEPEST: Final = 4
#: zstd: the window that RFC 9659 allows, 8 MB, as a power of two.
ZSTD_WINDOW: Final = 23

GZIP_MAGIC: Final = b"\x1f\x8b"
#: What may follow the end of gzip and deflate in any number, and means nothing.
PADDING: Final = b"\0 \t\r\n"
#: How much of anything else may, in bytes: servers add comments to their pages.
MOST_REST: Final = 64 * 1024


class Decoder(Protocol):
    """Something that undoes one coding.

    Both methods raise CodingError where the input is broken.

    Attributes:
        rest: what follows the end, and is not coded; only behind gzip and deflate.
    """

    rest: bytes

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Make what `data` stands for; to be iterated to its end."""

    def end(self) -> bytes:
        """Return what is left; there is no more input."""


class _Deflated:
    """One stream of zlib's."""

    def __init__(self, wbits: int) -> None:
        self._engine = zlib.decompressobj(wbits)

    @property
    def is_over(self) -> bool:
        return self._engine.eof

    @property
    def rest(self) -> bytes:
        """The input behind its end."""
        return self._engine.unused_data

    def feed(self, data: bytes) -> Iterator[bytes]:
        engine = self._engine
        while data and not engine.eof:
            try:
                made = engine.decompress(data, STEP)
            except zlib.error as error:
                raise CodingError(str(error)) from error
            data = engine.unconsumed_tail
            yield made

    def end(self) -> bytes:
        rest = self._engine.flush()
        if not self._engine.eof:
            raise CodingError("it ends too early")
        return rest


class Gzip:
    """Gzip (RFC 1952): one member or more, and perhaps something behind them."""

    def __init__(self) -> None:
        self.rest = b""
        self._member = _Deflated(wbits=16 + zlib.MAX_WBITS)
        self._waiting = b""  # behind a member, until it can be told what it is
        self._is_over = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Make what `data` stands for."""
        while data and not self._is_over:
            if not self._member.is_over:
                yield from self._member.feed(data)
                data = self._member.rest
                continue
            data = self._waiting + data
            self._waiting = b""
            if data == GZIP_MAGIC[:1]:
                self._waiting = data
                return
            if data.startswith(GZIP_MAGIC):
                self._member = _Deflated(wbits=16 + zlib.MAX_WBITS)
            else:
                self._is_over = True
        self.rest = _longer(self.rest, data)

    def end(self) -> bytes:
        """Return what is left."""
        self.rest = _longer(self.rest, self._waiting)
        return self._member.end()


class Deflate:
    """Deflate: in a zlib wrapper (RFC 1950) as it should be, or without, as some send it."""

    def __init__(self) -> None:
        self.rest = b""
        self._stream: _Deflated | None = None
        self._first = bytearray()  # kept as long as it may have been taken for the wrong one
        self._is_sure = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Make what `data` stands for."""
        if self._stream is not None and self._stream.is_over:
            self.rest = _longer(self.rest, data)
            return
        if self._is_sure and self._stream is not None:
            yield from self._stream.feed(data)
        else:
            yield from self._begin(data)
        if self._stream is not None:
            self.rest = _longer(self.rest, self._stream.rest)

    def end(self) -> bytes:
        """Return what is left."""
        if self._stream is None:
            raise CodingError("it ends too early")
        return self._stream.end()

    def _begin(self, data: bytes) -> Iterator[bytes]:
        """Take it for wrapped if it looks so, until something has been made or it is broken."""
        self._first += data
        if self._stream is None:
            data = bytes(self._first)
            if len(data) < 2:  # noqa: PLR2004 - the zlib header
                return
            is_wrapped = data[0] & 15 == zlib.DEFLATED and (data[0] * 256 + data[1]) % 31 == 0
            self._is_sure = not is_wrapped
            self._stream = _Deflated(zlib.MAX_WBITS if is_wrapped else -zlib.MAX_WBITS)
        made = self._stream.feed(data)
        first = next(made, b"") if self._is_sure else self._next(made)
        if first is None:
            self._stream = _Deflated(-zlib.MAX_WBITS)
            made = self._stream.feed(bytes(self._first))
            first = next(made, b"")
            self._is_sure = True
        if first or len(self._first) > STEP or self._stream.is_over:
            self._is_sure = True
        if self._is_sure:
            self._first.clear()
        yield first
        yield from made

    @staticmethod
    def _next(made: Iterator[bytes]) -> bytes | None:
        try:
            return next(made, b"")
        except CodingError:
            return None


def _longer(rest: bytes, data: bytes) -> bytes:
    """Return `rest` with what follows it; padding is none.

    Another member of gzip in it some would decode, and others not.
    """
    rest = rest + data if rest else data.lstrip(PADDING)
    if len(rest) > MOST_REST or GZIP_MAGIC in rest:
        raise CodingError("something follows its end")
    return rest


class Brotli:
    """Brotli (RFC 7932)."""

    rest = b""

    def __init__(self) -> None:
        brotli = library("brotli")
        self._error: type[Exception] = brotli.error
        self._engine = brotli.Decompressor()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Make what `data` stands for."""
        engine = self._engine
        while True:
            if engine.is_finished() and data:
                raise CodingError("something follows its end")
            try:
                made = engine.process(data, output_buffer_limit=BROTLI_STEP)
            except self._error as error:
                raise CodingError(str(error)) from error
            yield made
            data = b""
            # It does not say whether it has more to give before it has none.
            if engine.is_finished() or (not made and engine.can_accept_more_data()):
                return

    def end(self) -> bytes:
        """Return what is left: nothing."""
        if not self._engine.is_finished():
            raise CodingError("it ends too early")
        return b""


class Zstd:
    """Zstandard (RFC 8878), with the window that RFC 9659 allows."""

    rest = b""

    def __init__(self) -> None:
        self._zstd = library("backports.zstd", "compression.zstd")
        self._engine = self._frame()

    def _frame(self) -> Any:  # noqa: ANN401 - an optional library's
        window = self._zstd.DecompressionParameter.window_log_max
        return self._zstd.ZstdDecompressor(options={window: ZSTD_WINDOW})

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Make what `data` stands for."""
        while data or not self._engine.needs_input:
            if self._engine.eof:
                self._engine = self._frame()
            try:
                made = self._engine.decompress(data, max_length=STEP)
            except self._zstd.ZstdError as error:
                raise CodingError(str(error)) from error
            yield made
            data = b""
            if self._engine.eof:
                data = self._engine.unused_data
                if not data:
                    return

    def end(self) -> bytes:
        """Return what is left: nothing."""
        if not self._engine.eof:
            raise CodingError("it ends too early")
        return b""


_DECODERS: Final[dict[str, type[Decoder]]] = {
    "gzip": Gzip,
    "x-gzip": Gzip,
    "deflate": Deflate,
    "br": Brotli,
    "zstd": Zstd,
}


def codings(field: str) -> tuple[str, ...]:
    """Return the codings that a Content-Encoding field names, in the order they were applied.

    Raises:
        CodingError: more than four, one of them perhaps unknown; nobody sends that.

    >>> codings('GZIP, identity,br')
    ('gzip', 'br')
    """
    words = (word.strip().lower() for word in field.split(","))
    found = tuple(word for word in words if word not in {"", "identity"})
    if len(found) > DEEPEST:
        raise CodingError(f"{len(found)} codings on top of each other")
    return found


def decoder(coding: str) -> Decoder:
    """Return what undoes `coding`.

    Raises:
        CodingError: it is unknown.
        MissingLibraryError: it is known, but its library is not there.
    """
    try:
        make = _DECODERS[coding]
    except KeyError:
        raise CodingError(f"the coding {coding!r:.40} is unknown") from None
    return make()
