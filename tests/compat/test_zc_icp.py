"""What zc.icp did is done, save where that was against RFC 2186 or made a peer wait."""

import logging
import struct

import pytest
from zope.component import getGlobalSiteManager

import zcadapt.icp
from zcadapt.compat import zc_icp
from zcadapt.compat.zc_icp import zc
from zcadapt.interfaces import IICPPolicy

QUERY = zcadapt.icp.build("http://x/", request_number=0xDEADBEEF, sender="1.2.3.4")
FIELDS = zc_icp.HEADER_LAYOUT + zc_icp.RESPONSE_LAYOUT


def hit(url):
    return "ICP_OP_HIT"


def with_length(datagram):
    """Return `datagram` with its size in its length field."""
    return datagram[:2] + struct.pack("!H", len(datagram)) + datagram[4:]


def unpack(reply):
    return struct.unpack(FIELDS % (len(reply) - 20), reply)


def test_the_names_of_the_package_are_there():
    assert zc.icp is zc_icp
    assert zc.icp.interfaces.IICPPolicy is zc.icp.IICPPolicy is IICPPolicy
    assert set(zc_icp.__all__) <= set(dir(zc_icp))


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("INVALID", 0),
        ("QUERY", 1),
        ("HIT", 2),
        ("MISS", 3),
        ("ERR", 4),
        ("SECHO", 10),
        ("DECHO", 11),
        ("MISS_NOFETCH", 21),
        ("DENIED", 22),
    ],
)
def test_opcodes_are_numbers(name, number):
    opcode = getattr(zc_icp, f"ICP_OP_{name}")
    assert (type(opcode), opcode) == (int, number)


def test_the_layouts_are_those_of_struct():
    assert zc_icp.HEADER_LAYOUT == "!BBHIIII"
    assert zc_icp.RESPONSE_LAYOUT == "%ds"
    assert zc_icp.QUERY_LAYOUT == "I%ds"
    assert zc_icp.MAX_DATAGRAM_LOG_LENGTH == 70


def test_a_good_query_is_answered_to_the_byte():
    expected = "0202001edeadbeef0000000000000000" + "01020304" + b"http://x/\0".hex()
    assert zc_icp.handle_request(QUERY, hit).hex() == expected


def test_a_checker_that_fails_no_longer_makes_a_peer_wait(caplog):
    def broken(url):
        raise LookupError

    for checker in broken, lambda url: "ICP_OP_HIT_OBJ":
        reply = zc_icp.handle_request(QUERY, checker)
        assert reply == zcadapt.icp.build_reply(zcadapt.icp.parse(QUERY), zc_icp.ICP_OP_ERR)


def test_no_reply_is_answered():
    for opcode in (0, 2, 3, 4, 10, 11, 21, 22, 99):
        assert zc_icp.handle_request(bytes([opcode]) + QUERY[1:], hit) == b""
        assert zc_icp.handle_request(bytes([opcode, 2, 0, 4]), hit) == b""
    assert zc_icp.handle_request(b"", hit) == b""


BROKEN = {
    "Error unpacking ICP header": (QUERY[:19], (4, 2, 19, 0, 0, 0, 0, b"\0")),
    "Query is not long enough": (
        with_length(QUERY[:24]),
        (4, 2, 21, 0xDEADBEEF, 0, 0, 0, b"\0"),
    ),
    "URL in ICP query is not null-terminated": (
        with_length(QUERY[:-1]),
        (4, 2, 29, 0xDEADBEEF, 0, 0, 0x01020304, b"http://x/"),
    ),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_broken_queries_are_logged_and_answered_as_documented(reason, caplog):
    datagram, reply = BROKEN[reason]
    assert unpack(zc_icp.handle_request(datagram, hit)) == reply
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == f"{reason}:\n    {datagram!r}"


def test_of_a_long_one_the_log_shows_the_ends(caplog):
    datagram = with_length(QUERY[:-1] + bytes([1]) * 4000 + b"\n" + b"e" * 35)
    zc_icp.handle_request(datagram, hit)
    (record,) = caplog.records
    shown = datagram[:35] + b"..." + b"e" * 35
    assert record.getMessage().partition(":\n    ")[2] == repr(shown)


@pytest.mark.parametrize(("size", "whole"), [(70, True), (71, False)])
def test_one_of_70_bytes_is_shown_whole(caplog, size, whole):
    datagram = with_length(QUERY[:-1] + b"e" * (size - len(QUERY) + 1))
    zc_icp.handle_request(datagram, hit)
    (record,) = caplog.records
    assert (repr(datagram) in record.getMessage()) is whole


@pytest.mark.parametrize(
    "datagram",
    [
        b"\1\7" + QUERY[2:],
        b"\1\7" + with_length(QUERY[:-1])[2:],
        QUERY + b"\0",
        with_length(QUERY[:-1] + bytes([1]) * 16384),
    ],
)
def test_other_broken_queries_are_answered_by_the_core(datagram, caplog):
    reply = zc_icp.handle_request(datagram, hit)
    assert unpack(reply) == (4, 2, 21, 0xDEADBEEF, 0, 0, 0x01020304, b"\0")
    assert not caplog.records


def test_print_datagram_returns_what_is_to_be_printed(capsys):
    assert zc_icp.print_datagram(QUERY) == zc_icp.format_datagram(QUERY)
    assert zc_icp.print_datagram(QUERY[:19]) == repr(QUERY[:19])
    assert not capsys.readouterr().out


def test_the_server_is_that_of_the_package_itself():
    assert zc.icp.start_server is zcadapt.icp.start_server


def test_policies_are_those_of_everybody():
    registry = getGlobalSiteManager()
    registry.registerUtility(hit, zc.icp.interfaces.IICPPolicy, "foo")
    try:
        assert zc_icp.check_url("http://x/") == "ICP_OP_HIT"
        assert unpack(zc_icp.handle_request(QUERY))[0] == zc_icp.ICP_OP_HIT
    finally:
        registry.unregisterUtility(hit, IICPPolicy, "foo")
