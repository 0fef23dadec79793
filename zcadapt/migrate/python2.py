"""Code that Python 3 cannot read is read all the same, without the statements in the way.

Where a statement cannot be read, another one stands in its place, so that what
is before and after it is read at its own lines and columns.
"""

import ast
import re
import warnings
from collections.abc import Sequence
from typing import Final, NamedTuple

from zcadapt.migrate.findings import Finding

__all__ = ["Read", "read_code"]

#: How many statements are replaced one after the other, each after another try to read all;
#: and how many lines are read in all these tries.
MOST_TRIES: Final = 60
MOST_LINES: Final = 200_000

#: Comments and strings; each of them ends somewhere, so that nothing is looked at twice.
TOKEN: Final = re.compile(
    r"(?P<comment>#[^\r\n]*)|(?P<string>"
    r'"""(?:\\.|[^\\])*?(?:"""|\Z)'
    r"|'''(?:\\.|[^\\])*?(?:'''|\Z)"
    r'|"(?:\\.|[^"\\\n])*"?'
    r"|'(?:\\.|[^'\\\n])*'?)",
    re.DOTALL,
)

#: Statements of Python 2, in code without comments and contents of strings.
KNOWN: Final = (
    ("the print statement", re.compile(r"(?:^|:|;)\s*print\b(?!\s*(?:[(=.,)\]]|$))")),
    ("the exec statement", re.compile(r"(?:^|:|;)\s*exec\b(?!\s*[(=.,)\]])")),
    ("except ERROR, NAME", re.compile(r"^\s*except\b[^:]*,\s*\w+\s*:")),
    ("raise ERROR, TEXT", re.compile(r"(?:^|:|;)\s*raise\s+[\w.]+\s*,")),
    ("backquotes", re.compile(r"`")),
    ("<>", re.compile(r"<>")),
    ("a number such as 0777", re.compile(r"(?<![\w.])0+[1-7][0-7]*\b(?!\.)")),
    ("a number such as 10L", re.compile(r"(?<![\w.])(?:\d+|0x[0-9a-fA-F]+)[lL]\b")),
    ("a string such as ur''", re.compile(r"(?<!\w)[uU][rR]\"")),
)

HEADER: Final = re.compile(r"(if|elif|while|else|try|finally|except)\b")

TO_DO: Final = "{} is Python 2: make it Python 3 first, by hand or with python -m fissix -w"


class Read(NamedTuple):
    """What could be read of some code.

    Attributes:
        tree: the statements; None: too little can be read.
        findings: what was in the way.
        shifts: by how many characters further right lines were read than they are.
        unread: the statements that were in the way.
    """

    tree: ast.Module | None
    findings: list[Finding]
    shifts: dict[int, int]
    unread: str = ""


def read_code(code: Sequence[str]) -> Read:
    """Return what can be read of `code`, line by line."""
    code = [line.rstrip("\r\n") + "\n" for line in code]
    read = _tried(code)
    if isinstance(read, ast.Module):
        return Read(read, [], {})
    return _Reader(code).read(read)


