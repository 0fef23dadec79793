"""A value fits its setting, or the message says what was expected."""

from dataclasses import dataclass, fields
from typing import get_type_hints

import pytest

from zcadapt.address import ADDRESS, NETWORK
from zcadapt.config.shape import shape_of, shown
from zcadapt.fields import setting


def test_a_long_value_is_shown_short(problems):
    (problem,) = problems(f'[log]\nlevel = "{"x" * 1000}"')
    assert problem.endswith("…")
    assert len(problem) < 200


@dataclass
class Kinds:
    """One setting of each kind."""

    flag: bool = setting(default=False, text="A flag.")
    number: int = setting(1, "A number.", least=1, most=9)
    low: int = setting(1, "A number.", most=9)
    high: float = setting(1.0, "A number.", least=0.5)
    free: float = setting(1.0, "A number.")
    word: str = setting("a", "A word.", choices=("a", "b"))
    maybe: str | None = setting(None, "Perhaps a word.")
    words: tuple[str, ...] = setting((), "Words.")
    where: str = setting("", "An address.", format=ADDRESS)
    allow: tuple[str, ...] = setting((), "Networks.", format=NETWORK)
    plain: str = ""


SHAPES = {each.name: shape_of(each, get_type_hints(Kinds)[each.name]) for each in fields(Kinds)}


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("flag", True, True),
        ("number", 1, 1),
        ("number", 9, 9),
        ("low", -5, -5),
        ("high", 1, 1.0),
        ("word", "b", "b"),
        ("maybe", "", ""),
        ("words", "x", "x"),
        ("where", "[::1]:0", "[::1]:0"),
        ("allow", "10.0.0.0/8", "10.0.0.0/8"),
        ("plain", "x", "x"),
    ],
)
def test_what_fits_is_kept(name, value, kept):
    found = SHAPES[name].fit(value)
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("flag", 1),
        ("flag", "true"),
        ("number", 0),
        ("number", 10),
        ("number", 2.0),
        ("number", True),
        ("number", "2"),
        ("high", 0.4),
        ("high", float("nan")),
        ("free", float("inf")),
        ("word", "c"),
        ("word", ["a"]),
        ("maybe", 3),
        ("words", 1),
        ("words", {}),
        ("where", "here"),
        ("where", 3),
        ("allow", "10.0.0.1/8"),
        ("plain", 3),
    ],
)
def test_what_does_not_fit_is_refused_with_what_was_expected(name, value):
    with pytest.raises(ValueError, match="must be ") as caught:
        SHAPES[name].fit(value)
    assert SHAPES[name].one in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("where", "h:65536", 'must be HOST:PORT, not "h:65536": the highest port is 65535'),
        ("allow", "here", 'must be an address or a network, not "here"'),
    ],
)
def test_a_format_may_say_why(name, value, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        SHAPES[name].fit(value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("flag", "true or false"),
        ("number", "a whole number from 1 to 9"),
        ("low", "a whole number of at most 9"),
        ("high", "a number of at least 0.5"),
        ("free", "a number"),
        ("word", 'one of "a", "b"'),
        ("maybe", "a string"),
        ("words", "a list, each a string"),
        ("where", "HOST:PORT"),
        ("allow", "a list, each an address or a network"),
    ],
)
def test_a_setting_says_what_it_takes(name, expected):
    assert SHAPES[name].expected == expected


@pytest.mark.parametrize(
    ("value", "text"), [("a", '"a"'), (["é"], '["é"]'), (True, "true"), ({"a": 1}, '{"a": 1}')]
)
def test_a_value_is_shown_much_as_in_the_file(value, text):
    assert shown(value) == text
