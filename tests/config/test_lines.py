"""Tables and keys of a TOML file are found in their lines."""

import pytest

from zcadapt.config.lines import line_numbers


def test_lines_are_those_of_tables_and_keys():
    text = """
[a]
one = 1
"two = 2" = 2

  [ b . "c.d" ]  # said
three = [
  4,
]
x.y = 5
[[e]]
"""
    assert line_numbers(text) == {
        ("a",): 2,
        ("a", "one"): 3,
        ("a", "two = 2"): 4,
        ("b",): 6,
        ("b", "c.d"): 6,
        ("b", "c.d", "three"): 7,
        ("b", "c.d", "x", "y"): 10,
        ("e",): 11,
        ("e", 0): 11,
    }


def test_what_is_written_twice_stands_where_it_begins():
    assert line_numbers("[a.b]\n[a]") == {("a",): 1, ("a", "b"): 1}


def test_each_table_of_a_list_has_its_number():
    text = "[[a.b]]\nx = 1\n[[a.b]]\nx = 2\n[a.b.c]\ny = 3\n[[a.b.d]]\n[[a.b.d]]\nz = 4"
    found = line_numbers(text)
    assert [path for path in found if "x" in path] == [("a", "b", 0, "x"), ("a", "b", 1, "x")]
    assert found["a", "b"] == 1
    assert found["a", "b", 1] == 3
    assert found["a", "b", 1, "c", "y"] == 6
    assert found["a", "b", 1, "d", 1, "z"] == 9


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_only_what_ends_a_line_in_toml_does(end):
    assert line_numbers(f"# \u2028 \x85{end}[a]{end}b = 1") == {("a",): 2, ("a", "b"): 3}


def test_what_is_no_toml_has_no_lines():
    assert line_numbers("[\n=\n'''\n] = 3\n[a") == {}
