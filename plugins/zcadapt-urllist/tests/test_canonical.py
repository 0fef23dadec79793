"""One form, whatever comes in."""

import re
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from zcadapt_urllist.canonical import (
    END,
    LONGEST_AUTHORITY,
    LONGEST_HOST,
    LONGEST_SPELLING,
    MOST_HOSTS,
    host_bytes,
    host_of,
    key_of,
    keys_of_authority,
    read_url,
    shown,
    split_url,
)
from zcadapt_urllist.paths import path_of

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


@pytest.mark.parametrize(
    "text",
    [
        "u" + "\xcc\x81\xcc\xa3" * 15_000,
        "\xef\xb7\xba" * 20_000,
        "\xef\xb7\xba." * 15_000,
        "%CC%81%CC%A3" * 5000,
        "\\".join(["u" + "\xcc\x81\xcc\xa3" * 1900] * 8),
    ],
)
def test_no_more_than_a_host_is_brought_into_unicodes_one_form(monkeypatch, text):
    """That takes the square of a run of marks, and makes 18 characters of U+FDFA."""
    lengths, real = [], unicodedata.normalize
    monkeypatch.setattr(
        unicodedata,
        "normalize",
        lambda form, each: (lengths.append(len(each)), real(form, each))[1],
    )
    assert len(keys_of_authority(text[:LONGEST_AUTHORITY])) <= MOST_HOSTS + 2
    host_of(text)
    most = 18 * LONGEST_HOST if "\xef\xb7\xba" in text else 2 * LONGEST_SPELLING + 1
    assert 0 < max(lengths) <= most


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("bad.example\xef\xbc\x8f{}", True),
        ("{}\xef\xbc\x8fbad.example", True),
        ("{}\xef\xbc\x8fbad.example\xef\xbc\x8f{}", False),
    ],
)
def test_of_a_long_authority_both_ends_are(text, is_found):
    found = keys_of_authority(text.replace("{}", "x" * 3 * LONGEST_SPELLING))
    assert (key_of("bad.example") in found) is is_found


def test_an_authority_longer_than_any_is_not_looked_at():
    url = f"http://{'X' * LONGEST_AUTHORITY}"
    assert b"" not in read_url(url)[1]
    odd = url.replace("//", "/") + "%2f"  # to be read in several ways
    assert read_url(odd + "/y") == ("http", (b"",), ("/y",))
    assert keys_of_authority("%25" * LONGEST_AUTHORITY) == (b"",)


def test_of_many_hosts_no_more_are_looked_for_than_it_takes_to_know():
    ends = "\\".join(f"{number}.example%EF%BC%8F{number}.test" for number in range(4))
    keys = keys_of_authority(f"[2002:c000:207::1]\\{ends}\\{ends.upper()}")
    assert MOST_HOSTS < len(keys) <= MOST_HOSTS + 2


def test_a_label_that_is_too_long_is_not_encoded():
    """To encode it would take the square of its length."""
    label = "".join(chr(0x4E00 + number) for number in range(64))
    assert host_of(label[1:].encode().decode("latin-1")).startswith("xn--")
    assert host_of(label.encode().decode("latin-1")) == label


@pytest.mark.parametrize("dots", [1, LONGEST_HOST, 10 * LONGEST_HOST])
def test_of_a_long_host_the_end_is_looked_up(dots):
    assert key_of("." * dots + "a.example") == b"example.a." + END
    assert len(key_of("X." * 100 + "a.example")) == len("x." * 100 + "a.example") + 2
    assert len(host_of("\xe3\x8c\x80" * 250)) == LONGEST_HOST  # each is four in the one form
    name = "X." * dots + "a.example"
    assert key_of(name).startswith(b"example.a.x.")
    assert len(key_of(name)) <= LONGEST_HOST + 2


@pytest.mark.parametrize(
    "text", ["example.com", "www.example.com/a/b?c", "192.0.2.1/x", "2001:db8::1"]
)
def test_a_key_can_be_shown_as_it_was(text):
    _, authority, rest = split_url(text)
    key = key_of(f"[{authority}]" if authority.count(":") > 1 else authority)
    assert shown(key + (path_of(rest) if rest else b"")) == text
