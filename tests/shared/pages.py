"""The pages of the documentation as text: their literals, blocks, tables and directives."""

import re
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"

PAGES = sorted(DOCS.rglob("*.rst"))
READMES = [ROOT / "README.rst", *sorted(ROOT.glob("plugins/*/README.rst"))]

LITERAL = re.compile(r"``(\S|\S.*?\S)``", re.DOTALL)
#: A directive with what it is about, such as ``.. autofunction:: zcadapt.allow``, further
#: names under that one, and its options.
ENTRY = re.compile(
    r"""
    ^(?P<indent>\ *)\.\.\ (?:auto\w+|(?:py:)?(?:data|function|class))::
    (?P<names>\ +[\w.]+.*\n(?:(?P=indent)\ +[\w.]+\n)*)
    (?P<options>(?:(?P=indent)\ +:[\w-]+:.*\n)*)
    """,
    re.MULTILINE | re.VERBOSE,
)
BLOCK = re.compile(
    r"""
    ^(?P<indent>\ *)
    (?:\.\.\ code-block::\ (?P<language>\S+) | (?!\.\.\ ).*::)
    \n(?:\ +:\w+:.*\n)*(?:\ *\n)+
    (?P<text>(?:(?P=indent)\ +\S.*\n|\ *\n)+)
    """,
    re.MULTILINE | re.VERBOSE,
)
TABLE = re.compile(r"^( *)\.\. list-table::.*\n((?:\1 +\S.*\n|\s*\n)+)", re.MULTILINE)
ROW = re.compile(r"^ +\* - ", re.MULTILINE)
TOCTREE = re.compile(r"^( *)\.\. toctree::.*\n((?:\1 +\S.*\n|\s*\n)+)", re.MULTILINE)


def name_of(page):
    """Return how a page is called in the names of tests and in messages."""
    return str(page.relative_to(ROOT))


def literals(page):
    """Return what stands in double backquotes on a page, each in one line."""
    return [" ".join(each.split()) for each in LITERAL.findall(text_of(page))]


def entries(page):
    """Return the names that have an entry of their own on a page, with its options."""
    return {
        name: re.findall(r":([\w-]+):", entry["options"])
        for entry in ENTRY.finditer(text_of(page))
        for name in re.findall(r"^ *([\w.]+)", entry["names"], re.MULTILINE)
    }


def blocks(page):
    """Return (language, text) of the blocks on a page; the language may be ``None``."""
    found = BLOCK.finditer(text_of(page))
    return [(each["language"], dedent(each["text"]).strip("\n")) for each in found]


def rows(page):
    """Return the rows of all list-tables on a page, as they are written, without headers."""
    found = []
    for _, table in TABLE.findall(text_of(page)):
        options, *each = ROW.split(table)
        found += each[1:] if ":header-rows: 1" in options else each
    return found


def columns(text, title):
    """Return the first words of the rows of the simple table whose first column has `title`."""
    rule = r"=[= ]+=\n"
    (table,) = re.findall(rf"^{rule}{title} .*\n{rule}((?:.+\n)+?){rule}", text, re.MULTILINE)
    return [line.split()[0] for line in table.splitlines() if not line.startswith(" ")]


def listed(page):
    """Return the pages in the toctrees of a page."""
    found = []
    for _, tree in TOCTREE.findall(text_of(page)):
        for line in filter(None, map(str.strip, tree.splitlines())):
            if not line.startswith(":"):
                folder = DOCS if line.startswith("/") else page.parent
                found += folder.glob(f"{line.lstrip('/')}.rst")
    return found


def text_of(page):
    return page.read_text(encoding="utf-8") + "\n"
