"""The kinds of files, and what is made of each."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Final, Literal, NamedTuple

from zcadapt.migrate.findings import Finding, gathered
from zcadapt.migrate.habits import habits
from zcadapt.migrate.imports import Imports
from zcadapt.migrate.mentions import in_code, in_text, lines_with_examples
from zcadapt.migrate.names import Names
from zcadapt.migrate.packages import MENTIONED, place_of
from zcadapt.migrate.python2 import read_code
from zcadapt.migrate.source import Edit, Source, applied, lines_of

__all__ = ["PYTHON", "REQUIREMENTS", "Migrated", "is_script", "migrated"]

#: The names of Python files, and of lists of distributions.
PYTHON: Final = re.compile(r".*\.py[wi]?", re.IGNORECASE | re.DOTALL)
REQUIREMENTS: Final = re.compile(
    r"(?:.*/)?(?:requirements/[^/]+|[^/]*(?:require|constraint)[^/]*)\.(?:txt|in)",
    re.IGNORECASE | re.DOTALL,
)
PROSE: Final = {".txt", ".rst", ".md"}

#: A line of a text that may be an import, and what of it goes on in others.
IMPORT: Final = re.compile(r"((?:import|from)\s.*?)(\(.*|\\)?")


class Migrated(NamedTuple):
    """What became of a file: its text as it is to be, and what is told of it."""

    text: str
    findings: list[Finding]


def migrated(name: str, text: str) -> Migrated:
    r"""Return what becomes of the file `name`, of which `text` is in it.

    >>> migrated('a.py', 'import os, pyicap\n').text
    'import os\nfrom zcadapt.compat import pyicap\n'
    """
    if re.search(MENTIONED, text, re.IGNORECASE) is None:
        return Migrated(text, [])
    match _kind(name, text):
        case "python":
            edits, findings = _python(text)
        case "prose":
            source = Source.examples(text)
            edits, findings, _ = _code(source)
            findings += _without_prompt(source)
        case "other":
            edits, findings = [], list(in_text(text))
    return Migrated(applied(text, edits), gathered(findings))


def _kind(name: str, text: str) -> Literal["python", "prose", "other"]:
    if PYTHON.fullmatch(PurePath(name).name) or is_script(text):
        return "python"
    if PurePath(name).suffix.lower() in PROSE and not REQUIREMENTS.fullmatch(name):
        return "prose"
    return "other"


def is_script(text: str) -> bool:
    """Return whether a text says in its first line that Python runs it."""
    return text.startswith("#!") and "python" in text.partition("\n")[0]


def _python(text: str) -> tuple[list[Edit], list[Finding]]:
    """Return what is changed and told of a Python file, and of the examples in its strings."""
    edits, findings, imports = _code(Source.of(text))
    if imports is not None:
        # Strings in what has been taken for Python 3 are where they are in the file.
        examples = Source.examples(text, lines_with_examples(imports.tree))
        more = _code(examples, is_renamed=imports.has_renamed)
        edits += more[0]
        findings += more[1]
    return edits, findings


def _code(
    source: Source, *, is_renamed: bool = False
) -> tuple[list[Edit], list[Finding], Imports | None]:
    """Return what is changed and told of code.

    Args:
        source: has it.
        is_renamed: whether zc.icp is called ``zc_icp`` in the code around it.
    """
    read = read_code(source.code)
    is_named = re.search(MENTIONED, read.unread) is not None
    if read.tree is None:
        return [], read.findings if is_named else [], None
    shifts = {number: source.shifts.get(number, 0) for number in range(1, len(source.code) + 1)}
    code = source.code
    if read.shifts:
        code = [_expanded(line, read.shifts.get(number, 0)) for number, line in enumerate(code, 1)]
        shifts = {number: shift + read.shifts[number] for number, shift in shifts.items()}
    source = Source.of(source.text, code, shifts)
    names = Names(read.tree)
    imports = Imports(source, names, is_complete=not read.unread, is_renamed=is_renamed)
    imports.look()
    findings = [*imports.findings, *in_code(read.tree, is_renamed=imports.has_renamed)]
    if imports.any or is_named:
        findings += read.findings
    if imports.any:
        findings += [each for each in habits(names) if each.left or imports.old]
    return imports.edits, findings, imports


def _expanded(line: str, shift: int) -> str:
    """Return `line` with its indentation as it was read, `shift` characters shorter here."""
    code = line.lstrip(" \t")
    return " " * (len(line) - len(code) - shift) + code


def _without_prompt(source: Source) -> Iterator[Finding]:
    for number, line in enumerate(lines_of(source.text), 1):
        match = IMPORT.fullmatch(line.strip())
        if match and number not in source.shifts and any(map(_is_old, _imported(match))):
            text = f"no example with >>> and so left as it is: {line.strip():.80}"
            yield Finding(number, text)


def _imported(line: re.Match[str]) -> list[str]:
    """Return what a line imports; nothing if it is no import."""
    try:
        statements = ast.parse(f"{line[1]}_" if line[2] else line[1]).body
    except (SyntaxError, ValueError):
        return []
    match statements:
        case [ast.Import(names=names)]:
            return [alias.name for alias in names]
        case [ast.ImportFrom(module=str(module), names=names, level=0)]:
            return [f"{module}.{alias.name}" for alias in names]
        case _:
            return []


def _is_old(dotted: str) -> bool:
    place = place_of(dotted)
    return place is not None and place.module != place.package.new
