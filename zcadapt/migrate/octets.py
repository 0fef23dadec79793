"""Where a handler of pyicap takes bytes for text, as Python 2 let it."""

import ast
from collections import Counter
from collections.abc import Iterator
from typing import Final

from zcadapt.migrate.findings import Finding

__all__ = ["bytes_as_text", "inside"]

#: What a handler has in bytes, or in lists and dictionaries of them.
FIELDS: Final = {
    "command",
    "enc_req",
    "enc_req_headers",
    "enc_res_headers",
    "enc_res_status",
    "headers",
    "request_uri",
    "request_version",
    "requestline",
    "servicename",
}
#: Methods of bytes that return bytes, and of dictionaries that return what is in them.
SAME: Final = {"get", "lower", "lstrip", "replace", "rstrip", "split", "strip", "upper"}
#: Methods that take what they are methods of.
TAKES: Final = SAME | {"endswith", "find", "startswith"}


def bytes_as_text(handler: ast.ClassDef) -> Iterator[Finding]:
    """Yield where a handler class compares bytes with text, looks them up by it or joins them."""
    for function in handler.body:
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            local = _local(function)
            for node in inside(function):
                for what in _mixed(node, local):
                    text = f"{what} is bytes: make what it meets bytes too, such as b'' for ''"
                    yield Finding(getattr(node, "lineno", function.lineno), text)


def inside(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is in `node`, but not what is in classes in it: ``self`` is another one there."""
    nodes = [node]
    while nodes:
        for below in ast.iter_child_nodes(nodes.pop()):
            if not isinstance(below, ast.ClassDef):
                yield below
                nodes.append(below)


def _local(function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, str]:
    """Return local names that are bytes whenever they are bound, and of what."""
    bound: dict[str, list[ast.expr]] = {}
    stored: Counter[str] = Counter()
    for node in inside(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                bound.setdefault(name, []).append(value)
            case ast.For(target=ast.Name(id=name), iter=value):
                bound.setdefault(name, []).append(value)
            case ast.Name(id=name, ctx=ast.Store()):
                stored[name] += 1
    local: dict[str, str] = {}
    for name, values in bound.items():
        of = {_bytes(value, {}) for value in values}
        if None not in of and stored[name] == len(values):
            local[name] = " or ".join(sorted(filter(None, of)))
    return local


def _bytes(node: ast.expr, local: dict[str, str]) -> str | None:
    """Return what of a handler an expression has its bytes from, if it is bytes."""
    while True:
        match node:
            case ast.Name(id=name):
                return local.get(name)
            case ast.Attribute(value=ast.Name(id="self"), attr=field) if field in FIELDS:
                return f"self.{field}"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr="read_chunk")):
                return "what self.read_chunk() returns"
            case ast.Call(func=ast.Attribute(value=value, attr=method)) if method in SAME:
                node = value
            case ast.Subscript(value=value):
                node = value
            case _:
                return None


def _mixed(node: ast.AST, local: dict[str, str]) -> Iterator[str]:
    match node:
        case ast.Compare(left=left, comparators=others):
            sides = [left, *others]
            if any(map(_is_text, sides)):
                yield from filter(None, (_bytes(side, local) for side in sides))
        case ast.Subscript(value=value, slice=key) if _is_text(key):
            yield from filter(None, [_bytes(value, local)])
        case ast.Call(func=ast.Attribute(value=value, attr="join"), args=[what]) if _is_text(value):
            yield from filter(None, [_bytes(what, local)])
        case ast.Call(func=ast.Attribute(value=value, attr=method), args=[what, *_]):
            if method in TAKES and _is_text(what):
                yield from filter(None, [_bytes(value, local)])


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
