"""Bytes give a query or a verdict; a query gives its reply; and what was built can be read."""

import struct
from ipaddress import IPv4Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zcadapt.icp.datagram import (
    HEADER_LAYOUT,
    LONGEST,
    QUERY_LAYOUT,
    RESPONSE_LAYOUT,
    build,
    build_reply,
    parse,
    parse_reply,
    read,
    reply_to,
)
from zcadapt.icp.errors import BadReplyError, MalformedQueryError, NotAQueryError
from zcadapt.icp.message import Query
from zcadapt.icp.opcodes import ANSWERS, Opcode, OptionFlag

URL = "http://example.com/"

words = st.integers(0, 0xFFFFFFFF)
addresses = st.ip_addresses(v=4)
urls = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=300)
queries = st.builds(
    build,
    urls,
    request_number=words,
    requester=addresses,
    options=words,
    option_data=words,
    sender=addresses,
    version=st.sampled_from([2, 3]),
)


def packed(opcode=1, version=2, length=None, number=0xDEADBEEF, payload=b"\0\0\0\0http://x/\0"):
    length = 20 + len(payload) if length is None else length
    return struct.pack(HEADER_LAYOUT, opcode, version, length, number, 7, 8, 0x01020304) + payload


def error(datagram):
    """The reply to a malformed query."""
    with pytest.raises(MalformedQueryError) as caught:
        parse(datagram)
    return caught.value.reply


# Queries


def test_the_layouts_are_those_of_zc_icp():
    url = b"http://example.com/\0"
    layout = (HEADER_LAYOUT + QUERY_LAYOUT) % len(url)
    datagram = struct.pack(layout, 1, 2, struct.calcsize(layout), 0xDEADBEEF, 0, 0, 0, 0, url)
    assert datagram == build(URL, request_number=0xDEADBEEF)
    assert struct.calcsize(HEADER_LAYOUT) == 20
    assert struct.calcsize(RESPONSE_LAYOUT % 7) == 7


def test_what_is_asked_is_what_a_query_is_made_of():
    datagram, address = packed(payload=b"\0\0\0\0http://x/\xe9\0"), ("192.0.2.7", 3130)
    assert read(datagram, address) == (datagram, "http://x/\xe9", address)
    query = Query(*read(datagram, address))
    assert (query.datagram, query.url, query.address) == (datagram, "http://x/\xe9", address)


def test_version_3_as_squid_may_send_it_is_read_too():
    assert parse(build(URL, version=3)).version == 3


def test_each_byte_of_the_url_is_one_character():
    assert parse(packed(payload=b"\0\0\0\0http://x/\xff\xe9\0")).url == "http://x/\xff\xe9"


def test_the_url_may_be_empty():
    assert parse(build("")).url == ""


def test_the_longest_query_is_read():
    url = "u" * (LONGEST - 25)
    assert parse(build(url)).url == url


@pytest.mark.parametrize("url", ["http://x/\0", "http://x/\u20ac", "u" * (LONGEST - 24)])
def test_what_no_query_can_carry_is_not_built(url):
    with pytest.raises(ValueError, match=r"NUL|latin-1|at most"):
        build(url)


# Silence


@pytest.mark.parametrize("length", range(21))
def test_what_is_shorter_than_a_reply_is_met_with_silence(length):
    with pytest.raises(NotAQueryError) as caught:
        parse(packed()[:length])
    assert caught.value.reply is None


@pytest.mark.parametrize("opcode", [opcode for opcode in range(256) if opcode != 1])
def test_only_queries_are_answered(opcode):
    with pytest.raises(NotAQueryError) as caught:
        parse(packed(opcode=opcode))
    assert caught.value.reply is None


# ERR

EMPTY_ERR = bytes.fromhex("04020015 deadbeef 00000000 00000000 01020304 00")


@pytest.mark.parametrize(
    "datagram",
    [
        packed(version=0),
        packed(version=1),
        packed(version=4),
        packed(version=255),
        packed(length=0),
        packed(length=33),
        packed(length=35),
        packed(length=65535),
        packed(payload=b"\0"),
        packed(payload=b"\0\0\0\0"),
        packed(payload=b"\0\0\0\0" + b"u" * (LONGEST - 24) + b"\0"),
    ],
)
def test_a_query_without_a_readable_url_gets_an_err_with_an_empty_one(datagram):
    assert error(datagram) == EMPTY_ERR


@pytest.mark.parametrize(
    ("payload", "url"),
    [
        (b"http://x/", b"http://x/\0"),
        (b"http://x/\0y\0", b"http://x/\0"),
        (b"http://x/\0y", b"http://x/\0"),
        (b"http://x/\0\0", b"http://x/\0"),
        (b"\0\0", b"\0"),
    ],
)
def test_a_url_that_does_not_end_with_the_datagram_gets_an_err_with_what_c_reads(payload, url):
    reply = error(packed(payload=b"\0\0\0\0" + payload))
    assert (reply[0], reply[4:8], reply[20:]) == (4, b"\xde\xad\xbe\xef", url)
    assert parse_reply(reply).url.encode() + b"\0" == url


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"", "too short for ICP"),
        (packed(opcode=2), "opcode 2 is no query"),
        (packed(length=7), "says 7 bytes and has 34"),
        (packed(version=9), "version 9 is unknown"),
        (packed(payload=b"\0\0\0\0"), "ends before the URL"),
        (packed(payload=b"\0\0\0\0http://x/"), "the URL has no end"),
        (packed(payload=b"\0\0\0\0http://x/\0y"), "bytes follow the URL"),
        (packed(payload=bytes(LONGEST)), "longer than 16384 bytes"),
    ],
)
def test_the_reason_is_told(datagram, reason):
    with pytest.raises((MalformedQueryError, NotAQueryError), match=reason):
        parse(datagram)


