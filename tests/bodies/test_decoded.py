import asyncio
import gzip
import sys
import time
import tracemalloc
import zlib

import brotli
import pytest
from backports import zstd

from zcadapt.bodies import BoundError, CodingError, MissingLibraryError, decoded

TEXT = b"a text that can be made smaller " * 10_000
MIB = 1 << 20


@pytest.mark.parametrize("size", [1, 1000, MIB])
@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("", bytes),
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("br", brotli.compress),
        ("zstd", zstd.compress),
        ("gzip, br", lambda data: brotli.compress(gzip.compress(data))),
        ("br, gzip, identity, zstd", lambda d: zstd.compress(gzip.compress(brotli.compress(d)))),
    ],
)
def test_what_the_user_would_see_comes_out(bodies, encoding, encode, size):
    assert bodies.read(decoded(bodies.pieces(encode(TEXT), size), encoding)) == TEXT


@pytest.mark.parametrize("encoding", ["", "gzip", "br", "deflate", "zstd, gzip"])
def test_an_empty_body_is_empty_in_every_coding(bodies, encoding):
    assert bodies.read(decoded(bodies.pieces(b""), encoding)) == b""


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize("name", ["gzip", "deflate"])
def test_what_follows_the_end_is_handed_out_or_an_error(bodies, name, size):
    encode = {"gzip": gzip.compress, "deflate": zlib.compress}[name]
    body = encode(b"a page") + b"<!-- 0.01 s -->"
    rest = []
    assert bodies.read(decoded(bodies.pieces(body, size), name, rest=rest)) == b"a page"
    assert rest == [b"<!-- 0.01 s -->"]
    with pytest.raises(CodingError, match=f"^{name}: something follows its end"):
        bodies.read(decoded(bodies.pieces(body, size), name))
    assert bodies.read(decoded(bodies.pieces(encode(b"a page") + b"\n", size), name)) == b"a page"


def test_so_is_what_follows_each_of_two_codings(bodies):
    body = zlib.compress(gzip.compress(b"a page") + b"one") + b"two"
    rest = []
    assert bodies.read(decoded(bodies.pieces(body), "gzip, deflate", rest=rest)) == b"a page"
    assert rest == [b"two", b"one"]


@pytest.mark.parametrize("encoding", ["compress", "gzip, none", "gzip,gzip,gzip,gzip,gzip"])
def test_what_nobody_knows_is_an_error(bodies, encoding):
    with pytest.raises(CodingError):
        bodies.read(decoded(bodies.pieces(TEXT), encoding))


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate"])
def test_what_is_broken_is_told_with_its_coding(bodies, encoding):
    with pytest.raises(CodingError, match=f"^{encoding}: "):
        bodies.read(decoded(bodies.pieces(b"\xff" + TEXT), encoding))


def test_it_ends_where_it_would_become_too_large(bodies):
    seen = []

    async def read():
        pieces = decoded(bodies.pieces(gzip.compress(TEXT)), "gzip", most=100_000)
        async for piece in pieces:
            seen.append(len(piece))  # noqa: PERF401 - it ends in mid-way

    with pytest.raises(BoundError, match="more than 100000 bytes"):
        asyncio.run(read())
    assert 0 < sum(seen) <= 100_000


@pytest.mark.parametrize("encode", [gzip.compress, brotli.compress, zstd.compress])
def test_it_ends_where_too_much_comes_of_too_little(bodies, encode):
    name = {gzip: "gzip", brotli: "br"}.get(sys.modules[encode.__module__], "zstd")
    body = encode(bytes(40 * MIB))
    with pytest.raises(BoundError, match="more than 250 times"):
        bodies.read(decoded(bodies.pieces(body), name))


def test_small_ones_may_be_one_letter_all_over(bodies):
    body = brotli.compress(bytes(10 * MIB))
    assert len(bodies.read(decoded(bodies.pieces(body), "br"))) == 10 * MIB


def test_the_bound_holds_for_what_lies_between_two_codings(bodies):
    body = zstd.compress(gzip.compress(b"hello") + bytes(40 * MIB))
    with pytest.raises(BoundError):
        bodies.read(decoded(bodies.pieces(body), "gzip, zstd"))


def test_others_get_their_turn_while_a_bomb_goes_off(bodies):
    body = zstd.compress(gzip.compress(b"hello") + bytes(300 * MIB))

    async def longest_wait():
        longest, last = 0.0, time.perf_counter()
        task = asyncio.ensure_future(read())
        while not task.done():
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
        await task
        return longest

    async def read():
        async for _ in decoded(bodies.pieces(body), "gzip, zstd", ratio=10**9):
            pass

    assert asyncio.run(longest_wait()) < 0.25


def test_memory_stays_small(bodies):
    body = gzip.compress(bytes(100 * MIB))

    async def read():
        return sum(
            [len(piece) async for piece in decoded(bodies.pieces(body), "gzip", ratio=10_000)]
        )

    tracemalloc.start()
    try:
        assert asyncio.run(read()) == 100 * MIB
        assert tracemalloc.get_traced_memory()[1] < 2 * MIB
    finally:
        tracemalloc.stop()


def test_a_missing_library_is_told(bodies, monkeypatch):
    monkeypatch.setitem(sys.modules, "brotli", None)
    with pytest.raises(MissingLibraryError, match="brotli is not installed"):
        bodies.read(decoded(bodies.pieces(TEXT), "br"))
