"""One form, whatever comes in."""

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from zcadapt_urllist.canonical import END, host_of, key_of, path_of, shown, split_url

WIRE = st.text(st.characters(max_codepoint=255), max_size=300)
HOSTISH = st.text("aB.-_%25:@[]x0179\xc3\xbc/", max_size=40)


@given(st.one_of(WIRE, HOSTISH))
@example("%" * 2000)
@example("[")
@example("xn--\xc3\xbc")
@example("\xc2\xa8")
@example("0" * 300 + "1")
def test_any_authority_gives_a_host_and_a_host_gives_itself(authority):
    host = host_of(authority)
    assert host == host.lower()
    if re.fullmatch(r"[a-z0-9_.-]*", host):
        assert host_of(host) == host


@given(st.one_of(WIRE, HOSTISH))
def test_any_authority_gives_a_key_with_one_end_or_none(authority):
    key = key_of(authority)
    assert key == b"" or (key.endswith(b"." + END) and key.count(END) == 1)


@given(WIRE)
@example("/%25%32%35%32%35")
@example("/../..")
@example("/a/..")
@example("?")
def test_any_path_begins_with_a_slash_and_has_no_steps_in_it(rest):
    path = path_of(rest.replace("?", ""))
    assert path.startswith(b"/")
    assert not {b"..", b"."} & set(path.split(b"/"))
    assert b"//" not in path


@given(WIRE)
def test_a_url_falls_into_parts_that_make_it_up(url):
    scheme, authority, rest = split_url(url)
    assert url.lower().endswith((authority + rest).lower())
    assert url.lower().startswith(scheme)


@pytest.mark.parametrize(
    "text",
    ["%25" * 20_000, "a." * 30_000, "\xc3\xbc" * 30_000, "1." * 30_000, "%C3%BC." * 10_000],
)
def test_no_host_takes_long(text):
    before = time.process_time()
    host_of(text)
    assert time.process_time() - before < 1


@pytest.mark.parametrize("text", ["/%25" * 20_000, "/.." * 20_000, "/" * 60_000, "%2f.." * 10_000])
def test_no_path_takes_long(text):
    before = time.process_time()
    path_of(text)
    assert time.process_time() - before < 1


@pytest.mark.parametrize(
    "text", ["example.com", "www.example.com/a/b?c", "192.0.2.1/x", "2001:db8::1"]
)
def test_a_key_can_be_shown_as_it_was(text):
    _, authority, rest = split_url(text)
    key = key_of(f"[{authority}]" if authority.count(":") > 1 else authority)
    assert shown(key + (path_of(rest) if rest else b"")) == text