# Replies


def test_a_reply_is_what_zc_icp_sent():
    query = parse(packed())
    expected = "02 02 001e deadbeef 00000000 00000000 01020304"
    assert build_reply(query, Opcode.ICP_OP_HIT) == bytes.fromhex(expected) + b"http://x/\0"


def test_a_reply_needs_no_more_than_the_querys_bytes():
    assert reply_to(packed(), 2) == build_reply(parse(packed()), 2)


def test_a_reply_to_version_3_has_version_2():
    assert build_reply(parse(packed(version=3)), 3)[1] == 2


@pytest.mark.parametrize("options", [0, *OptionFlag, 0xFFFFFFFF])
def test_the_option_flags_are_not_granted(options):
    query = parse(build(URL, options=options, option_data=77))
    reply = parse_reply(build_reply(query, 2))
    assert (reply.options, reply.option_data) == (0, 0)


def test_a_url_that_is_not_ascii_comes_back_as_it_was():
    datagram = packed(payload=b"\0\0\0\0http://x/\x80\xff \t\0")
    assert build_reply(parse(datagram), 3)[20:] == datagram[24:]


@pytest.mark.parametrize(("answer", "opcode"), ANSWERS.items())
def test_a_reply_tells_its_answer(answer, opcode):
    assert parse_reply(build_reply(parse(packed()), opcode)).answer == answer


@pytest.mark.parametrize("opcode", set(range(256)) - set(ANSWERS.values()))
def test_other_opcodes_are_no_answers(opcode):
    with pytest.raises(BadReplyError):
        parse_reply(build_reply(parse(packed()), opcode))


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        packed(opcode=3)[:20],
        packed(opcode=3, version=1, payload=b"u\0"),
        packed(opcode=3, length=23, payload=b"u\0"),
        packed(opcode=3, payload=b"u"),
        packed(opcode=3, payload=b"u\0u"),
        packed(opcode=3, payload=b"u\0u\0"),
        packed(opcode=3, payload=b"u" * (LONGEST - 20) + b"\0"),
    ],
)
def test_what_is_no_reply_is_refused(datagram):
    with pytest.raises(BadReplyError) as caught:
        parse_reply(datagram)
    assert caught.value.reply is None


# What holds for all bytes


def verdict(datagram):
    try:
        return parse(datagram)
    except (MalformedQueryError, NotAQueryError) as wrong:
        return wrong


@given(st.binary(max_size=100) | st.binary(max_size=80).map(lambda end: b"\1\2" + end))
@example(bytes(20))
@example(bytes(21))
def test_any_bytes_give_a_query_or_a_verdict(datagram):
    match verdict(datagram):
        case NotAQueryError() as wrong:
            assert wrong.reply is None
        case MalformedQueryError() as wrong:
            assert parse_reply(wrong.reply).answer == "ICP_OP_ERR"
            assert wrong.reply[4:8] == datagram[4:8]
            assert len(wrong.reply) <= len(datagram)
        case Query() as query:
            assert query.datagram is datagram


@given(queries, st.data())
def test_a_damaged_query_gives_a_query_or_a_verdict(datagram, data):
    at = data.draw(st.integers(0, len(datagram) - 1))
    damaged = datagram[:at] + data.draw(st.binary(max_size=3)) + datagram[at + 1 :]
    test_any_bytes_give_a_query_or_a_verdict.hypothesis.inner_test(damaged)


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda end: b"\3\2" + end))
def test_any_bytes_give_a_reply_or_a_verdict(datagram):
    try:
        reply = parse_reply(datagram)
    except BadReplyError:
        return
    assert reply.answer in ANSWERS


@given(urls, words, addresses, words, words, addresses, st.sampled_from([2, 3]))
def test_parse_after_build_is_the_identity(url, number, requester, options, data, sender, version):
    query = parse(
        build(
            url,
            request_number=number,
            requester=requester,
            options=options,
            option_data=data,
            sender=sender,
            version=version,
        )
    )
    assert query.url == url
    assert query.request_number == number
    assert (query.requester or IPv4Address(0)) == requester
    assert (query.options, query.option_data) == (options, data)
    assert query.sender == sender
    assert query.version == version


@given(queries, st.sampled_from(sorted(ANSWERS.values())))
def test_a_reply_always_carries_request_number_and_url(datagram, opcode):
    query = parse(datagram)
    raw = build_reply(query, opcode)
    reply = parse_reply(raw)
    assert (reply.request_number, reply.url) == (query.request_number, query.url)
    assert reply.sender == query.sender
    assert raw[20:] == datagram[24:]
    assert struct.unpack("!H", raw[2:4])[0] == len(raw) < len(datagram)
