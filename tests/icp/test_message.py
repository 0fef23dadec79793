"""A query tells its fields when asked, and so does a reply."""

import struct
from ipaddress import IPv4Address, IPv6Address

import pytest

from zcadapt.icp.datagram import HEADER_LAYOUT, QUERY_LAYOUT, build, build_reply, parse, parse_reply
from zcadapt.icp.message import Message, Query, Reply

URL = "http://example.com/"
PEER = ("192.0.2.7", 3130)


def packed(payload):
    layout = (HEADER_LAYOUT + QUERY_LAYOUT) % len(payload)
    words = (0xDEADBEEF, 7, 8, 0x01020304, 0x0A000009)
    return struct.pack(layout, 1, 2, 24 + len(payload), *words, payload)


def test_a_query_is_read_field_by_field():
    query = parse(packed(b"http://x/\0"), PEER)
    assert query.url == "http://x/"
    assert query.version == 2
    assert query.request_number == 0xDEADBEEF
    assert query.options == 7
    assert query.option_data == 8
    assert query.sender == IPv4Address("1.2.3.4")
    assert query.requester == IPv4Address("10.0.0.9")
    assert query.peer == IPv4Address("192.0.2.7")
    assert query.port == 3130
    assert query.address == PEER


def test_a_requester_of_zeros_is_none():
    assert parse(build(URL)).requester is None


@pytest.mark.parametrize(
    ("host", "peer"),
    [
        ("2001:db8::1", IPv6Address("2001:db8::1")),
        ("fe80::1%eth0", IPv6Address("fe80::1%eth0")),
        ("::ffff:192.0.2.7", IPv4Address("192.0.2.7")),
    ],
)
def test_a_peer_may_speak_ipv6(host, peer):
    assert parse(build(URL), (host, 3130, 0, 0)).peer == peer


def test_a_query_is_recognized_in_a_log():
    assert (
        repr(parse(build(URL, request_number=0xBEEF))) == "<Query 0000BEEF 'http://example.com/'>"
    )


def test_a_reply_is_read_field_by_field():
    query = parse(build(URL, request_number=9, sender="192.0.2.9"))
    reply = parse_reply(build_reply(query, 21))
    assert reply.answer == "ICP_OP_MISS_NOFETCH"
    assert reply.url == URL
    assert (reply.version, reply.request_number) == (2, 9)
    assert (reply.options, reply.option_data) == (0, 0)
    assert reply.sender == IPv4Address("192.0.2.9")


def test_the_port_is_where_the_reply_goes():
    assert parse(build(URL), ("2001:db8::1", 4711, 0, 0)).port == 4711


@pytest.mark.parametrize("kind", [Query, Reply])
def test_both_are_messages_and_take_nothing_else_in(kind):
    assert issubclass(kind, Message)
    assert not hasattr(parse(build(URL)), "__dict__")
