"""What becomes of a file follows from what kind it is."""

import pytest

from zcadapt.migrate.kinds import migrated

IMPORT = "import pyicap\n"
CHANGED = "from zcadapt.compat import pyicap\n"


@pytest.mark.parametrize("name", ["a.py", "b/a.PYW", "a.pyi"])
def test_python_is_changed(name):
    assert migrated(name, IMPORT) == (CHANGED, [])


def test_so_is_a_script_that_says_it_is_python():
    first = "#!/usr/bin/env python3\n"
    assert migrated("bin/serve", first + IMPORT) == (first + CHANGED, [])


@pytest.mark.parametrize("name", ["README.txt", "a.rst", "a.md"])
def test_examples_of_a_text_are_changed(name):
    text = "Before::\n\n    >>> import pyicap\n    >>> print pyicap\n"
    changed, (finding,) = migrated(name, text)
    assert changed == text.replace("import pyicap", "from zcadapt.compat import pyicap")
    assert (finding.line, finding.text.partition(" is ")[0]) == (4, "the print statement")


def test_an_import_in_a_text_that_is_no_example_is_told():
    text = "Do::\n\n    from pyicap import *\n\nand import pyicap as you like.\n"
    changed, (finding,) = migrated("a.rst", text)
    assert changed == text
    assert finding == (3, "no example with >>> and so left as it is: from pyicap import *", True)


@pytest.mark.parametrize(
    "line",
    [
        "import os, pyicap",
        "from zc import icp",
        "from zc.icp import (",
        "from icapserver import (A,  # one",
        "from icapserver import \\",
        "from icap_server.structures import *",
    ],
)
def test_any_import_in_a_text_is_told(line):
    (finding,) = migrated("a.rst", f"a::\r\n\r\n  {line}\r\n").findings
    assert finding == (3, f"no example with >>> and so left as it is: {line}", True)


@pytest.mark.parametrize(
    "line",
    [
        "from pyicap, and so on.",
        "import pyicap.",
        "from zcadapt.compat import pyicap",
        "import pyicap_tools  # pyicap",
        "import os; import pyicap the rest",
        "from . import pyicap",
    ],
)
def test_prose_is_not_told(line):
    assert migrated("a.rst", f"a\n{line}\n").findings == []


@pytest.mark.parametrize(
    "name",
    [
        "requirements.txt",
        "a/dev-requirements.in",
        "constraints.txt",
        "requirements/base.txt",
        "a/requirements/base.txt",
        "setup.cfg",
        "a.toml",
    ],
)
def test_what_a_project_needs_is_told(name):
    text = "import pyicap\n"
    changed, (finding,) = migrated(name, text)
    assert changed == text
    assert finding.text == "depends on pyicap: make it zcadapt"


def test_a_distribution_has_its_name_in_any_case():
    assert len(migrated("requirements.txt", "PyICAP==1.0\n").findings) == 1


def test_what_is_not_concerned_is_not_even_read():
    assert migrated("a.py", "print 'a'\n(") == ("print 'a'\n(", [])


def test_python_2_without_any_of_the_packages_is_not_told():
    assert migrated("a.py", "# no pyicap here\nprint 'a'\n").findings == []


PYTHON_2 = """\
import SocketServer
from pyicap import *
try:
    print "a"
except KeyError, e:
    print unicode(e)
"""


def test_python_2_is_told_and_its_imports_are_changed():
    text, findings = migrated("a.py", PYTHON_2)
    assert text == PYTHON_2.replace("from pyicap", "from zcadapt.compat.pyicap")
    assert [(each.line, each.text.partition(" is ")[0]) for each in findings] == [
        (4, "the print statement"),
        (5, "except ERROR, NAME"),
    ]
    assert all(finding.left for finding in findings)
    assert migrated("a.py", text) == (text, findings)  # it is still to be done


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("print 'a'; import pyicap\n", 1),
        ("import os\nif 1: import pyicap; print 'b'\n", 2),
        ("a b \\\n  zc.icp\n", 1),
        ("a = '''pyicap", 1),
    ],
)
def test_an_import_that_cannot_be_read_is_told(code, line):
    text, findings = migrated("a.py", code)
    assert text == code
    assert [(finding.line, finding.left) for finding in findings] == [(line, True)]


@pytest.mark.parametrize(
    ("example", "told"),
    [
        ("print 'a'", 0),
        ("print pyicap", 1),
        ("a = '''", 0),
        ("a = '''pyicap", 1),
        (f"a = {'-' * 100_000}1", 0),
    ],
)
def test_an_example_that_cannot_be_read_is_told_where_it_names_one(example, told):
    text = f'"""pyicap\n>>> {example}\n"""\n'
    assert len(migrated("a.py", text).findings) == told


def test_code_that_cannot_be_read_is_not_changed():
    text = f"import pyicap\na = {'-' * 100_000}1\n"
    changed, (finding,) = migrated("a.py", text)
    assert changed == text
    assert finding.text.startswith("this cannot be read as Python: ")
