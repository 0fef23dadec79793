"""Each format, and what is none of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zcadapt_urllist.canonical import shown
from zcadapt_urllist.formats import (
    EXCEPTION,
    EXPRESSION,
    EXPRESSION_MEMORY,
    LARGEST_PROGRAM,
    PARSERS,
    STRICT,
    NotForUsError,
    PartError,
    expression_options,
    guess,
    size_of,
)


def entries(name, line):
    return [
        shown(key.removeprefix(EXCEPTION)) + ("" if key.endswith(b".") else " only")
        for key in PARSERS[name](line)
        if not key.startswith(STRICT)
    ]


@pytest.mark.parametrize(
    ("name", "line", "found"),
    [
        ("domains", b"example.com", ["example.com"]),
        ("domains", b"EXAMPLE.com.", ["example.com"]),
        ("domains", b".example.com", ["example.com"]),
        ("domains", b"*.example.com", ["example.com"]),
        ("domains", b".xxx", ["xxx"]),
        ("domains", b"*.xxx.", ["xxx"]),
        ("domains", b"*.*.example.com", ["example.com"]),
        ("domains", b"192.0.2.1", ["192.0.2.1"]),
        ("domains", b"2001:DB8::1", ["2001:db8::1"]),
        ("domains", b"192.0.2.1.:80", ["192.0.2.1"]),
        ("domains", b"[2001:db8::1]:80", ["2001:db8::1"]),
        ("domains", b"::ffff:192.0.2.1", ["192.0.2.1"]),
        ("domains", b"example.com:8080", ["example.com"]),
        ("domains", "bücher.example".encode(), ["xn--bcher-kva.example"]),
        ("domains", b"https://example.com", ["example.com only", "www.example.com only"]),
        ("domains", b"example.com/a", ["example.com/a only", "www.example.com/a only"]),
        ("domains", b"", []),
        ("domains", b"# a comment", []),
        ("domains", b"example.com\t# why", ["example.com"]),
        ("dstdomain", b".example.com", ["example.com"]),
        ("dstdomain", b"example.com", ["example.com only"]),
        ("dstdomain", b"-n.example.com", ["-n.example.com only"]),
        ("urls", b"example.com/a/", ["example.com/a/ only", "www.example.com/a/ only"]),
        ("urls", b"www.example.com", ["www.example.com only", "example.com only"]),
        ("urls", b"192.0.2.1/x", ["192.0.2.1/x only"]),
        ("urls", b"http://192.0.2.1/24", ["192.0.2.1/24 only"]),
        ("urls", b"192.0.2.1/404", ["192.0.2.1/404 only"]),
        ("urls", b"a.example/24", ["a.example/24 only", "www.a.example/24 only"]),
        ("urls", b"http://me@a.example/", ["a.example only", "www.a.example only"]),
        ("urls", b"mywww.a.example/x", ["mywww.a.example/x only", "www.mywww.a.example/x only"]),
        ("urls", b"a.www/x", ["a.www/x only", "www.a.www/x only"]),
        ("urls", b"www/x", ["www/x only", "www.www/x only"]),
        ("urls", b"http://me:pw@a.example:80/x", ["a.example/x only", "www.a.example/x only"]),
        ("hosts", b"127.0.0.1 localhost", []),
        ("hosts", b"::1 ip6-localhost ip6-loopback", []),
        ("hosts", b"0.0.0.0 0.0.0.0", []),
        ("hosts", b"0.0.0.0\ta.example  b.example", ["a.example only", "b.example only"]),
        ("hosts", b"fe80::1%lo0 a.example", ["a.example only"]),
        ("hosts", b"127.0.0.1 localhost.localdomain a.example", ["a.example only"]),
        ("hosts", b"0.0.0.0 a.example#the first", ["a.example only"]),
        ("hosts", b"#0.0.0.0 a.example", []),
        ("adblock", b"! a comment", []),
        ("adblock", b"[Adblock Plus 2.0]", []),
        ("adblock", b"||example.com^", ["example.com"]),
        ("adblock", b"||example.com^$all,important", ["example.com"]),
        ("adblock", b"||*.example.com^", ["example.com"]),
        ("adblock", b"||.example.com^", ["example.com"]),
        ("adblock", b"Example.com", ["example.com"]),
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
        ("domains", b"com.", "without a dot"),
        ("domains", b"com:80", "without a dot"),
        ("domains", b"*.*.com", "without a dot"),
        ("domains", b"..com", "without a dot"),
        ("adblock", b"||com.^", "without a dot"),
        ("adblock", b"||.com^", "without a dot"),
        ("adblock", b"||*..com^", "without a dot"),
        ("domains", b"joe@a.example", "a user"),
        ("domains", b"mailto:joe@a.example", "a user"),
        ("domains", b"joe@a.example/x", "a user"),
        ("dstdomain", b"joe@a.example", "a user"),
        ("urls", b"joe@a.example/", "a user"),
        ("adblock", b"||joe@a.example^", "a user"),
        ("hosts", b"0.0.0.0 joe@a.example", "not a host"),
        ("domains", b"joe%40a.example", "not a host"),
        ("domains", b"a.example/..", "the whole host"),
        ("domains", b"a.example/%2e%2e/", "the whole host"),
        ("urls", b"http://a.example/x/../", "the whole host"),
        ("urls", b"a.example//", "the whole host"),
        ("domains", b"1.1", "four parts"),
        ("domains", b"10.", "four parts"),
        ("domains", b"3221225991", "four parts"),
        ("urls", b"1.1/x", "four parts"),
        ("domains", b"a.example:b", "not a host"),
        ("domains", b"a.\x00example", "not a host"),
        ("dstdomain", b"a.example b.example", "not a host"),
        ("dstdomain", b"http://a.example/x", "a URL"),
        ("dstdomain", b"a.example/x", "a URL"),
        ("hosts", b"0.0.0.0 http://a.example/x", "not a host"),
        ("urls", b"a.example/x%0d%0ay", "control characters"),
        ("urls", b"a.example/x?%00", "control characters"),
        ("domains", b"a,b.example", "not a host"),
        ("domains", b"192.0.2.0/24", "a network"),
        ("domains", b"192.0.2.0/255.255.255.0", "a network"),
        ("urls", b"2001:db8::/32", "a network"),
        ("domains", b"2001:db8::/128", "a network"),
        ("domains", b"[2001:db8::]/ffff:ffff::", "a network"),
        ("dstdomain", b"-n", "an option"),
        ("dstdomain", b"-n .a.example", "an option"),
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
        ("expressions", b".{900}" * 3, f"{LARGEST_PROGRAM} instructions"),
        ("expressions", b"foo|", "every URL"),
        ("expressions", rb"\Qfoo", "not an expression"),
        ("expressions", b".*", "every URL"),
    ],
)
def test_a_broken_line_is_told(name, line, why):
    with pytest.raises(ValueError, match=why):
        PARSERS[name](line)


def test_of_a_hosts_line_what_can_be_read_is_and_the_rest_is_told():
    with pytest.raises(PartError, match=r"not a host: 'b!x\.example c!\.example'") as caught:
        PARSERS["hosts"](b"0.0.0.0 a.example b!x.example c!.example d.example")
    assert [shown(key) for key in caught.value.keys] == ["a.example", "d.example"]


@pytest.mark.parametrize(
    ("line", "strict"),
    [
        (b"a.example/B%7e%2f", b"/B~%2F"),
        (b"a.example/\xc3\xbc", b"/%C3%BC"),
        (b"a.example?X", b"/?X"),
        (b"a.example/x/../y", None),
        (b"a.example/", None),
    ],
)
def test_of_a_url_the_strict_form_is_kept_too(line, strict):
    hosts = [b"example.a.\0", b"example.a.www.\0"]
    keys = [key for key in PARSERS["urls"](line) if key.startswith(STRICT)]
    assert keys == [STRICT + host + strict for host in hosts if strict]


def test_what_an_expression_costs_is_known():
    assert size_of(b"abcdefgh") < 20
    assert size_of(b"x.{900}y") > 1800
    assert size_of(b"((a)(b))") == size_of(b"ab")
    assert expression_options().max_mem == EXPRESSION_MEMORY


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
