"""The decoders: what comes out does not depend on how the input is cut."""

import gzip
import random
import time
import zlib

import brotli
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from zcadapt.bodies import CodingError
from zcadapt.bodies.coding import STEP, codings, decoder

TEXT = b"".join(b"line %d of a text that can be made smaller\n" % n for n in range(5000))
NOISE = random.Random(1).randbytes(200_000)


def raw_deflate(data):
    engine = zlib.compressobj(wbits=-15)
    return engine.compress(data) + engine.flush()


ENCODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda data: brotli.compress(data, quality=4),
    "zstd": zstd.compress,
}
EACH = pytest.mark.parametrize("coding", list(ENCODERS))


def undone(coding, data, sizes=(1 << 20,)):
    return undone_with_rest(coding, data, sizes)[0]


def undone_with_rest(coding, data, sizes=(1 << 20,)):
    engine, made, at, turn = decoder(coding), [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        made += engine.feed(data[at : at + size])
        at, turn = at + size, turn + 1
    return b"".join([*made, engine.end()]), engine.rest


@EACH
@pytest.mark.parametrize("data", [b"", b"x", TEXT, NOISE, bytes(3 * STEP)])
def test_what_was_encoded_comes_back(coding, data):
    assert undone(coding, ENCODERS[coding](data)) == data


@EACH
@settings(deadline=None)  # on a busy machine it takes its time
@given(sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=5))
def test_it_does_not_matter_how_it_is_cut(coding, sizes):
    assert undone(coding, ENCODERS[coding](TEXT), sizes) == TEXT


@EACH
@given(data=st.binary(max_size=300), cut=st.integers(1, 50))
def test_nonsense_is_an_error_of_ours_however_it_is_cut(coding, data, cut):
    def outcome(sizes):
        try:
            return undone(coding, data, sizes)
        except CodingError:
            return None

    assert outcome([1000]) == outcome([cut])


@EACH
def test_half_of_it_is_an_error(coding):
    encoded = ENCODERS[coding](TEXT)
    with pytest.raises(CodingError):
        undone(coding, encoded[: len(encoded) // 2])


@EACH
def test_all_but_the_end_is_an_error(coding):
    with pytest.raises(CodingError, match="too early"):
        undone(coding, ENCODERS[coding](NOISE)[:-1])


@EACH
def test_a_bomb_comes_out_in_small_pieces(coding):
    engine = decoder(coding)
    pieces = list(engine.feed(ENCODERS[coding](bytes(50_000_000))))
    assert sum(map(len, pieces)) >= 50_000_000 - 1000
    assert max(map(len, pieces)) <= 2 * STEP


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_gzip_has_members(size):
    assert undone("gzip", gzip.compress(b"one ") + gzip.compress(b"two"), [size]) == b"one two"


SIZES = pytest.mark.parametrize("size", [1, 7, 10_000])
STREAMS = pytest.mark.parametrize(
    ("coding", "encode"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)],
)


@SIZES
@STREAMS
@pytest.mark.parametrize("data", [b"", b"one"])
@pytest.mark.parametrize("padding", [bytes(100_000), b"\n", b"\r\n", b" \t\0\n"])
def test_padding_may_follow_the_end(coding, encode, size, data, padding):
    assert undone_with_rest(coding, encode(data) + padding, [size]) == (data, b"")


@SIZES
@STREAMS
@pytest.mark.parametrize("data", [b"", b"one"])
@pytest.mark.parametrize("rest", [b"<!-- 0.01 s -->\n", b"PK\x03\x04", b"\x1f", b"\x1fa", b"a\0"])
@pytest.mark.parametrize("padding", [b"", b"\0\0", b"\n"])
def test_what_else_follows_it_is_kept(coding, encode, size, data, rest, padding):
    body = encode(data) + padding + rest
    assert undone_with_rest(coding, body, [size]) == (data, rest)


@pytest.mark.parametrize("size", [1000, 10_000])
@STREAMS
@pytest.mark.parametrize("rest", [b"x" * (64 * 1024 + 1), b"x" + bytes(100_000)])
def test_but_not_at_any_length(coding, encode, size, rest):
    with pytest.raises(CodingError, match="something follows its end"):
        undone(coding, encode(b"one") + rest, [size])


@SIZES
@STREAMS
@pytest.mark.parametrize("before", [b"\0", b"\n", b"a", b"\x1f"])
def test_no_gzip_may_follow_other_than_at_once(coding, encode, size, before):
    with pytest.raises(CodingError, match="something follows its end"):
        undone(coding, encode(b"one") + before + gzip.compress(b"two"), [size])


@SIZES
@pytest.mark.parametrize("coding", ["br", "zstd"])
@pytest.mark.parametrize("data", [b"", b"one"])
def test_no_other_coding_hides_what_follows_it(coding, size, data):
    with pytest.raises(CodingError):
        undone(coding, ENCODERS[coding](data) + b"PK\x03\x04", [size])


def test_the_second_member_of_gzip_may_be_broken():
    with pytest.raises(CodingError):
        undone("gzip", gzip.compress(b"one") + b"\x1f\x8bgarbage that is no gzip")


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_zstd_has_frames(size):
    assert undone("zstd", zstd.compress(b"one ") + zstd.compress(b"two"), [size]) == b"one two"


@pytest.mark.parametrize("size", [1, 2, 100, 100_000])
@pytest.mark.parametrize("data", [TEXT, NOISE, b"x"])
def test_deflate_may_come_without_its_wrapper(size, data):
    assert undone("deflate", raw_deflate(data), [size]) == data


@pytest.mark.parametrize("size", [1, 2, 100_000])
def test_deflate_may_look_as_if_it_had_a_wrapper(size):
    # Stored blocks of some lengths begin with bytes that pass for a zlib header.
    for first in range(0x08, 0x100, 0x10):
        for second in range(256):
            if (first * 256 + second) % 31 == 0:
                length = bytes([second, 0])
                block = bytes([first]) + length + bytes(255 - byte for byte in length)
                data = block + b"h" * second + raw_deflate(b" you")
                assert undone("deflate", data, [size]) == b"h" * second + b" you"


@pytest.mark.parametrize("head", [b"\x78\x9c", b""])
def test_deflate_that_makes_nothing_is_decoded_once(head):
    data = head + b"\x00\x00\x00\xff\xff" * 13_000
    engine, made = decoder("deflate"), []
    begin = time.process_time()
    for at in range(len(data)):
        made += engine.feed(data[at : at + 1])
    assert time.process_time() - begin < 1
    assert not b"".join(made)


def test_a_window_that_nobody_allows_is_refused():
    options = {
        zstd.CompressionParameter.window_log: 27,
        zstd.CompressionParameter.enable_long_distance_matching: 1,
    }
    engine = zstd.ZstdCompressor(options=options)
    data = engine.compress(NOISE) + engine.flush()
    with pytest.raises(CodingError):
        undone("zstd", data)


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("", ()),
        ("identity", ()),
        ("gzip", ("gzip",)),
        (" GZip ,, br", ("gzip", "br")),
        ("aes128gcm", ("aes128gcm",)),
    ],
)
def test_a_field_names_codings(field, names):
    assert codings(field) == names


def test_nobody_piles_up_codings():
    with pytest.raises(CodingError, match="5 codings"):
        codings("gzip," * 5)


@pytest.mark.parametrize("coding", ["compress", "aes128gcm", "gzip;q=1", "x" * 1000])
def test_an_unknown_coding_is_told_but_not_at_length(coding):
    with pytest.raises(CodingError, match="unknown") as told:
        decoder(coding)
    assert len(str(told.value)) < 100
