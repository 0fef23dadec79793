"""An answer before it goes out."""

import pytest

from zcadapt.compat.blocking_line import BlockingLine
from zcadapt.compat.line import Line, Outgoing, encoded_head, icap_name, icap_value, quoted_tag
from zcadapt.compat.mounted_line import MountedLine

HEAD = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n"


def outgoing(code=200, phrase="", head=HEAD, **more):
    return Outgoing(code, phrase, [("ISTag", '"a"')], "res" if head else "", head, **more)


@pytest.mark.parametrize(
    ("code", "phrase", "line"),
    [
        (200, "", b"200 OK"),
        (204, "", b"204 No Modifications Needed"),
        (404, "", b"404 ICAP Service Not Found"),
        (418, "", b"418 I'm a Teapot"),
        (799, "", b"799 Unknown"),
        (200, "Fine", b"200 Fine"),
        (500, "a\r\nb: \u6f22", b"500 a b: ?"),
    ],
)
def test_the_status_has_its_phrase(code, phrase, line):
    answer = outgoing(code, phrase, head=b"").answer(close=False)
    expected = b'ICAP/1.0 %b\r\nISTag: "a"\r\nEncapsulated: null-body=0\r\n\r\n' % line
    assert (answer.status, answer.encoded) == (code, expected)


def test_what_is_encapsulated_is_said_last_with_its_offsets():
    answer = outgoing(has_body=True).answer(close=True)
    assert answer.has_body
    assert answer.encoded == (
        b'ICAP/1.0 200 OK\r\nISTag: "a"\r\nConnection: close\r\n'
        b"Encapsulated: res-hdr=0, res-body=25\r\n\r\n" + HEAD
    )


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (HEAD, b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 7\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", None),
        (b"HTTP/1.1 204 No Content\r\n\r\n", None),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", None),
    ],
)
def test_a_length_is_told_where_none_is(head, told):
    answer = outgoing(head=head)
    answer.tell_length(7)
    assert answer.head == told or (told is None and answer.head == head)


def test_what_is_sent_back_stays_to_the_byte():
    answer = outgoing(is_exact=True)
    answer.tell_length(7)
    assert answer.head == HEAD


def test_names_in_lower_case_are_spelt():
    headers = [("etag", "1"), ("x-a", "2"), ("WeIrD", "3"), ("x-Old", "4")]
    assert encoded_head("GET / HTTP/1.1", headers, {"etag": "ETag"}) == (
        b"GET / HTTP/1.1\r\nETag: 1\r\nX-A: 2\r\nWeIrD: 3\r\nx-Old: 4\r\n\r\n"
    )
    assert [icap_name(name) for name in ("options-ttl", "ISTAG", "x-a", "service-id")] == [
        "Options-TTL",
        "ISTag",
        "X-A",
        "Service-ID",
    ]


def test_no_line_can_be_broken():
    head = encoded_head("GET /\r\nX: 1 HTTP/1.1", [("A\n", "b\r\n\r\nc\0d\re")], {})
    assert head == b"GET / X: 1 HTTP/1.1\r\nA: b c d e\r\n\r\n"
    assert (icap_name("a\r\nb: c"), icap_value("a\r\nb: c ")) == ("A B: C", "a b: c")


@pytest.mark.parametrize(
    ("tag", "quoted"), [("a", '"a"'), ('"a"', '"a"'), ('a"b', '"ab"'), (' "a"\r\n', '"a"')]
)
def test_a_tag_is_in_quotes(tag, quoted):
    assert quoted_tag(tag) == quoted


@pytest.mark.parametrize("kind", [BlockingLine, MountedLine])
def test_both_lines_can_do_all(kind):
    assert issubclass(kind, Line)
    assert not kind.__abstractmethods__
