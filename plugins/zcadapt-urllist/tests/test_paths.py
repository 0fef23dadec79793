"""A path is one path, however it is written."""

import time
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from zcadapt_urllist.paths import ROUNDS, decoded, path_of, strict_path_of

WIRE = st.text(st.characters(max_codepoint=255), max_size=300)
USUAL = st.text("aZ0/.%2?&;=~-_+", max_size=30)


@given(st.one_of(WIRE, USUAL))
@example("/%25%32%35%32%35")
@example("/../..")
@example("/a/..")
@example("?")
def test_any_path_begins_with_a_slash_and_has_no_steps_in_it(rest):
    path = path_of(rest.replace("?", ""))
    assert path.startswith(b"/")
    assert not {b"..", b"."} & set(path.split(b"/"))
    assert b"//" not in path


@given(st.one_of(WIRE, USUAL))
def test_a_path_that_is_usual_is_read_as_all_others_are(rest):
    path = "/" + rest.replace("?", "").replace("#", "")
    assert path_of(path) == path_of("/." + path)


@given(st.one_of(WIRE, USUAL))
def test_a_strict_path_is_in_its_one_form_and_climbs_nowhere(rest):
    path = strict_path_of(rest)
    if path:
        assert path.startswith(b"/")
        assert strict_path_of(path.decode()) == path
        assert path_of(path.decode()) == path_of(rest if rest.startswith("/") else "/" + rest)
        assert b"/.." not in path.partition(b"?")[0]


@given(st.one_of(WIRE, st.text("%2541aZ", max_size=40)))
def test_percent_signs_are_undone_as_often_as_they_were_put_on(text):
    raw = text.encode("latin-1")
    for _ in range(ROUNDS):
        raw = unquote_to_bytes(raw)
    assert decoded(text) == raw


@pytest.mark.parametrize(
    ("rest", "path"),
    [
        ("", b"/"),
        ("/A/b?C", b"/A/b?C"),
        ("?x=/..", b"/?x=/.."),
        ("/%41%2f%e4", b"/A%2F%E4"),
        ("/\xe4\x22<", b"/%E4%22%3C"),
        ("/%zz%", b"/%zz%"),
        ("/a/../b", b""),
        ("/..a", b""),
        ("/a#b", b""),
        ("/a b", b""),
        ("/a\\b", b""),
    ],
)
def test_what_is_allowed_has_one_form(rest, path):
    assert strict_path_of(rest) == path


@pytest.mark.parametrize("text", ["/%25" * 20_000, "/.." * 20_000, "/" * 60_000, "%2f.." * 10_000])
def test_no_path_takes_long(text):
    before = time.process_time()
    path_of(text)
    assert time.process_time() - before < 1
