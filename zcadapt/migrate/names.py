"""What the names in some code stand for."""

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from typing import Final, NamedTuple

from zcadapt.migrate.packages import PACKAGES, Package, Place, place_of

__all__ = ["ZC", "Names", "Use", "dotted_name"]

#: What zc.icp became; it has a name ``zc``, for code that says ``zc.icp``.
ZC: Final = PACKAGES["zc.icp"].new


class Use(NamedTuple):
    """A dotted name that leads into one of the four packages.

    Attributes:
        node: the whole of it.
        place: where it leads.
        root: the name that it begins with.
    """

    node: ast.expr
    place: Place
    root: str


class Names:
    """The names of some code.

    They are those of the whole code, wherever in it they are bound: what a name
    means in one function only is not told apart.

    Attributes:
        tree: the code.
        roots: dotted names that `import` has bound, by the names in the code.
        symbols: dotted names that ``from ... import`` has bound, likewise.
        stars: modules all names of which are imported.
        bound: how often each name is bound.
        loaded: names that are read, with their nodes.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.roots: dict[str, set[str]] = {}
        self.symbols: dict[str, str] = {}
        self.stars: set[str] = set()
        self.bound: Counter[str] = Counter()
        self.loaded: dict[str, list[ast.Name]] = {}
        self._words: set[str] = set()
        self._imported: Counter[str] = Counter()
        for node in ast.walk(tree):
            self._take(node)

    def _take(self, node: ast.AST) -> None:
        match node:
            case ast.Import():
                for alias in node.names:
                    self._bind_module(alias)
            case ast.ImportFrom(module=module, level=0):
                for alias in node.names:
                    self._words.add(alias.name)
                    self._bind_symbol(f"{module}.{alias.name}", alias)
            case ast.Name(id=name, ctx=ast.Load()):
                self.loaded.setdefault(name, []).append(node)
                self._words.add(name)
            case ast.Attribute(attr=name):
                self._words.add(name)
            case _:
                self.bound.update(_bound(node))

    def _bind_module(self, alias: ast.alias) -> None:
        name = alias.asname or alias.name.partition(".")[0]
        self.bound[name] += 1
        self._imported[name] += 1
        if alias.asname:
            self.symbols[name] = alias.name
        else:
            self.roots.setdefault(name, set()).add(alias.name)

    def _bind_symbol(self, dotted: str, alias: ast.alias) -> None:
        if alias.name == "*":
            self.stars.add(dotted.removesuffix(".*"))
        else:
            name = alias.asname or alias.name
            self.bound[name] += 1
            self._imported[name] += 1
            self.symbols[name] = dotted

    def is_rebound(self, name: str) -> bool:
        """Return whether `name` is bound by anything but imports."""
        return self.bound[name] > self._imported[name]

    def is_alone(self, name: str) -> bool:
        """Return whether `name` is used with no dot behind it."""
        dotted = {id(node.value) for node in ast.walk(self.tree) if isinstance(node, ast.Attribute)}
        return any(id(node) not in dotted for node in self.loaded.get(name, ()))

    def place(self, dotted: str) -> Place | None:
        """Return where `dotted` leads, with icap_server for what was to be icapserver later."""
        if f"{dotted}.".startswith(f"{ZC}.zc."):
            dotted = dotted.removeprefix(f"{ZC}.")
        place = place_of(dotted)
        if place and place.module == "icap_server" and self._is_early:
            return place._replace(package=EARLY)
        return place

    @cached_property
    def _is_early(self) -> bool:
        """Whether icap_server is the one that was called icapserver soon after."""
        imported = [*self.symbols.values(), *self.stars, *chain(*self.roots.values())]
        others = {dotted.partition(".")[0] for dotted in imported} & {"pyicap", "icapserver"}
        return "BaseICAPRequestHandler" in self._words and not others

    def resolve(self, node: ast.expr) -> Place | None:
        """Return where an expression leads, if it is a name, dotted or not."""
        dotted = dotted_name(node)
        if dotted is None:
            return None
        root, dot, rest = dotted.partition(".")
        if root in self.symbols:
            return self.place(self.symbols[root] + dot + rest)
        if root in self.roots and not self.is_rebound(root):
            return self.place(dotted)
        if not dot and not self.bound[root]:
            for star in self.stars:
                place = self.place(f"{star}.{root}")
                if place and (root in place.package.names or root in place.package.gone):
                    return place
        return None

    def uses(self) -> Iterator[Use]:
        """Yield dotted names that begin with an imported module, and what stars have brought."""
        inner: set[int] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute | ast.Name) and id(node) not in inner:
                pieces = list(_pieces(node))
                inner.update(map(id, pieces[1:]))
                place = self.resolve(pieces[0])
                root = pieces[-1]
                if place is not None and isinstance(root, ast.Name):
                    yield Use(pieces[0], place, root.id)


#: The package icapserver under the name that it had before 1.2.
EARLY: Final = Package(
    "icap_server",
    PACKAGES["icapserver"].new,
    PACKAGES["icapserver"].names,
    frozenset({"icap_server"}),
)


def _bound(node: ast.AST) -> tuple[str, ...]:
    """Return the name that `node` binds, if it is no import."""
    match node:
        case ast.Name(id=name) | ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
            return (name,)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return (node.name,)
        case _:
            return ()


def _pieces(node: ast.expr) -> Iterator[ast.expr]:
    """Yield a dotted name and those that it begins with."""
    yield node
    while isinstance(node, ast.Attribute):
        node = node.value
        yield node


def dotted_name(node: ast.expr) -> str | None:
    """Return what an expression is, if that is names with dots between them."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])
