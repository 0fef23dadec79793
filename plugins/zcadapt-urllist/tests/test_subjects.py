"""What a request is about is found in its head as the server would find it."""

import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zcadapt_urllist.canonical import MOST_HOSTS, host_of, key_of
from zcadapt_urllist.paths import path_of, strict_path_of
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


HOSTS = [f"h{number}.example" for number in range(MOST_HOSTS)]
HEADS = [
    f"GET http://h0.example/{path} HTTP/1.1\r\nHost: {' '.join(hosts)}\r\n\r\n".encode("latin-1")
    for path in ("%ZZ" * 19_000, "%25" * 19_000, "a/../" * 11_000, "\xe4" * 57_000, "%e4" * 19_000)
    for hosts in (HOSTS[:1], HOSTS, [f"{number:x}.example" for number in range(400)])
]


def works(what):
    """Return how often ``what()`` calls anything, and reads a path: times would say less."""
    calls, read = 0, 0

    def count(frame, event, _):
        nonlocal calls, read
        calls += event in {"call", "c_call"}
        readers = {path_of.__code__, strict_path_of.__code__}
        read += event == "call" and frame.f_code in readers

    sys.setprofile(count)
    try:
        what()
    finally:
        sys.setprofile(None)
    return calls, read


def test_all_hosts_are_looked_at_and_expressions_in_the_first_of_them():
    found = subjects_of(
        request(f"GET http:/h0.example HTTP/1.1\r\nHost: {' '.join(HOSTS)}\r\n\r\n".encode())
    )
    assert {each.key for each in found} == set(map(key_of, HOSTS))
    assert len(found) == 2 * MOST_HOSTS
    sharing = [MOST_SUBJECTS] * MOST_SUBJECTS + [0] * (len(found) - MOST_SUBJECTS)
    assert [each.sharing for each in found] == sharing


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1\r\nHost: " + " ".join([*HOSTS, "a.example"]),
        "GET http://a.example/ HTTP/1.1\r\nHost: " + "\r\nHost: ".join(HOSTS),
        "GET / HTTP/1.1\r\nHost: " + "\\".join(HOSTS) + " a.example",
        f"GET http://a.example/ HTTP/1.1\r\nHost: a.example {'x' * 5000}",
        f"CONNECT {'x' * 5000}@a.example:443 HTTP/1.1\r\nHost: a.example",
        f"GET http:/\ta.example{'%2f' * 19_000} HTTP/1.1\r\nHost: a.example",
        "CONNECT a.example:443 HTTP/1.1\r\nHost: " + " ".join(f"{n}" for n in range(5000)),
    ],
)
def test_more_hosts_than_are_looked_at_are_one_subject_without_a_host(head):
    assert [each.key for each in subjects_of(request(head.encode() + b"\r\n\r\n"))] == [b""]


@pytest.mark.parametrize("head", HEADS)
def test_a_path_is_read_once_whosever_it_is(head):
    def read():
        for each in subjects_of(request(head)):
            assert each.full.startswith(each.key)
            assert each.strict is each.strict

    calls, paths = works(read)
    assert paths <= 2
    assert calls < 1.1 * len(head)


def test_a_head_full_of_hosts_makes_no_more_work_than_one_with_too_many():
    def head(number):
        words = b" ".join(b"%d%%5ca\xc3\xbc" % each for each in range(number))
        return request(b"GET / HTTP/1.1\r\nHost: " + words + b"\r\n\r\n")

    few, many = head(MOST_HOSTS + 1), head(5000)
    assert works(lambda: subjects_of(many)) == works(lambda: subjects_of(few))


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
