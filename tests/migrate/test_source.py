"""Places in code are places in the text."""

import ast

import pytest

from zcadapt.migrate.source import Edit, Source, applied, lines_of


def test_lines_are_those_of_python():
    assert lines_of("a\x0cb\u2028c\r\nd\re\n") == ["a\x0cb\u2028c\r\n", "d\r", "e\n"]


def test_edits_are_made_wherever_others_are():
    assert applied("abcdef", [Edit(0, 1, "xyz"), Edit(3, 5, ""), Edit(6, 6, "!")]) == "xyzbcf!"


def text_of(source, node):
    start, end = source.span(node)
    return source.text[start:end]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_statement_is_found_behind_characters_of_several_bytes(newline):
    source = Source.of(f"a = 1{newline}'é\U0001f600'; import b{newline}")
    node = ast.parse("".join(source.code)).body[2]
    assert text_of(source, node) == "import b"
    assert source.before(source.span(node)[0], 2) == "'é\U0001f600'; "


EXAMPLES = """\
Text >>> is not code.

    >>> import a
    >>> if 1:
    ...     import b
    ... else: pass
    output
    ... no more

>>>
>>> import c"""


def test_examples_are_code():
    source = Source.examples(EXAMPLES)
    tree = ast.parse("".join(source.code))
    first, second, third = tree.body
    assert [text_of(source, node) for node in (first, second.body[0], third)] == [
        "import a",
        "import b",
        "import c",
    ]


def test_examples_may_be_looked_for_in_some_lines():
    code = Source.examples(EXAMPLES, {11: None}).code
    assert [line for line in code if line.strip()] == ["import c"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('>>> a"""', "a"),
        (">>> 'a'\"\"\" + 'b'", "'a'"),
        ('>>> \'\u00e9\'"""', "'\u00e9'"),
        (">>> a" + "'" * 3, "a"),
        (">>> a'", "a"),
    ],
)
def test_an_example_ends_where_its_string_does(line, code):
    end = len(line.removesuffix(" + 'b'").encode())
    assert Source.examples(line, {1: end}).code == [code]


@pytest.mark.parametrize(("code", "goes_on"), [("a\\\r\nb", True), ("a\nb", False), ("\\", True)])
def test_a_line_may_go_on_in_the_next(code, goes_on):
    assert Source.of(code).goes_on(1) is goes_on
    assert not Source.of(code).goes_on(0)


@pytest.mark.parametrize(
    ("text", "number", "newline"),
    [
        ("a\r\nb", 1, "\r\n"),
        ("a\r\nb", 2, "\r\n"),
        ("a\n", 1, "\n"),
        ("a", 1, "\n"),
        ("a\rb", 1, "\r"),
    ],
)
def test_lines_end_as_they_did(text, number, newline):
    assert Source.of(text).newline(number) == newline
