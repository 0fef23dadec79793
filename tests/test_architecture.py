"""The tree explains the program: arrows point one way, and each module has its test."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import zcadapt

ROOT = Path(zcadapt.__file__).parent
TESTS = Path(__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

#: Folders and modules from the bottom to the top; an arrow may only point down.
LAYERS = (
    {"address", "fields", "version", "interfaces", "overrides"},
    {"icap.limits", "icap.errors", "icap.sides", "icp.opcodes", "icp.errors", "icp.message"},
    {"icap.answer", "icap.headers", "icap.options"},
    {"icap.chunked", "icap.head", "icap.http", "icap.identity", "icap.spool"},
    {"icap.events", "icap.decisions", "icp.datagram", "icp.box"},
    {"icap.connection", "icap.reply", "icap.request", "icap.unable"},
    {"rule"},
    {"bodies", "registry", "threads"},
    {"icap.settings", "icap.clock", "icap.body", "icap.service", "runtime.access", "icp.settings"},
    {"blockpage", "icap.echo", "icap.endpoint"},
    {"icap", "icp"},
    {"config"},
    {"conditions", "hooks"},
    {""},
    {"discovery", "observe"},
    {"runtime"},
    {"cli", "compat", "migrate", "testing"},
    {"__main__"},
)

#: What is protocol: bytes in, events out; decisions in, bytes out.
PROTOCOL = set().union(*LAYERS[1:6]) - {"icap.request"}
FOREIGN = {"asyncio", "logging", "select", "selectors", "socket", "ssl", "uvloop", "zope"}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports_of(path: Path) -> Iterator[str]:
    """Yield what a module imports when it runs: not what only the type checker sees."""
    nodes: list[ast.AST] = [ast.parse(path.read_text())]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        nodes.extend(ast.iter_child_nodes(node))


def layer_of(name: str) -> int:
    """Return the layer of a module: that of the longest name that fits."""
    while True:
        for number, layer in enumerate(LAYERS):
            if name in layer:
                return number
        assert name, "the top of the tree is in a layer"
        name = name.rpartition(".")[0]


def is_module(name: str) -> bool:
    return (ROOT / (name.replace(".", "/") + ".py")).exists()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_arrows_point_down(path):
    here = name_of(path)
    for imported in imports_of(path):
        there = imported.partition(".")[2]
        if imported.startswith("zcadapt.") and is_module(there):
            assert layer_of(there) <= layer_of(here), f"{here} imports {there}"


@pytest.mark.parametrize("name", sorted(PROTOCOL))
def test_the_protocol_does_no_io(name):
    path = ROOT / (name.replace(".", "/") + ".py")
    if not path.exists():
        pytest.fail(f"there is no {name}")
    roots = {imported.partition(".")[0] for imported in imports_of(path)}
    assert not roots & FOREIGN


def test_the_core_imports_little_that_is_not_its_own():
    roots = {each.partition(".")[0] for path in MODULES for each in imports_of(path)}
    foreign = {root for root in roots if root not in sys.stdlib_module_names}
    assert foreign <= {"", "click", "ecs_logging", "pluggy", "uvloop", "zcadapt", "zope"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_short_and_its_functions_are_seen_whole(path):
    text = path.read_text()
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 50, node.name


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_has_its_test(path):
    if path.name in {"__init__.py", "__main__.py"}:
        pytest.skip("gathers names")
    mirror = TESTS / path.relative_to(ROOT).parent / f"test_{path.name}"
    assert mirror.exists()
