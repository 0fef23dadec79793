"""What is told of a file."""

from collections.abc import Iterable
from typing import Final, NamedTuple

__all__ = ["Finding", "gathered"]

#: How many further lines are named where one thing is in many.
MOST_LINES: Final = 5


class Finding(NamedTuple):
    """Something that is told with its place.

    Attributes:
        line: the line, counted from 1.
        text: what there is, and what to do.
        left: whether it is left to do; otherwise it is only another behaviour.
    """

    line: int
    text: str
    left: bool = True


def gathered(findings: Iterable[Finding]) -> list[Finding]:
    """Return `findings` in the order of their lines, each text once.

    >>> gathered([Finding(7, 'print'), Finding(2, 'print'), Finding(3, 'exec')])
    [Finding(line=2, text='print (and in line 7)', left=True), Finding(line=3, text='exec', ...)]
    """
    lines: dict[tuple[str, bool], set[int]] = {}
    for line, text, left in findings:
        lines.setdefault((text, left), set()).add(line)
    return sorted(
        Finding(min(where), f"{text}{_further(sorted(where)[1:])}", left)
        for (text, left), where in lines.items()
    )


def _further(lines: list[int]) -> str:
    if not lines:
        return ""
    named = ", ".join(map(str, lines[:MOST_LINES]))
    rest = len(lines) - MOST_LINES
    more = f" and {rest} more" if rest > 0 else ""
    return f" (and in line{'s' if len(lines) > 1 else ''} {named}{more})"
