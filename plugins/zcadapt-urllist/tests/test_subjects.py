"""What a request is about is found in its head as the server would find it."""

import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zcadapt_urllist.canonical import host_of, key_of
from zcadapt_urllist.subjects import MOST_SUBJECTS, subject_of_url, subjects_of, subjects_of_url

from zcadapt.icap.http import HTTPMessage


def request(head):
    return SimpleNamespace(http=HTTPMessage(head, None))


def hosts(head):
    return [each.host for each in subjects_of(request(head))]


@given(
    st.lists(
        st.sampled_from(
            [
                "Host: a.example",
                "host:b.example",
                "HOST :\tc.example ",
                "X-Host: d.example",
                "Host:",
                "Accept: x\r\n Host: e.example",
                "Host:\r\n f.example",
                " Host: g.example",
            ]
        ),
        max_size=6,
    )
)
def test_the_host_fields_are_those_that_the_server_reads(fields):
    # Blanks before the first field belong to nothing (RFC 9112, 2.2).
    head = "\r\n".join(["GET / HTTP/1.1", "X: y", *fields, "", ""]).encode()
    message = HTTPMessage(head, None)
    words = " ".join(message.request.headers.get_all("host")).split()
    assert hosts(head) == list(dict.fromkeys(map(host_of, words)))


def test_all_hosts_are_looked_at_and_expressions_in_the_first_of_them():
    fields = b"".join(b"Host: h%d.example\r\n" % number for number in range(100))
    found = subjects_of(request(b"GET / HTTP/1.1\r\n" + fields + b"\r\n"))
    assert len(found) == 100
    assert [each.sharing for each in found] == [MOST_SUBJECTS] * MOST_SUBJECTS + [0] * 92


def test_a_head_full_of_hosts_does_not_take_long():
    words = b" ".join(b"%d%%5ca\xc3\xbc" % number for number in range(5000))
    before = time.process_time()
    subjects_of(request(b"GET / HTTP/1.1\r\nHost: " + words + b"\r\n\r\n"))
    assert time.process_time() - before < 1


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"GET http://A.example:80/x/../B?c HTTP/1.1", b"http://a.example/b?c"),
        (b"GET https://a.example HTTP/1.1", b"https://a.example/"),
        (b"CONNECT a.example:443 HTTP/1.1", b"https://a.example/"),
        (b"GET http://[2001:DB8::1]:80/ HTTP/1.1", b"http://2001:db8::1/"),
        (b"GET http://192.0.2.1/ HTTP/1.1", b"http://192.0.2.1/"),
        (b"GET http://4chan.3com/ HTTP/1.1", b"http://4chan.3com/"),
    ],
)
def test_expressions_see_the_whole_url(line, text):
    assert [each.text for each in subjects_of(request(line + b"\r\n\r\n"))] == [text]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"GET http://A.example:80/B%7Ec%2Fd?E HTTP/1.1", b"http://a.example/B~c%2Fd?E"),
        (b"GET http://a.example HTTP/1.1", b"http://a.example/"),
        (b"GET http://a.example/x/../b HTTP/1.1", b""),
        (b"CONNECT a.example:443 HTTP/1.1", b"https://a.example/"),
    ],
)
def test_what_is_allowed_is_seen_as_it_was_written(line, text):
    assert [each.strict_text for each in subjects_of(request(line + b"\r\n\r\n"))] == [text]


def test_a_query_is_about_its_url():
    assert subject_of_url("http://www.example.com/a").key == key_of("www.example.com")
    assert subject_of_url("http:///") is None
    assert subject_of_url("") is None
    assert subjects_of_url("") == []
    found = subjects_of_url(r"http://a.example\@b.example/")
    assert {each.host for each in found} == {"a.example", "b.example"}
