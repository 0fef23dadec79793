"""The pages on the standards: each claim has its test, and no clause is left out."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGES = TESTS.parent / "docs" / "explanation"

#: What an entry of a page begins with.
WORDS = {"Spoken", "Tolerated", "Refused", "Not done", "Not yet"}

#: The clauses of RFC 3507 that have something to say to a server, as they are called on the page.
CLAUSES = re.findall(
    r"\S+",
    "4.1 4.2 4.3 4.3.1 4.3.2 4.3.3 4.3.4 4.4 4.4.1 4.4.2 4.5 4.6 4.7 4.8 4.9 4.10 "
    "5 6 6.1 6.2 6.3 6.4 7 7.1 7.2 7.3 8",
)

#: What RFC 2186 and then RFC 2187 say to a server, or to `ask`, as it is called on the page.
CLAUSES_OF_ICP = [
    # RFC 2186, 1
    "UDP",
    "An exchange within a second or two",
    "Network byte order",
    "Opcode",
    "Version",
    "Message Length",
    "Request Number",
    "Options and Option Data",
    "Sender Host Address",
    "Payload",
    # 2
    "Their numbers",
    "ICP_OP_INVALID",
    "ICP_OP_QUERY: Requester Host Address",
    "ICP_OP_QUERY: URL",
    "What it is answered with",
    "ICP_OP_SECHO and ICP_OP_DECHO",
    "The same URL and Request Number",
    "ICP_OP_HIT",
    "ICP_OP_MISS",
    "ICP_OP_ERR",
    "ICP_OP_MISS_NOFETCH",
    "ICP_OP_DENIED",
    "ICP_OP_HIT_OBJ",
    "Unrecognized opcodes",
    # 3
    "ICP_FLAG_HIT_OBJ",
    "ICP_FLAG_SRC_RTT",
    "Other flags",
    # RFC 2187
    "5.1.4, timeout",
    "5.2, the order of the tests",
    "5.2.1, ICP_OP_ERR",
    "5.2.2, ICP_OP_DENIED",
    "5.2.3, ICP_OP_HIT",
    "5.2.3.1, ICP_OP_HIT_OBJ",
    "5.2.4, ICP_OP_MISS_NOFETCH",
    "5.2.5, ICP_OP_MISS",
    "5.3, which replies are ignored",
    "5.3.3 to 5.3.5, objects and echoes",
    "5.4.1, ICP_FLAG_HIT_OBJ",
    "5.4.2, ICP_FLAG_SRC_RTT",
    "7, multicast",
    "8.4, addresses of IPv4 alone",
    "9, the source address",
    "9.1, bogus queries",
    "9.2, bogus replies",
    "9.6, denial of service",
    "9.7, altered fields",
]

#: How often each clause of RFC 3507 has each word of RFC 2119, counted in its text: the
#: table of the page has a row for each. A MUST NOT is no MUST, and the sentence of section
#: 2 that lists the words counts for nothing.
CAPITALS = {
    "1": {"RECOMMENDED": 1, "SHOULD": 1},
    "2": {"MUST": 1},
    "3.1": {"MUST": 1},
    "4.1": {"MAY": 2, "SHOULD": 1},
    "4.2": {"MUST": 2, "MAY": 1},
    "4.3": {"MUST": 1, "MAY": 1},
    "4.3.1": {"MAY": 2},
    "4.3.2": {"MUST": 3, "MAY": 1, "SHOULD": 1, "REQUIRED": 1},
    "4.3.3": {"MUST": 1},
    "4.3.4": {"SHOULD": 2},
    "4.4": {"MUST": 1, "MUST NOT": 1},
    "4.4.1": {"MUST": 3},
    "4.4.2": {"MUST": 4, "SHOULD": 2, "MUST NOT": 1, "MAY": 1},
    "4.5": {"SHOULD": 3, "SHOULD NOT": 1, "MUST": 6, "MUST NOT": 2, "MAY": 1},
    "4.6": {"MAY": 3, "MUST NOT": 1, "MUST": 1},
    "4.7": {"MUST": 1},
    "4.8.1": {"MUST": 2},
    "4.8.2": {"MUST": 2, "SHOULD": 1, "MAY": 1},
    "4.9.1": {"MUST": 2, "SHOULD": 1, "MUST NOT": 1},
    "4.9.2": {"MUST": 2, "SHOULD": 1, "MAY": 1, "SHOULD NOT": 1},
    "4.10": {"MAY": 1},
    "4.10.2": {"MUST": 7, "MUST NOT": 1, "MAY": 12},
    "5": {"MAY": 6, "SHOULD": 1, "MUST NOT": 2},
    "6.2": {"MUST": 2},
    "6.3": {"MUST": 1},
    "6.4": {"SHOULD": 1},
    "7.1": {"MUST": 3},
    "7.2": {"MAY": 1},
}

#: The same of RFC 2186, which has but one of the words and mostly writes it small.
MUSTS = {
    "1": {"must": 2, "MUST": 1},
    "2": {"must never": 1, "must": 5, "must not": 1},
    "3": {"MUST": 2, "MUST not": 1},
}

_ENTRY = re.compile(r"^(\S.*)\n((?: +\S.*\n|\n)+)", re.MULTILINE)
_TEST = re.compile(r"^    \* ``((?:\w[\w-]*/)+test_\w+\.py)::(test_\w+)``$", re.MULTILINE)
_HEADING = re.compile(r"^(\d(?:\.\d+)*) .*\n[=-]+$", re.MULTILINE)
_ROW = re.compile(
    r"^(\d(?:\.\d+)*) +([A-Z]+(?: NOT)?|(?:must|MUST)(?: \w+)?)(?:  |$)", re.MULTILINE
)
_JUDGED = re.compile(r"^    \*([A-Z][a-z ]+)\*[:,]? ?", re.MULTILINE)


def text_of(page: str) -> str:
    return (PAGES / f"{page}.rst").read_text()


def entries(page: str) -> list[tuple[str, str]]:
    """Return the items of the definition lists of a page: (term, definition)."""
    found = _ENTRY.findall(text_of(page))
    return [pair for pair in found if pair[1].startswith(" " * 4) and not _ROW.match(pair[0])]


@cache
def functions(path: Path) -> frozenset[str]:
    """Return the test functions of a file."""
    nodes = ast.walk(ast.parse(path.read_text()))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return frozenset(node.name for node in nodes if isinstance(node, kinds))


@pytest.mark.parametrize("page", ["rfc3507", "rfc2186", "extensions"])
def test_each_claim_has_a_test_that_there_is(page):
    found = entries(page)
    assert len(found) > 10
    for term, text in found:
        named = _TEST.findall(text)
        assert named, f"{term}:\n{text}"
        assert len(named) == text.count("::"), f"one of these cannot be read:\n{text}"
        for path, function in named:
            assert (TESTS.parent / path).exists(), path
            assert function in functions(TESTS.parent / path), f"{path}::{function}"


@pytest.mark.parametrize("page", ["rfc3507", "extensions"])
def test_an_entry_begins_with_its_word(page):
    for term, _ in entries(page):
        assert term.strip("*") in WORDS, term


def test_every_clause_is_there_in_its_order():
    assert _HEADING.findall(text_of("rfc3507")) == CLAUSES


def test_every_clause_of_icp_is_there_in_its_order_with_its_words():
    found = dict(entries("rfc2186"))
    rules = len(found) - len(CLAUSES_OF_ICP)
    assert list(found)[rules:] == CLAUSES_OF_ICP
    for term in CLAUSES_OF_ICP:
        assert set(_JUDGED.findall(found[term])) <= WORDS, term
        assert _JUDGED.match(found[term]), term


@pytest.mark.parametrize(("page", "words"), [("rfc3507", CAPITALS), ("rfc2186", MUSTS)])
def test_no_word_in_capitals_is_left_out(page, words):
    rows = _ROW.findall(text_of(page).partition(f".. _{page}-words:")[2])
    found: dict[str, Counter[str]] = {}
    for clause, word in rows:
        found.setdefault(clause, Counter())[word] += 1
    assert found == words
    assert list(found) == list(words)
