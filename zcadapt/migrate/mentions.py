"""Where the four packages are named in strings and in files that are no code; it stays as it is."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from zcadapt.migrate.findings import Finding
from zcadapt.migrate.packages import place_of
from zcadapt.migrate.source import lines_of

__all__ = ["in_code", "in_text", "lines_with_examples"]

#: A distribution in a list of those that a project needs.
NEEDED: Final = re.compile(
    r"(?<![\w.-])(pyicap|icapserver|icap[-_]server|zc\.icp)(?![\w-]|\.(?!git\b)[A-Za-z_])",
    re.IGNORECASE,
)
#: A dotted name in a text.
DOTTED: Final = re.compile(
    r"(?<![\w./-])(?:(?:pyicap|icapserver|icap_server)(?:\.[A-Za-z_]\w*)+|zc\.icp(?:\.[A-Za-z_]\w*)*)"
)
LISTS: Final = {"extras_require", "install_requires", "requires", "setup_requires", "tests_require"}
#: What follows the dot in the name of a file.
FILES: Final = {"cfg", "conf", "git", "ini", "log", "py", "pyc", "service", "toml", "txt", "yml"}
IMPORTERS: Final = {"import_module", "__import__", "importorskip", "run_module", "find_spec"}


def in_code(tree: ast.Module, *, is_renamed: bool = False) -> Iterator[Finding]:
    """Yield where strings name one of the packages, or something in one.

    Args:
        tree: the code.
        is_renamed: whether zc.icp is called ``zc_icp`` in it now.
    """
    other = ("icap_server.structures.", *(["zc.icp."] if is_renamed else []))
    told = {id(each) for each in _annotations(tree) if not str(each.value).startswith(other)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for text in _lists(node):
                told.add(id(text))
                if match := NEEDED.match(str(text.value)):
                    yield _needed(text.lineno, match[1])
            name = _called(node)
            first = node.args[0] if node.args else None
            if name in IMPORTERS and isinstance(first, ast.Constant) and id(first) not in told:
                told.add(id(first))
                if isinstance(first.value, str) and place_of(first.value):
                    yield _named(first.lineno, first.value, f"{name} imports by name: ")
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            match = DOTTED.fullmatch(node.value)
            if match and match[0] != "zc.icp" and not _is_file(match[0]):
                yield _named(node.lineno, match[0], "in a string: ")


def _annotations(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield strings in annotations: the name in one is bound by an import, as it was."""
    for node in ast.walk(tree):
        for field in ("annotation", "returns"):
            annotation = getattr(node, field, None)
            if annotation is not None:
                yield from (each for each in ast.walk(annotation) if isinstance(each, ast.Constant))


def _called(node: ast.Call) -> str:
    """Return the last name of what is called."""
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _lists(node: ast.Call) -> Iterator[ast.Constant]:
    """Yield the strings in what a call of ``setup`` says of other distributions."""
    if _called(node) == "setup":
        for keyword in node.keywords:
            if keyword.arg in LISTS:
                for below in ast.walk(keyword.value):
                    if isinstance(below, ast.Constant) and isinstance(below.value, str):
                        yield below


def in_text(text: str) -> Iterator[Finding]:
    """Yield where a text that is no code names one of the packages, or something in one."""
    for number, line in enumerate(lines_of(text), 1):
        if line.lstrip().startswith(("#", ";")):
            continue
        dotted = {match[0] for match in DOTTED.finditer(line) if not _is_file(match[0])}
        for name in sorted(dotted - {"zc.icp"}):
            yield _named(number, name, "")
        match = NEEDED.search(line)
        if match and not dotted - {"zc.icp"}:
            yield _needed(number, match[1])


def lines_with_examples(tree: ast.Module) -> dict[int, int | None]:
    """Return the lines of strings that have examples in them, and at which byte a string ends."""
    lines: dict[int, int | None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and ">>>" in node.value:
            last = node.end_lineno or node.lineno
            lines.update(dict.fromkeys(range(node.lineno, last)))
            lines[last] = node.end_col_offset
    return lines


def _needed(line: int, name: str) -> Finding:
    return Finding(line, f"depends on {name}: make it zcadapt")


def _named(line: int, dotted: str, before: str) -> Finding:
    place = place_of(dotted)
    if place is None:
        return Finding(line, f"{before}{dotted} is not changed")
    package, _, name = place
    if not name:
        return Finding(line, f"{before}{dotted} is not changed: make it {package.new}")
    last = dotted.rpartition(".")[2]
    if last in package.names:
        return Finding(line, f"{before}{dotted} is not changed: make it {package.new}.{last}")
    return Finding(
        line, f"{before}{dotted} is not changed: {package.gone.get(last) or package.why(name)}"
    )


def _is_file(dotted: str) -> bool:
    """Return whether `dotted` is the name of a file, such as pyicap.py."""
    return dotted.rpartition(".")[2] in FILES
