"""The box is the one of zc.icp, whatever is in the datagram."""

import struct
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcadapt.icp import HEADER_LAYOUT, build, build_reply, format_datagram, parse, print_datagram

WIDTH = 65


def packed(opcode=3, payload=b"\0"):
    return struct.pack(HEADER_LAYOUT, opcode, 2, 20 + len(payload), 1, 0, 0, 0) + payload


def lines(datagram):
    return format_datagram(datagram).splitlines()


def test_a_hit_is_drawn_as_zc_icp_did():
    query = parse(build("http://example.com/foo", request_number=0xDEADBEEF))
    expected = r"""
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |  ICP_OP_HIT   |   Version: 2  |     Message Length: 43        |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                    Request Number: DEADBEEF                   |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                    Options: 0                                 |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                    Option Data: 0                             |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                    Sender Host Address: 0                     |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                                                               |
        |    Payload: http://example.com/foo\x00                        |
        |                                                               |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    """
    assert format_datagram(build_reply(query, 2)) == dedent(expected).strip()


@pytest.mark.parametrize(
    ("opcode", "cell"),
    [
        (1, "|  ICP_OP_QUERY |"),
        (3, "|  ICP_OP_MISS  |"),
        (22, "|  ICP_OP_DENIED|"),
        (21, "|  MISS_NOFETCH |"),
        (99, "|  opcode 99    |"),
        (255, "|  opcode 255   |"),
    ],
)
def test_every_opcode_fits_its_cell(opcode, cell):
    assert lines(packed(opcode))[1].startswith(cell)


def test_a_long_payload_takes_several_lines():
    drawn = [line for line in lines(packed(payload=b"~" * 120 + b"\0")) if "~" in line]
    assert [line.count("~") for line in drawn] == [50, 50, 20]
    assert drawn[0].startswith("|    Payload: ~")
    assert drawn[2].rstrip(" |").endswith(r"~\x00")


def test_an_empty_payload_is_drawn_empty():
    assert f"|{'    Payload: ':63}|" in lines(packed(payload=b""))


@pytest.mark.parametrize("size", [0, 1, 19])
def test_what_has_no_header_has_no_box(size):
    with pytest.raises(ValueError, match=f"^{size} bytes are no ICP header$"):
        format_datagram(bytes(size))


def test_printed_is_the_box(capsys):
    print_datagram(packed())
    assert capsys.readouterr().out == format_datagram(packed()) + "\n"


def test_printed_are_the_bytes_where_there_is_no_box(capsys):
    print_datagram(b"\x01\x02")
    assert capsys.readouterr().out == "b'\\x01\\x02'\n"


@given(st.binary(min_size=20, max_size=300))
def test_any_header_is_drawn_straight_and_harmless_to_terminals(datagram):
    text = format_datagram(datagram)
    assert {len(line) for line in text.split("\n")} == {WIDTH}
    assert text.replace("\n", "").isprintable()
    assert text.isascii()
