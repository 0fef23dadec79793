"""The text of a file, the Python code in it, and where a place of the one is in the other."""

import ast
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

__all__ = ["Edit", "Source", "applied", "lines_of"]

#: An example in a text begins with the first, and goes on with the second.
PROMPT: Final = re.compile(r"([ \t]*)>>>(?: |(?=[\r\n]|\Z))")
AGAIN: Final = re.compile(r"([ \t]*)\.\.\.(?: |(?=[\r\n]|\Z))")
#: What ends a string.
QUOTES: Final = re.compile(r"(?:\"{3}|'{3}|[\"'])\Z")


class Edit(NamedTuple):
    """`text` instead of what is from `start` to `end`, in characters of the file."""

    start: int
    end: int
    text: str


def lines_of(text: str) -> list[str]:
    r"""Return the lines as Python counts them, each with its end.

    >>> lines_of('a\x0cb\r\nc')
    ['a\x0cb\r\n', 'c']
    """
    return list(io.StringIO(text, newline=""))


def applied(text: str, edits: Iterable[Edit]) -> str:
    """Return `text` with `edits`, of which none may overlap another."""
    pieces: list[str] = []
    at = 0
    for start, end, new in sorted(edits):
        pieces += [text[at:start], new]
        at = end
    return "".join([*pieces, text[at:]])


@dataclass(frozen=True)
class Source:
    """Python code in a text.

    Attributes:
        text: the text.
        lines: its lines.
        starts: the offset of each line.
        code: the lines that are code, as Python reads them: no more and no less
            lines than in the text, those that are no code empty.
        shifts: how many characters further right something is in a line of the
            text than in that of the code; without an entry, none.
    """

    text: str
    lines: list[str]
    starts: list[int]
    code: list[str]
    shifts: Mapping[int, int]

    @classmethod
    def of(cls, text: str, code: list[str] | None = None, shifts: Mapping[int, int] = {}) -> Self:
        """Return `text` as the source of `code`, all of it if nothing is said."""
        lines = lines_of(text)
        starts = [0]
        for line in lines:
            starts.append(starts[-1] + len(line))
        return cls(text, lines, starts, lines if code is None else code, shifts)

    @classmethod
    def examples(cls, text: str, numbers: Mapping[int, int | None] | None = None) -> Self:
        """Return the code of the examples in `text`: what stands behind ``>>>`` and ``...``.

        Args:
            text: as doctest takes it.
            numbers: the lines in which examples are looked for, and at which byte
                a string ends there, if one does; None: all.
        """
        code: list[str] = []
        shifts: dict[int, int] = {}
        indent: str | None = None
        for number, line in enumerate(lines_of(text), 1):
            wanted = numbers is None or number in numbers
            end = numbers and numbers.get(number)
            if end:
                line = QUOTES.sub("", line.encode()[:end].decode())  # noqa: PLW2901 - less of it
            match = PROMPT.match(line) or (AGAIN.match(line) if indent is not None else None)
            if (
                not wanted
                or match is None
                or (indent not in {None, match[1]} and ">" not in match[0])
            ):
                indent = None
                code.append("\n")
                continue
            indent = match[1]
            shifts[number] = match.end()
            code.append(line[match.end() :] or "\n")
        return cls.of(text, code, shifts)

    def offset(self, number: int, column: int) -> int:
        """Return where in the text a place is that `ast` names by line and UTF-8 byte."""
        line = self.code[number - 1]
        if not line.isascii():
            column = len(line.encode()[:column].decode())
        return self.starts[number - 1] + column + self.shifts.get(number, 0)

    def span(self, node: ast.stmt | ast.expr) -> tuple[int, int]:
        """Return from where to where in the text `node` is."""
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self.offset(node.lineno, node.col_offset), self.offset(end_line, end_column)

    def before(self, start: int, number: int) -> str:
        """Return what stands in line `number` of the text before `start`."""
        return self.text[self.starts[number - 1] : start]

    def goes_on(self, number: int) -> bool:
        """Return whether a statement in line `number` of the code goes on in the next."""
        return number > 0 and self.code[number - 1].rstrip("\r\n").endswith("\\")

    def newline(self, number: int) -> str:
        """Return what ends line `number`, or any line if that is the last one."""
        for line in (self.lines[number - 1], self.lines[0]):
            if end := re.search(r"\r?\n|\r", line):
                return end[0]
        return "\n"
