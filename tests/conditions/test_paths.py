"""Paths, and what is a path at all."""

import time

import pytest

from zcadapt.conditions.paths import Paths, path, path_of
from zcadapt.icap.http import HTTPMessage


@pytest.mark.parametrize(
    ("listed", "like", "unlike"),
    [
        ("/admin", ["/admin", "/admin/", "/admin/a/b"], ["/administrator", "/", "/x/admin", ""]),
        ("/admin/", ["/admin/", "/admin/x"], ["/admin", "/administrator/"]),
        ("/", ["/", "/anything", "/a/b"], [""]),
        ("/a/b", ["/a/b", "/a/b/c/d"], ["/a", "/a/c", "/a/bc"]),
        ("*.exe", ["/x.exe", "/a/b.exe"], ["/x.exe/a", "/exe"]),
        ("/~*/private/*", ["/~ann/private/x"], ["/~ann/public/x", "/~ann/private"]),
        ("/a b", ["/a b"], []),
    ],
)
def test_a_path_has_all_below_it_and_a_wildcard_is_like_the_whole(listed, like, unlike):
    paths = Paths([path(listed), path("/other/far/below/that")])
    assert [each for each in [*like, *unlike] if paths.has(each)] == like


@pytest.mark.parametrize(
    ("text", "why"),
    [("", "^$"), ("admin", "^$"), ("http://x/", "^$"), ("/a?b=c", "query"), ("/a#b", "query")],
)
def test_what_is_no_path_is_refused(text, why):
    with pytest.raises(ValueError, match=why):
        path(text)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/a/b?c=/d", "/a/b"),
        ("http://example.com/a/b?c#d", "/a/b"),
        ("http://example.com", "/"),
        ("http://example.com?a=b", "/"),
        ("/", "/"),
        ("example.com:443", ""),
        ("*", ""),
        ("/%61dmin", "/admin"),
        ("//admin//x", "/admin/x"),
        ("/./admin/./x", "/admin/x"),
        ("/x/../admin", "/admin"),
        ("/x/%2e%2E/admin", "/admin"),
        ("/../../admin", "/admin"),
        ("/admin/x/..", "/admin/"),
        ("/admin/.", "/admin/"),
        ("/.hidden", "/.hidden"),
        ("/caf%C3%A9", "/café"),
        ("/caf\xc3\xa9", "/café"),
        ("/caf%E9", "/caf\udce9"),
        ("/100%", "/100%"),
    ],
)
def test_the_path_is_told_as_the_origin_reads_it(target, expected):
    method = "CONNECT" if target == "example.com:443" else "GET"
    head = f"{method} {target} HTTP/1.1\r\nHost: example.com\r\n\r\n".encode("latin-1")
    assert path_of(HTTPMessage(head, None)) == expected


def test_without_a_request_there_is_no_path():
    assert path_of(HTTPMessage(None, b"HTTP/1.1 200 OK\r\n\r\n")) == ""


def test_a_setting_may_be_percent_encoded_too():
    assert path("/caf%C3%A9") == "/café"


def test_a_path_of_very_many_steps_takes_no_time():
    paths = Paths(["/a/b"])
    begin = time.process_time()
    assert not paths.has("/a" * 30_000)
    assert time.process_time() - begin < 0.1