def _tried(code: Sequence[str]) -> ast.Module | Exception:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is no matter here
            return ast.parse("".join(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return error


class _Reader:
    """Reads code, with one statement after the other replaced."""

    def __init__(self, code: Sequence[str]) -> None:
        self._given = code
        self._code = list(code)
        self._masked, inside = _masked(self._code)
        self._first = _statements(self._masked, inside)
        self._findings: list[Finding] = []
        self._replaced: set[int] = set()
        self._shifts: dict[int, int] = {}
        self._unread: list[str] = []

    def read(self, error: Exception) -> Read:
        for first in sorted(set(self._first)):
            kinds = self._kinds(first)
            if kinds:
                self._replace(first, kinds)
        for _ in range(min(MOST_TRIES, MOST_LINES // len(self._code)) + 1):
            told = _tried(self._code)
            if isinstance(told, ast.Module):
                return Read(told, self._findings, self._shifts, "".join(self._unread))
            if not self._mend(told):
                break
        return _unreadable(self._given, error)

    def _kinds(self, first: int) -> list[str]:
        """Return what of Python 2 is in the statement that begins in line `first`."""
        whole = self._whole(first)
        return [kind for kind, pattern in KNOWN if pattern.search(whole)]

    def _mend(self, error: Exception) -> bool:
        """Take away what `error` is about; return whether something was."""
        line = getattr(error, "lineno", None)
        if isinstance(error, TabError) and not self._shifts:
            self._expand()
            text = TO_DO.format("indentation by tabs and by spaces")
            self._findings.append(Finding(line or 1, text))
            return True
        if not isinstance(error, SyntaxError) or line is None or not 0 < line <= len(self._code):
            return False
        first = self._first[line - 1]
        if first in self._replaced:
            if not self._code[first - 1].strip():
                return False
            self._code[first - 1] = "\n"
            return True
        text = f"this statement cannot be read: {_message(error)}"
        self._findings.append(Finding(first, text))
        self._replace(first, [])
        return True

    def _whole(self, first: int) -> str:
        """Return the statement that begins in line `first`, masked."""
        last = first
        while last < len(self._first) and self._first[last] == first:
            last += 1
        return " ".join(line.strip() for line in self._masked[first - 1 : last])

    def _replace(self, first: int, kinds: Sequence[str]) -> None:
        self._replaced.add(first)
        self._findings.extend(Finding(first, TO_DO.format(kind)) for kind in kinds)
        line = self._code[first - 1]
        self._unread.append(line)
        indent = line[: len(line) - len(line.lstrip())]
        self._code[first - 1] = f"{indent}{_instead(self._whole(first))}\n"
        for number in range(first + 1, len(self._code) + 1):
            if self._first[number - 1] != first:
                break
            self._unread.append(self._code[number - 1])
            self._code[number - 1] = "\n"

    def _expand(self) -> None:
        """Make spaces of the tabs at the beginning of lines, as Python 2 counted them."""
        for number, line in enumerate(self._code, 1):
            indent = line[: len(line) - len(line.lstrip(" \t"))]
            spaces = indent.expandtabs(8)
            self._shifts[number] = len(indent) - len(spaces)
            self._code[number - 1] = spaces + line[len(indent) :]


def _instead(statement: str) -> str:
    """Return what can stand for `statement`, which is masked."""
    match = HEADER.match(statement)
    has_block = statement.rstrip().endswith(":")
    if match is None:
        return "if 1:" if has_block else "pass"
    condition = {"if": " 1", "elif": " 1", "while": " 1", "except": " Exception"}.get(match[1], "")
    return f"{match[1]}{condition}:{'' if has_block else ' pass'}"


def _masked(code: Sequence[str]) -> tuple[list[str], set[int]]:
    """Return the lines without comments and contents of strings, and those that end in a string."""
    inside: set[int] = set()
    masked: list[str] = []
    at, line = 0, 1
    text = "".join(code)
    for match in TOKEN.finditer(text):
        line += text.count("\n", at, match.start())
        ends = match[0].count("\n")
        inside.update(range(line, line + ends))
        line += ends
        filler = " " if match.lastgroup == "comment" else '"'
        masked += [text[at : match.start()], re.sub(r"[^\r\n]", filler, match[0])]
        at = match.end()
    return "".join([*masked, text[at:]]).split("\n")[:-1], inside


def _statements(masked: Sequence[str], inside: set[int]) -> list[int]:
    """Return for each line the first line of its statement."""
    first: list[int] = []
    depth = 0
    goes_on = False
    for number, line in enumerate(masked, 1):
        first.append(first[-1] if goes_on else number)
        depth = max(0, depth + sum(map(line.count, "([{")) - sum(map(line.count, ")]}")))
        goes_on = depth > 0 or number in inside or line.endswith("\\")
    return first


def _unreadable(code: Sequence[str], error: Exception) -> Read:
    line = getattr(error, "lineno", None) or 1
    told = Finding(line, f"this cannot be read as Python: {_message(error)}")
    return Read(None, [told], {}, "".join(code))


def _message(error: Exception) -> str:
    return error.msg if isinstance(error, SyntaxError) else str(error) or type(error).__name__
