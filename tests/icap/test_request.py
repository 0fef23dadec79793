"""A service sees who asks for what, decoded, and nothing is read before it looks."""

import pytest

from zcadapt.icap.body import NO_BODY
from zcadapt.icap.connection import Connection
from zcadapt.icap.limits import Limits
from zcadapt.icap.request import Request

GET = b"GET /a HTTP/1.1\r\nHost: example.com\r\nAccept: a\r\naccept: b\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n"


def asked(*fields, uri="icap://h/echo", method="REQMOD", request=GET, response=b""):
    heads = f"req-hdr=0, res-hdr={len(request)}, " if response else "req-hdr=0, "
    lines = [
        f"{method} {uri} ICAP/1.0",
        *fields,
        f"Encapsulated: {heads}null-body={len(request + response)}",
    ]
    conn = Connection(Limits())
    conn.receive_data("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + request + response)
    return Request(conn.next_event(), ("192.0.2.7", 4711), "echo", NO_BODY)


def test_a_request_is_what_the_client_sent():
    request = asked("Host: h", "Allow: 204, 206", "Preview: 10", uri="icap://h:1344/echo?a=1")
    assert (request.method, request.uri, request.endpoint) == (
        "REQMOD",
        "icap://h:1344/echo?a=1",
        "echo",
    )
    assert (request.allow, request.preview) == ({"204", "206"}, 10)
    assert request.peer == ("192.0.2.7", 4711)
    assert request.headers["HOST"] == "h"
    assert request.body is NO_BODY


def test_the_message_is_there_to_be_looked_at():
    http = asked(method="RESPMOD", response=OK).http
    assert (http.url, http.host) == ("http://example.com/a", "example.com")
    assert http.request.headers.get_all("accept") == ["a", "b"]
    assert (http.response.status, http.response.headers["server"]) == (200, "x")


def test_what_is_not_told_is_none():
    request = asked()
    assert (request.client_ip, request.user, request.groups) == (None, None, ())
    assert (request.preview, request.allow, request.args) == (None, frozenset(), {})


@pytest.mark.parametrize(
    ("query", "args"),
    [
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=1&a=2", {"a": "2"}),
        ("a=&b", {"a": "", "b": ""}),
        ("a=x%20y+z&%61%62=%C3%A9", {"a": "x y z", "ab": "é"}),
        ("", {}),
        ("&&=", {"": ""}),
    ],
)
def test_arguments_are_decoded(query, args):
    assert asked(uri=f"icap://h/echo?{query}").args == args


def test_who_is_behind_it_is_told():
    request = asked(
        "X-Client-IP: 192.0.2.1",
        "X-Authenticated-User: TG9jYWw6Ly9hbm4=",
        "X-Authenticated-Groups: TG9jYWw6Ly9zdGFmZg==, guests",
    )
    assert (request.client_ip, request.user, request.groups) == (
        "192.0.2.1",
        "ann",
        ("staff", "guests"),
    )


def test_headers_are_those_of_icap_to_the_last():
    request = asked("X-A: 1", "x-a: 2", "X-B: 3", " 4")
    assert request.headers.get_all("X-A") == ["1", "2"]
    assert request.headers["x-b"] == "3 4"
    assert list(request.headers)[-1] == "encapsulated"


def test_nothing_is_read_twice():
    request = asked("X-Client-IP: 192.0.2.1")
    for name in ("args", "headers", "http", "client_ip", "user", "groups"):
        assert name not in vars(request)
        assert getattr(request, name) is getattr(request, name)


def test_a_request_shows_what_it_is_about():
    assert repr(asked()) == "<REQMOD 'http://example.com/a'>"
    assert len(repr(asked(request=b"GET /" + b"a" * 1000 + b" HTTP/1.1\r\n\r\n"))) < 130
