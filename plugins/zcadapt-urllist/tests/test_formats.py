"""Each format, and what is none of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zcadapt_urllist.canonical import shown
from zcadapt_urllist.formats import EXCEPTION, EXPRESSION, PARSERS, NotForUsError, guess


def entries(name, line):
    return [
        shown(key.removeprefix(EXCEPTION)) + ("" if key.endswith(b".") else " only")
        for key in PARSERS[name](line)
    ]


@pytest.mark.parametrize(
    ("name", "line", "found"),
    [
        ("domains", b"example.com", ["example.com"]),
        ("domains", b"EXAMPLE.com.", ["example.com"]),
        ("domains", b".example.com", ["example.com"]),
        ("domains", b"*.example.com", ["example.com"]),
        ("domains", b".xxx", ["xxx"]),
        ("domains", b"192.0.2.1", ["192.0.2.1"]),
        ("domains", b"2001:DB8::1", ["2001:db8::1"]),
        ("domains", b"example.com:8080", ["example.com"]),
        ("domains", "bücher.example".encode(), ["xn--bcher-kva.example"]),
        ("domains", b"https://example.com", ["example.com only", "www.example.com only"]),
        ("domains", b"example.com/a", ["example.com/a only", "www.example.com/a only"]),
        ("domains", b"", []),
        ("domains", b"# a comment", []),
        ("domains", b"example.com\t# why", ["example.com"]),
        ("dstdomain", b".example.com", ["example.com"]),
        ("dstdomain", b"example.com", ["example.com only"]),
        ("urls", b"example.com/a/", ["example.com/a/ only", "www.example.com/a/ only"]),
        ("urls", b"www.example.com", ["www.example.com only", "example.com only"]),
        ("urls", b"192.0.2.1/x", ["192.0.2.1/x only"]),
        ("hosts", b"127.0.0.1 localhost", []),
        ("hosts", b"::1 ip6-localhost ip6-loopback", []),
        ("hosts", b"0.0.0.0 0.0.0.0", []),
        ("hosts", b"0.0.0.0\ta.example  b.example", ["a.example only", "b.example only"]),
        ("hosts", b"fe80::1%lo0 a.example", ["a.example only"]),
        ("adblock", b"! a comment", []),
        ("adblock", b"[Adblock Plus 2.0]", []),
        ("adblock", b"||example.com^", ["example.com"]),
        ("adblock", b"||example.com^$all,important", ["example.com"]),
        ("adblock", b"||*.example.com^", ["example.com"]),
    ],
)
def test_a_line_is_read(name, line, found):
    assert entries(name, line) == found


@pytest.mark.parametrize(
    ("name", "line", "why"),
    [
        ("domains", b"com", "without a dot"),
        ("domains", b"not a host", "not a URL"),
        ("domains", b"-", "without a dot"),
        ("domains", b"a,b.example", "not a host"),
        ("domains", b"192.0.2.0/24", "a network"),
        ("domains", b"example.com##.ad", "not a URL"),
        ("domains", b"/path/only", "not a host"),
        ("domains", b"http://", "not a host"),
        ("domains", b"a" * 64 + b".example.com ", "not a host"),
        ("hosts", b"example.com", "an address"),
        ("hosts", b"0.0.0.0 a/b.example", "not a host"),
        ("expressions", b"(a", "missing"),
        ("expressions", b"(?=a)b", "not an expression"),
        ("expressions", b"a" * 5000, "4096 bytes"),
        ("expressions", b"((a{100}){100}){100}", "not an expression"),
    ],
)
def test_a_broken_line_is_told(name, line, why):
    with pytest.raises(ValueError, match=why):
        PARSERS[name](line)


@pytest.mark.parametrize(
    "line",
    [
        b"||example.com^$third-party",
        b"||example.com/ads^",
        b"||example.*^",
        b"/banner/",
        b"example.com##.ad",
        b"##.ad",
        b"@@||example.com^$script",
    ],
)
def test_what_only_a_browser_can_follow_is_left_to_it(line):
    with pytest.raises(NotForUsError):
        PARSERS["adblock"](line)


@given(st.sampled_from(sorted(PARSERS)), st.binary(max_size=200))
def test_any_line_is_read_or_refused(name, line):
    try:
        keys = PARSERS[name](line)
    except ValueError:
        return
    for key in keys:
        assert key.startswith(EXPRESSION) or b"." in key


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ([b"example.com"], "domains"),
        ([b"# hosts", b"", b"127.0.0.1 localhost"], "hosts"),
        ([b"! title", b"example.com"], "adblock"),
        ([b"[Adblock Plus 2.0]"], "adblock"),
        ([b"||example.com^"], "adblock"),
        ([], "domains"),
    ],
)
def test_the_format_is_found_out(lines, name):
    assert guess(lines) == name
