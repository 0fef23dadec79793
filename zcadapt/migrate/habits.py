"""What code for the four packages does that has another effect now."""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Final

from zcadapt.migrate.findings import Finding
from zcadapt.migrate.names import Names
from zcadapt.migrate.octets import bytes_as_text, inside
from zcadapt.migrate.packages import Place

__all__ = ["habits"]

METHOD: Final = re.compile(r".*_(?:OPTIONS|REQMOD|RESPMOD)")

#: What handlers of pyicap never had, or have no more, whatever was written about it.
NOT_THERE: Final[Mapping[str, str]] = {
    "methos": "make it self.command",
    "raw_requestline": "make it self.requestline",
    "rfile": "make it self.read_chunk()",
    "send_response": "make it self.set_icap_response",
    "send_header": "make it self.set_icap_header or self.set_enc_header",
    "end_headers": "make it self.send_headers",
}

#: Modules that programs for the four used, and that left Python: no tool makes them others.
ASYNCORE: Final = {"asyncore", "asynchat"}

#: The codes that a handler of icap_server may answer with.
KEPT: Final = {200, 204}
#: ICAP headers that the server of icap_server's handlers says itself.
OURS: Final = {b"connection", b"date", b"encapsulated", b"istag", b"preview", b"methods"}


def habits(names: Names) -> Iterator[Finding]:
    """Yield what in some code has another effect than with the old packages."""
    handlers = _handlers(names)
    for node in ast.walk(names.tree):
        yield from _left_python(node)
        match node:
            case ast.Call():
                place = names.resolve(node.func)
                if place is not None:
                    yield from _call(node, place)
            case ast.Attribute(attr="OPTIONS"):
                place = names.resolve(node.value)
                if place is not None and place.name == "ICAPMethod":
                    text = "no handler is asked with OPTIONS: the server answers it"
                    yield Finding(node.lineno, text, left=False)
            case ast.ClassDef() if node in handlers:
                yield from _handler(node)
                if handlers[node] == "pyicap":
                    yield from bytes_as_text(node)


def _left_python(node: ast.AST) -> Iterator[Finding]:
    match node:
        case ast.Import(names=names):
            gone = [f"the module {each.name}" for each in names if each.name in ASYNCORE]
        case ast.ImportFrom(module=module, level=0) if module in ASYNCORE:
            gone = [f"the module {module}"]
        case ast.Attribute(value=ast.Name(id="ssl"), attr="wrap_socket"):
            gone = ["ssl.wrap_socket"]
        case _:
            return
    for what in gone:
        yield Finding(node.lineno, f"{what} is not in Python 3.12", left=False)


def _call(node: ast.Call, place: Place) -> Iterator[Finding]:
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    match place.package.old, place.name:
        case "zc.icp", "start_server" if not {"settings", None} & set(given):
            text = (
                "start_server answers this machine, private networks and the link only, "
                "unless settings=ICPSettings(allow=...) says whom else"
            )
            yield Finding(node.lineno, text, left=False)
        case "icap_server", "ContentAdaptationResponse":
            yield from _response(node, given)
        case "icap_server", "run_server":
            if "limit" in _keys(given.get("server_options")):
                text = "the option limit has no effect: how long lines may be is in settings"
                yield Finding(node.lineno, text, left=False)


def _response(node: ast.Call, given: Mapping[str | None, ast.expr]) -> Iterator[Finding]:
    code = given.get("icap_response_code", node.args[1] if len(node.args) > 1 else None)
    if isinstance(code, ast.Constant) and isinstance(code.value, int) and code.value not in KEPT:
        text = f"icap_response_code {code.value}: any but 200 and 204 is a failure, answered 500"
        yield Finding(code.lineno, text, left=False)
    headers = given.get("icap_response_headers", node.args[2] if len(node.args) > 2 else None)  # noqa: PLR2004 - the third
    for key in _keys(headers):
        if isinstance(key, bytes) and key.lower() in OURS and headers is not None:
            text = f"the ICAP header {key.decode('latin-1')} is not sent: the server says it itself"
            yield Finding(headers.lineno, text, left=False)


def _keys(node: ast.expr | None) -> list[object]:
    """Return the keys of what is written as a dictionary, as far as they are constants."""
    match node:
        case ast.Dict(keys=keys):
            return [key.value for key in keys if isinstance(key, ast.Constant)]
        case ast.Call(func=ast.Name(id="dict"), keywords=keywords):
            return [keyword.arg for keyword in keywords]
        case _:
            return []


def _handlers(names: Names) -> dict[ast.ClassDef, str]:
    """Return classes that are handlers, by way of whatever others, and of which module's."""
    below: dict[str, list[ast.ClassDef]] = {}
    handlers: list[tuple[ast.ClassDef, str]] = []
    classes = [node for node in ast.walk(names.tree) if isinstance(node, ast.ClassDef)]
    for node in classes:
        for base in node.bases:
            place = names.resolve(base)
            if place is not None and place.name == "BaseICAPRequestHandler":
                handlers.append((node, place.package.new.rpartition(".")[2]))
            elif isinstance(base, ast.Name):
                below.setdefault(base.id, []).append(node)
    found: dict[ast.ClassDef, str] = {}
    while handlers:
        node, module = handlers.pop()
        found[node] = module
        handlers += [(each, module) for each in below.pop(node.name, ())]
    return found


def _handler(node: ast.ClassDef) -> Iterator[Finding]:
    own = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
    used: list[ast.Attribute] = []
    for below in inside(node):
        match below:
            case ast.Attribute(value=ast.Name(id="self"), ctx=ast.Store()):
                own.add(below.attr)
            case ast.Attribute(value=ast.Name(id="self")) if below.attr in NOT_THERE:
                used.append(below)
            case ast.Attribute(value=ast.Attribute(value=ast.Name(id="self"), attr="preview")):
                text = f"self.preview is a number: it has no .{below.attr}"
                yield Finding(below.lineno, text)
            case ast.Subscript(value=ast.Attribute(value=ast.Name(id="self"), attr="allow")):
                yield Finding(below.lineno, "self.allow is a set: ask with in, and take no item")
            case ast.FunctionDef() | ast.AsyncFunctionDef() if METHOD.fullmatch(below.name):
                yield from _method(below)
    for each in used:
        if each.attr not in own:
            yield Finding(each.lineno, f"self.{each.attr} is no more: {NOT_THERE[each.attr]}")


def _method(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Finding]:
    if isinstance(node, ast.AsyncFunctionDef):
        yield Finding(node.lineno, f"{node.name} is not awaited: make it a plain function")
    elif len(node.args.args) - len(node.args.defaults) > 1:
        yield Finding(node.lineno, f"{node.name} is called with no argument but self")
