"""What two URLs have in common that belong to the same server."""

from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zcadapt_partition.keys import Key, KeySettings

from zcadapt import SettingsError


@pytest.mark.parametrize(
    ("options", "url", "key"),
    [
        ({}, "http://example.com/a/b/c", b"example.com\0a\0b"),
        ({}, "http://example.com", b"example.com"),
        ({"depth": 0}, "http://example.com/a/b", b"example.com"),
        ({"depth": 64}, "http://example.com/a/b/c/d?e", b"example.com\0a\0b\0c\0d"),
        ({"host": False}, "http://example.com/a/b/c", b"a\0b"),
        ({"pattern": r"[?&]id=(\d+)"}, "http://example.com/a?x=y&id=17", b"\x0117"),
        ({"pattern": r"[?&]id=(\d+)"}, "http://example.com/a?x=y", b"example.com\0a"),
        ({"pattern": r"^(\w+)\..*/(\w+)$"}, "http://shop.example.com/a/b", b"\x01shop\0b"),
        ({"pattern": r"^example\.com/(a)|(b)"}, "http://example.com/a", b"\x01a\0"),
        ({"pattern": "/(caf\xe9)/"}, "http://example.com/caf%C3%A9/17", "\x01caf\xe9".encode()),
    ],
)
def test_which_part_of_the_url_is_the_key_is_a_setting(options, url, key):
    assert Key(KeySettings(**options)).of_url(url) == key


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a/b",
        "http://EXAMPLE.com:8080/a/b",
        "http://example.com./a/b",
        "http://user:word@example.com/a/b",
        "http://example.com/a/b/",
        "http://example.com//a//b?c=d#e",
        "http://example.com/%61/b/c/../d",
    ],
)
def test_spellings_of_a_url_have_one_key(url):
    assert Key().of_url(url) == b"example.com\0a\0b"


def test_an_address_in_brackets_is_a_host():
    assert Key().of_url("http://[2001:DB8::1]:80/a") == b"[2001:db8::1\0a"


@settings(deadline=None)
@given(
    path=st.lists(st.binary(max_size=5)).map(lambda steps: b"/" + b"/".join(steps)),
    query=st.text("ab=&/?%", max_size=9),
    options=st.sampled_from([{}, {"depth": 5}, {"pattern": "a(.*)"}, {"pattern": r"\?(.+)"}]),
)
def test_the_proxy_and_the_application_come_to_the_same_key(path, query, options):
    key = Key(KeySettings(**options))
    written = f"{quote_from_bytes(path)}{'?' if query else ''}{query}"
    whole = f"http://example.com{written}"
    assert key.of_url(whole) == key.of("EXAMPLE.com:8080", path, query)


@settings(deadline=None)
@given(st.binary(max_size=9).filter(lambda step: b"/" not in step))
def test_a_whole_url_in_the_place_of_the_path_is_understood(step):
    key = Key(KeySettings(depth=64))
    path = b"/a/" + step
    assert key.of("other.test", b"http://example.com:80" + path) == key.of("example.com", path)


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=255)))
def test_whatever_comes_has_a_key(text):
    for options in {}, {"pattern": "(a)", "depth": 64}:
        key = Key(KeySettings(**options))
        assert isinstance(key.of_url(text), bytes)
        assert isinstance(key.of(text, text.encode("latin-1"), text), bytes)


def test_an_expression_takes_no_time_that_grows_faster_than_the_url():
    key = Key(KeySettings(pattern="(a+)+$"))  # Python's own would never end
    assert key.of_url("http://x/" + "a" * 16_000 + "!").startswith(b"x\0aaa")


def test_a_key_of_nothing_is_refused():
    with pytest.raises(SettingsError, match="all URLs would have the same key"):
        Key(KeySettings(host=False, depth=0))
