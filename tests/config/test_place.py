"""A place reads as it stands in the file, and a path in one text as it was told."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcadapt.config import Place
from zcadapt.config.place import dotted, steps

TEXTS = st.text(max_size=8, alphabet=st.characters(exclude_categories=["C"], codec="utf-8"))


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place(), ""),
        (Place(key="top"), "top"),
        (Place(("icap",)), "[icap]"),
        (Place(("icap",), "listen"), "[icap] listen"),
        (Place(("icap", "listen"), 1), "[icap] listen[1]"),
        (Place(("services", "10-x"), "use"), "[services.10-x] use"),
        (Place(("services", "a.b"), "use"), '[services."a.b"] use'),
        (Place(("services", "x", "deep"), "down"), "[services.x.deep] down"),
        (Place(("services", "x", "lists", 2), "path"), "[services.x] lists[2].path"),
        (Place(("services", "x", "lists", 2)), "[services.x] lists[2]"),
        (Place(("policies", "")), '[policies.""]'),
        (Place(("endpoints",), "/av scan"), '[endpoints] "/av scan"'),
    ],
)
def test_a_place_reads_as_in_the_file(place, text):
    assert str(place) == text


@given(name=TEXTS)
def test_the_table_of_a_place_is_toml(name):
    assert tomllib.loads(str(Place(("services", name)))) == {"services": {name: {}}}


@given(path=st.lists(TEXTS | st.integers(0, 10**6)))
def test_a_path_can_be_told_in_one_text(path):
    assert steps(dotted(tuple(path))) == tuple(path)


@pytest.mark.parametrize(
    "text", ["a b", "lists[x]", "lists[-1]", "a..b", "a.", '"a', '"\\x"', "[icap] listen", "é"]
)
def test_a_text_that_is_no_path_is_a_key_itself(text):
    assert steps(text) == (text,)


def test_no_text_is_the_whole():
    assert steps("") == ()
