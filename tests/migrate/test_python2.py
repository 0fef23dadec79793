"""What Python 3 cannot read is told, and the rest read at its place."""

import ast

import pytest

from zcadapt.migrate.python2 import MOST_LINES, MOST_TRIES, read_code
from zcadapt.migrate.source import lines_of


def read(text):
    return read_code(lines_of(text))


def imports(tree):
    return [
        (node.lineno, node.col_offset) for node in ast.walk(tree) if isinstance(node, ast.Import)
    ]


def test_what_can_be_read_is_read():
    tree, findings, shifts, _ = read("import a\n")
    assert (imports(tree), findings, shifts) == ([(1, 0)], [], {})


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("print 'a'", "the print statement"),
        ("print", None),
        ("print 'a', (\n 1,\n 2)", "the print statement"),
        ("print a, \\\n b", "the print statement"),
        ("if x: print 'a'", "the print statement"),
        ("a = 1; print a", "the print statement"),
        ("print '''\nimport b\n'''", "the print statement"),
        ("exec 'a' in b", "the exec statement"),
        ("raise E, 'text'", "raise ERROR, TEXT"),
        ("try:\n  a\nexcept (A, B), e:\n  print e", "except ERROR, NAME"),
        ("try:\n  a\nexcept A, e: pass", "except ERROR, NAME"),
        ("a = `b`", "backquotes"),
        ("if a <> b:\n  c", "<>"),
        ("os.chmod(f, 0755)", "a number such as 0777"),
        ("a = 10L", "a number such as 10L"),
        ("a = ur'b'", "a string such as ur''"),
        ("for a in `b`:\n  pass\nelse:\n  c", "backquotes"),
        ("while a <> b:\n  c", "<>"),
        ("def f(a, (b, c)):\n  pass", "this statement cannot be read"),
        ("a b c", "this statement cannot be read"),
    ],
)
def test_what_is_around_is_read_at_its_place(code, told):
    text = f"import a\n{code}\nif 1:\n    import c\n"
    tree, findings, *_ = read(text)
    assert imports(tree) == [(1, 0), (len(lines_of(text)), 4)]
    texts = " ".join(finding.text for finding in findings)
    assert told in texts if told else not findings
    assert all(2 <= finding.line <= len(lines_of(text)) - 2 for finding in findings)


@pytest.mark.parametrize("code", ["print a, \\\n  b", "print '''\n  a b'''"])
def test_a_statement_of_several_lines_is_told_once(code):
    assert [finding.line for finding in read(f"a\n{code}\n").findings] == [2]


def test_it_is_told_what_to_do():
    (finding,) = read("print 'a'\n").findings
    assert finding.text.endswith("make it Python 3 first, by hand or with python -m fissix -w")


def test_words_in_strings_and_comments_are_no_statements():
    text = "'''\nprint 'a'\n'''\n# exec 'b'\nprint 'c'\n"
    assert [finding.line for finding in read(text).findings] == [5]


def test_tabs_and_spaces_are_counted_as_python_2_did():
    tree, findings, shifts, _ = read("if a:\n        b\n\timport c\n")
    assert imports(tree) == [(3, 8)]
    assert shifts[3] == -7
    assert "tabs" in findings[0].text


@pytest.mark.parametrize("text", ["a = '''\n", "(" * 1000, "a\n" * 3 + "]]]\n" * (MOST_TRIES + 9)])
def test_what_cannot_be_read_at_all_is_told(text):
    tree, findings, *_ = read(text)
    if tree is None:
        (finding,) = findings
        assert finding.text.startswith("this cannot be read as Python: ")
    assert findings


def test_code_that_is_nested_too_deeply_is_told():
    tree, (finding,), *_ = read("a = " + "-" * 100_000 + "1\n")
    assert tree is None
    assert finding.line == 1


def test_warnings_of_what_is_read_are_nobodys_concern():
    assert read("'\\d' is 1\n").tree is not None


@pytest.mark.parametrize("code", ["print a, \\\n  b\n", "a b (\n c)\n"])
def test_what_was_not_read_is_told_apart(code):
    assert read(f"import a\n{code}  \nimport c\n").unread == code


def test_a_name_is_no_string():
    tree, (finding,), *_ = read("urs = URSULA = 00\nprint 'a'\n")
    assert finding.line == 2
    assert len(tree.body) == 2


def test_a_long_file_is_read_a_few_times_only(monkeypatch):
    tries = []
    parse = ast.parse
    monkeypatch.setattr(ast, "parse", lambda code: tries.append(code) or parse(code))
    long = "a = 1\n" * (MOST_LINES // 4)
    assert read(long + "b = 0777\n" * 99).tree is not None
    assert len(tries) == 2
    assert read(long + "a b c\n" * 99).tree is None
    assert len(tries) < 9
