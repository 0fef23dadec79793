"""A chunked stream gives its bytes and its end, in whatever pieces it comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcadapt.icap.chunked import ChunkReader, frame, last_chunk, parse_size
from zcadapt.icap.errors import BrokenMessageError, TooLargeError
from zcadapt.icap.limits import Limits

from .strategies import SMALL, check_chunks, cuts, sliced


def read(pieces, limits=None):
    """Return the reader, the body, and how much each step gave."""
    reader, body, left = ChunkReader(limits or Limits()), [], b""
    for piece in pieces:
        body.append(reader.decode(left + piece))
        left = reader.left_over
    return reader, body


def one(stream, limits=None):
    reader, (body,) = read([stream], limits)
    return reader, body


def test_chunks_are_joined():
    reader, body = one(b"4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n")
    assert (body, reader.ended, reader.ieof, reader.trailers) == (b"Wikipedia", True, False, b"")


def test_what_follows_the_stream_is_left_over():
    reader, _ = one(b"1\r\na\r\n0\r\n\r\nOPTIONS icap")
    assert reader.left_over == b"OPTIONS icap"


def test_a_piece_inside_a_chunk_is_handed_on_without_a_copy():
    reader, _ = one(b"fffff\r\n")
    piece = b"x" * 1000
    assert reader.decode(piece) is piece


def test_data_come_as_soon_as_they_are_there():
    _, body = read([b"5\r\nab", b"c", b"de", b"\r\n0\r\n\r\n"])
    assert body == [b"ab", b"c", b"de", b""]


@pytest.mark.parametrize(
    ("line", "size"),
    [
        (b"0", 0),
        (b"a", 10),
        (b"A", 10),
        (b"1F", 31),
        (b"000000000000001f", 31),
        (b" 5", 5),
        (b"5\t ", 5),
        (b"5;", 5),
        (b"5 ;a=b;c", 5),
        (b'5;a="b;c"', 5),
        (b"ffffffffffffffff", 2**64 - 1),
    ],
)
def test_sizes_are_hexadecimal_and_extensions_are_skipped(line, size):
    assert parse_size(line) == (size, False)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" ",
        b";",
        b";5",
        b"x",
        b"0x5",
        b"+5",
        b"-5",
        b"5_0",
        b"5 5",
        b"5,",
        b"1" * 17,
        b"5;a\nb",
        b"5;\r",
        b"\xd9\xa5",
    ],
)
def test_what_is_no_size_is_refused(line):
    with pytest.raises(BrokenMessageError):
        parse_size(line)


@pytest.mark.parametrize(
    "line", [b"0;ieof", b"0; ieof", b"0 ; IEOF ;a", b"0;a;ieof=1", b'0;a="b";ieof']
)
def test_ieof_is_found_among_extensions(line):
    reader, _ = one(line + b"\r\n\r\n")
    assert (reader.ended, reader.ieof) == (True, True)


@pytest.mark.parametrize(
    "line", [b"0", b"0;a=ieof", b'0;a="x;ieof"', b'0;a="x\\";ieof"', b"0;ieofx"]
)
def test_nothing_else_is_ieof(line):
    reader, _ = one(line + b"\r\n\r\n")
    assert (reader.ended, reader.ieof) == (True, False)


def test_ieof_counts_only_in_the_last_chunk():
    reader, _ = one(b"1;ieof\r\na\r\n0\r\n\r\n")
    assert not reader.ieof


def test_a_long_line_says_the_same_as_a_short_one():
    reader, body = one(b"1;" + b"a" * 1000 + b"\r\nx\r\n0;" + b"b" * 1000 + b";ieof\r\n\r\n")
    assert (body, reader.ieof) == (b"x", True)


def test_trailers_are_kept_as_they_came():
    trailers = b"X-Digest: a\r\nY:b\r\n\tmore\r\n"
    reader, _ = one(b"0\r\n" + trailers + b"\r\nrest")
    assert (reader.trailers, reader.left_over) == (trailers, b"rest")


@pytest.mark.parametrize(
    "trailers",
    [
        b"no header\r\n",
        b"A : b\r\n",
        b"A: b\nC: d\r\n",
        b"A: \0\r\n",
        b" folded\r\n",
        b"A: b\rC\r\n",
    ],
)
def test_trailers_that_are_no_header_lines_are_refused(trailers):
    with pytest.raises(BrokenMessageError, match="trailers"):
        one(b"0\r\n" + trailers + b"\r\n")


@pytest.mark.parametrize(
    "stream",
    [
        b"1\r\nab\r\n",
        b"1\r\nabc0\r\n\r\n",
        b"1\r\na\n0\r\n",
        b"1\r\na0\r\n\r\n",
        b"1\na\n0\n\n\r\n",
    ],
)
def test_broken_framing_is_refused(stream):
    with pytest.raises(BrokenMessageError):
        one(stream)


@pytest.mark.parametrize("garbage", [b"G", b"\x16\x03", b"\r\n", b"<html"])
def test_garbage_before_a_chunk_is_not_waited_for(garbage):
    with pytest.raises(BrokenMessageError):
        one(garbage)
    with pytest.raises(BrokenMessageError):
        one(b"1\r\na\r\n" + garbage)


@pytest.mark.parametrize(
    "stream",
    [
        b"1" * 32,  # the line
        b"0;" + b"a" * 30,
        b"401\r\n",  # a chunk
        b"ffffffffffffffff\r\n",
        b"400\r\n%s\r\n" % bytes(1024) * 3,  # the body
        b"0\r\nA: " + b"b" * 1021,  # the trailers
    ],
)
def test_everything_has_a_bound(stream):
    with pytest.raises(TooLargeError):
        one(stream, SMALL)
    with pytest.raises(TooLargeError):
        read([stream[at : at + 1] for at in range(len(stream))], SMALL)


def test_room_is_what_may_still_come():
    reader = ChunkReader(SMALL, 10)
    reader.decode(b"4\r\nWiki\r\n")
    assert reader.room == 6
    with pytest.raises(TooLargeError):
        reader.decode(reader.left_over + b"7\r\n")


def test_a_body_is_refused_before_it_comes():
    with pytest.raises(TooLargeError):
        one(b"bb9\r\n", Limits(body_bytes=3000))


@pytest.mark.parametrize("data", [b"a", bytes(10), bytes(4096)])
def test_a_frame_is_a_chunk(data):
    assert b"".join(frame(data)) == b"%x\r\n%s\r\n" % (len(data), data)


def test_the_last_chunk_may_say_more():
    assert last_chunk() == b"0\r\n\r\n"
    assert last_chunk(trailers=b"A: b\r\n") == b"0\r\nA: b\r\n\r\n"
    assert last_chunk(original_from=0) == b"0; use-original-body=0\r\n\r\n"


@given(st.lists(st.binary(min_size=1, max_size=100), max_size=10), cuts)
def test_what_is_framed_is_read(pieces, cuts):
    stream = b"".join(b"".join(frame(piece)) for piece in pieces) + last_chunk(trailers=b"A: b\r\n")
    reader, body = read(sliced(stream, cuts))
    assert b"".join(body) == b"".join(pieces)
    assert (reader.ended, reader.trailers, reader.left_over) == (True, b"A: b\r\n", b"")


hex_soup = st.lists(
    st.sampled_from(
        [
            b"0",
            b"1",
            b"2",
            b"a",
            b"ff",
            b"\r\n",
            b"\r",
            b"\n",
            b";",
            b"ieof",
            b" ",
            b":",
            b'"',
            b"x" * 20,
        ]
    )
).map(b"".join)


@given(st.binary(max_size=100) | hex_soup, cuts, st.sampled_from([None, SMALL]))
def test_any_bytes_give_a_body_or_an_error(stream, cuts, limits):
    check_chunks(stream, cuts, limits)
