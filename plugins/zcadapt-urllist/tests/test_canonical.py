"""One form, whatever comes in."""

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from zcadapt_urllist.canonical import (
    END,
    LONGEST_HOST,
    host_bytes,
    host_of,
    key_of,
    keys_of_authority,
    path_of,
    read_url,
    shown,
    split_url,
    strict_path_of,
)

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
    for each in keys_of_authority(authority):
        assert each.endswith(b"." + END)
        assert each.count(END) == 1
        assert host_bytes(each).decode("utf-8", "replace") == shown(each)


@given(st.from_regex(r"([a-z0-9]{1,3}\.){0,3}[a-z][a-z0-9]{0,3}(:[0-9]{0,3})?", fullmatch=True))
def test_a_usual_authority_is_read_in_one_way(authority):
    keys = (key_of(authority),)
    assert keys_of_authority(authority) == keys
    assert read_url(f"http://{authority}/x") == ("http", keys, ("/x",))


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
def test_a_path_that_is_usual_is_read_as_all_others_are(rest):
    path = "/" + rest.replace("?", "").replace("#", "")
    assert path_of(path) == path_of("/." + path)


@given(WIRE)
def test_a_strict_path_is_in_its_one_form_and_climbs_nowhere(rest):
    path = strict_path_of(rest)
    if path:
        assert path.startswith(b"/")
        assert strict_path_of(path.decode()) == path
        assert path_of(path.decode()) == path_of(rest if rest.startswith("/") else "/" + rest)
        assert b"/.." not in path.partition(b"?")[0]


@given(WIRE)
def test_a_url_falls_into_parts_that_make_it_up(url):
    scheme, authority, rest = split_url(url)
    assert url.lower().endswith((authority + rest).lower())
    assert url.lower().startswith(scheme)


@pytest.mark.parametrize(
    "text",
    [
        "%25" * 20_000,
        "a." * 30_000,
        "\xc3\xbc" * 30_000,
        "1." * 30_000,
        "%C3%BC." * 10_000,
        "\\a" * 30_000,
        "u" + "\xcc\x88" * 15_000,
        "\xef\xbd\x82" * 20_000,
    ],
)
def test_no_host_takes_long(text):
    before = time.process_time()
    host_of(text)
    read_url(f"http://{text}/")
    assert time.process_time() - before < 1


def test_a_label_that_is_too_long_is_not_encoded():
    """To encode it would take the square of its length."""
    label = "".join(chr(0x4E00 + number) for number in range(64))
    assert host_of(label[1:].encode().decode("latin-1")).startswith("xn--")
    assert host_of(label.encode().decode("latin-1")) == label


@pytest.mark.parametrize("dots", [1, LONGEST_HOST, 10 * LONGEST_HOST])
def test_of_a_long_host_the_end_is_looked_up(dots):
    assert key_of("." * dots + "a.example") == b"example.a." + END
    assert len(key_of("X." * 1000 + "a.example")) == len("x." * 1000 + "a.example") + 2
    name = "X." * dots + "a.example"
    assert key_of(name).startswith(b"example.a.x.")
    assert len(key_of(name)) <= LONGEST_HOST + 2


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
