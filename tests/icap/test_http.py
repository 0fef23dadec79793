"""A message is read as far as somebody looks, and as the proxy that sent it reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcadapt.icap.http import HTTPMessage, HTTPRequest, HTTPResponse

from .strategies import check_message


def asked(line, *fields):
    return HTTPMessage("\r\n".join([line, *fields, "", ""]).encode("latin-1"), None)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("GET / HTTP/1.1", ("GET", "/", "HTTP/1.1")),
        ("GET http://a/b?c HTTP/1.0", ("GET", "http://a/b?c", "HTTP/1.0")),
        ("GET /", ("GET", "/", "")),
        ("GET /a b", ("GET", "/a b", "")),
        ("GET /a b HTTP/1.1", ("GET", "/a b", "HTTP/1.1")),
        ("GET  /  HTTP/1.1", ("GET", "/", "HTTP/1.1")),
        (" GET / HTTP/1.1 ", ("GET", "/", "HTTP/1.1")),
        ("GET HTTP/1.1", ("GET", "", "HTTP/1.1")),
        ("GET", ("GET", "", "")),
        ("", ("", "", "")),
        ("OPTIONS * HTTP/1.1", ("OPTIONS", "*", "HTTP/1.1")),
        ("PROPFIND /é HTTP/1.1", ("PROPFIND", "/é", "HTTP/1.1")),
    ],
)
def test_a_request_line_is_three_words(line, words):
    request = asked(line).request
    assert (request.method, request.target, request.version) == words
    assert request.start_line == line


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("HTTP/1.1 200 OK", ("HTTP/1.1", 200, "OK")),
        ("HTTP/1.0 404 Not Found", ("HTTP/1.0", 404, "Not Found")),
        ("HTTP/1.1 204", ("HTTP/1.1", 204, "")),
        ("HTTP/1.1 204 ", ("HTTP/1.1", 204, "")),
        ("ICY 200 OK", ("ICY", 200, "OK")),
        ("HTTP/1.1 2000 OK", ("HTTP/1.1", 0, "OK")),
        ("HTTP/1.1 20 OK", ("HTTP/1.1", 0, "OK")),
        ("HTTP/1.1 +20 OK", ("HTTP/1.1", 0, "OK")),
        ("HTTP/1.1 \xb2\xb2\xb2 OK", ("HTTP/1.1", 0, "OK")),
        ("", ("", 0, "")),
    ],
)
def test_a_status_line_is_three_words(line, words):
    response = HTTPResponse(line.encode("latin-1") + b"\r\nA: 1\r\n\r\n")
    assert (response.version, response.status, response.phrase) == words
    assert response.headers["a"] == "1"


def test_fields_are_those_behind_the_first_line():
    request = HTTPRequest(b"GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n\r\n")
    assert request.headers.block == b"A: 1\r\nB: 2\r\n"
    assert request.raw == b"GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n\r\n"


def test_a_line_ends_where_it_ends():
    """A bare LF ends a line for whoever reads on; it must not hide the host from us."""
    request = HTTPRequest(b"GET / HTTP/1.1\nHost: evil.example\r\n\r\n")
    assert (request.target, request.headers["host"]) == ("/", "evil.example")


def test_what_is_missing_is_empty():
    message = HTTPMessage(None, None)
    assert (message.request.method, message.request.raw, message.response.status) == ("", b"", 0)
    assert (message.url, message.host) == ("", "")
    assert dict(message.request.headers) == {}


@pytest.mark.parametrize(
    ("line", "host", "url"),
    [
        ("GET /a?b HTTP/1.1", "example.com", "http://example.com/a?b"),
        ("GET /a HTTP/1.1", "example.com:8080", "http://example.com:8080/a"),
        ("GET /a HTTP/1.1", None, "/a"),
        ("GET http://a/b HTTP/1.1", "example.com", "http://a/b"),
        ("GET HTTPS://a/b HTTP/1.1", None, "HTTPS://a/b"),
        ("CONNECT example.com:443 HTTP/1.1", "example.com", "example.com:443"),
        ("OPTIONS * HTTP/1.1", "example.com", "http://example.com"),
        ("OPTIONS * HTTP/1.1", None, "*"),
        ("GET //a/b HTTP/1.1", "example.com", "http://example.com//a/b"),
    ],
)
def test_the_url_is_what_was_asked_for(line, host, url):
    fields = [f"Host: {host}"] if host else []
    assert asked(line, *fields).url == url


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("http://example.com", "example.com"),
        ("http://Example.COM/", "example.com"),
        ("http://example.com:80/", "example.com"),
        ("http://example.com:/", "example.com"),
        ("http://example.com./", "example.com"),
        ("http://example.com.:80/", "example.com"),
        ("http://ann@example.com/", "example.com"),
        ("http://ann:secret@example.com:80/", "example.com"),
        ("http://good.example@evil.example/", "evil.example"),
        ("http://a@b@evil.example/", "evil.example"),
        ("http://good.example\\@evil.example/", "evil.example"),
        ("http://evil.example?@good.example/", "evil.example"),
        ("http://evil.example#@good.example/", "evil.example"),
        ("http://evil.example/@good.example/", "evil.example"),
        ("http://evil.example x.good.example/", "evil.example"),
        ("http://[::1]/", "::1"),
        ("http://[2001:DB8::1]:8080/", "2001:db8::1"),
        ("http://ann@[::1]:80/", "::1"),
        ("http://[::1", "::1"),
        ("http://192.0.2.1:3128/", "192.0.2.1"),
        ("http://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("http://caf\xc3\xa0.example/", "caf\xc3\xa0.example"),  # UTF-8, as it comes
        ("http://CAF\xc3\x89.example/", "caf\xc3\x89.example"),
        ("ftp://example.com/", "example.com"),
        ("ws+unix://example.com/", "example.com"),
        ("http:///a", ""),
        ("http://:80/", ""),
    ],
)
def test_the_host_of_an_absolute_target(target, host):
    assert asked(f"GET {target} HTTP/1.1", "Host: other.example").host == host


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("example.com:443", "example.com"),
        ("EXAMPLE.com.:443", "example.com"),
        ("[::1]:443", "::1"),
        ("example.com", "example.com"),
        ("good.example:1@evil.example:443", "evil.example"),
        ("http://example.com:443/", "example.com"),
    ],
)
def test_the_host_of_a_connect(target, host):
    assert asked(f"CONNECT {target} HTTP/1.1", "Host: other.example").host == host


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.com.:8080", "example.com"),
        ("[::1]:80", "::1"),
        ("good.example@evil.example", "evil.example"),
        ("evil.example/good.example", "evil.example"),
        ("evil.example#good.example", "evil.example"),
        ("", ""),
    ],
)
@pytest.mark.parametrize("target", ["/", "/http://a/", "*", "page"])
def test_the_host_of_a_relative_target_is_in_its_header(target, value, host):
    assert asked(f"GET {target} HTTP/1.1", f"Host: {value}").host == host


def test_a_relative_target_without_a_host_has_none():
    assert asked("GET / HTTP/1.1").host == ""


@given(st.text(st.characters(max_codepoint=255), max_size=60))
def test_no_message_raises(text):
    check_message(text.encode("latin-1"))
    check_message(f"GET http://{text}/ HTTP/1.1\r\nHost: {text}\r\n\r\n".encode("latin-1"))
    check_message(f"HTTP/1.1 {text} \r\n\r\n".encode("latin-1"))
