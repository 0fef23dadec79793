"""Words with wildcards, and media types."""

import time

import pytest

from zcadapt.conditions.words import Words, media_type, media_types


@pytest.mark.parametrize(
    ("pattern", "like", "unlike"),
    [
        ("ann", ["ann"], ["", "anna", "Ann", "hann"]),
        ("*", ["", "ann", "a\nb"], []),
        ("a*", ["a", "ann"], ["ba"]),
        ("*n", ["n", "ann"], ["na"]),
        ("a*b*c", ["abc", "axbxc", "abcabc"], ["acb", "ab", "abca"]),
        ("a*ab", ["aab", "axab"], ["ab"]),
        ("*aa*", ["aa", "xaax"], ["axa"]),
        ("a.c", ["a.c"], ["abc"]),
        ("[a]*", ["[a]x"], ["a"]),
        ("a?", ["a?"], ["ab"]),
    ],
)
def test_an_asterisk_stands_for_any_text_and_nothing_else_for_more_than_itself(
    pattern, like, unlike
):
    words = Words([pattern, "another"])
    assert [text for text in [*like, *unlike] if words.has(text)] == like


def test_no_words_have_nothing():
    assert not Words([]).has("")


def test_many_wildcards_in_a_long_text_take_no_time():
    words = Words(["*a*a*a*a*a*a*a*a*a*a*b"])
    begin = time.process_time()
    assert not words.has("a" * 60_000)
    assert time.process_time() - begin < 1  # with backtracking, years


def test_a_media_type_has_its_parameters_cut_off_and_one_sent_twice_is_two():
    assert media_types("Text/HTML ;charset=utf-8,image/png") == ["text/html", "image/png"]


@pytest.mark.parametrize(
    "text", ["", "html", "text/", "text/html; charset=x", "a/b/c", "text html"]
)
def test_what_is_no_media_type_is_refused(text):
    with pytest.raises(ValueError, match=r"^$"):
        media_type(text)


@pytest.mark.parametrize("text", ["text/*", "*/*", "application/*+json", "image/svg+xml"])
def test_a_media_type_may_have_wildcards(text):
    assert media_type(text.upper()) == text
