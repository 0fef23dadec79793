"""Tables and keys of a TOML file are found in their lines."""

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
    }


def test_what_is_written_twice_stands_where_it_begins():
    assert line_numbers("[a.b]\n[a]\n[[c]]\n[[c]]") == {("a",): 1, ("a", "b"): 1, ("c",): 3}


def test_what_is_no_toml_has_no_lines():
    assert line_numbers("[\n=\n'''\n] = 3\n[a") == {}
