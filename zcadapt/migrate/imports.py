"""The import statements: what each becomes, and what cannot be carried over."""

import ast
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from zcadapt.migrate.findings import Finding
from zcadapt.migrate.names import ZC, Names, Use, dotted_name
from zcadapt.migrate.packages import PACKAGES, Package, place_of
from zcadapt.migrate.source import Edit, Source

__all__ = ["Imports"]

#: What may be between the words of a statement; in an example there are its dots, too.
GAP: Final = r"(?:[ \t\f]|\\(?:\r\n|\r|\n)(?:[ \t]*\.\.\. )?)*"

#: Packages of one name, copies of which may be anywhere.
COPIED: Final = {old for old in PACKAGES if "." not in old}


class _Part(NamedTuple):
    """What one name of an import becomes: itself in a statement that stays, or another one."""

    begin: str
    name: str
    stays: bool = False


class Imports:
    """The import statements of some code, and the dotted names that follow from them.

    Attributes:
        tree: the code.
        edits: what is to be changed.
        findings: what cannot be, and other things to tell.
        any: whether anything is imported from the four, or from what they became.
        old: whether it is from the four.
        has_renamed: whether ``zc.icp`` is called ``zc_icp`` now.
    """

    def __init__(
        self, source: Source, names: Names, *, is_complete: bool = True, is_renamed: bool = False
    ) -> None:
        """Take some code.

        Args:
            source: where it stands.
            names: the names in it.
            is_complete: whether all of it could be read.
            is_renamed: whether ``zc.icp`` is called ``zc_icp`` in the code around it.
        """
        self.tree = names.tree
        self._is_complete = is_complete
        self._is_renamed = is_renamed
        self._source = source
        self._names = names
        self._uses = list(names.uses())
        self._taken: dict[str, set[str]] = {}
        for use in self._uses:
            self._taken.setdefault(use.root, set()).add(use.place.name)
        self._others_zc = names.is_rebound("zc") or any(
            not f"{module}.".startswith("zc.icp.") for module in self._zc_modules()
        )
        self.edits: list[Edit] = []
        self.findings: list[Finding] = []
        self.any = False
        self.old = False
        self.has_renamed = False

    def _zc_modules(self) -> Iterator[str]:
        yield from self._names.roots.get("zc", ())
        if "zc" in self._names.symbols:
            dotted = self._names.symbols["zc"]
            if dotted != f"{ZC}.zc":
                yield dotted

    def look(self) -> None:
        """Look at all statements, and at the names that depend on them."""
        changed: set[str] = set()
        for node in ast.walk(self._names.tree):
            if isinstance(node, ast.Import):
                self._copies(node, "")
                changed |= self._import(node)
            elif isinstance(node, ast.ImportFrom):
                self._copies(node, "." * node.level + (f"{node.module}." if node.module else ""))
                if node.level == 0 and node.module:
                    self._from(node, node.module)
        for use in self._uses:
            self._used(use, changed)
        self.has_renamed = self._others_zc and (
            "zc" in changed or self._names.symbols.get("zc_icp") == ZC
        )
        if self._is_renamed and not self._names.bound["zc"]:
            for node in ast.walk(self._names.tree):
                if isinstance(node, ast.Attribute) and dotted_name(node) == "zc.icp":
                    text = "zc.icp is called zc_icp in this file now: call it so here, too"
                    self.findings.append(Finding(node.lineno, text))

    def _copies(self, node: ast.Import | ast.ImportFrom, begin: str) -> None:
        """Tell of imports from what has the name of one of the four, and is in another package."""
        for alias in node.names:
            dotted = begin + alias.name
            for name in COPIED.intersection(dotted.split(".")[1:]):
                if place_of(dotted) is None:
                    text = f"{dotted}: if this is a copy of {name}, make it {PACKAGES[name].new}"
                    self.findings.append(Finding(node.lineno, text, left=False))

    # statements with import alone

    def _import(self, node: ast.Import) -> set[str]:
        """Look at `node`; return the roots whose dotted names are other ones now."""
        roots: set[str] = set()
        parts: list[_Part] = []
        for alias in node.names:
            text = _alias(alias.name, alias.asname)
            place = self._names.place(alias.name)
            if place is None:
                parts.append(_Part("import ", text, stays=True))
                continue
            self.any = True
            package = place.package
            self.old |= place.module != package.new
            if alias.name == package.new:
                parts.append(_Part("import ", text, stays=True))
            elif why := self._why_not(alias, package):
                self._leave(node, alias.name, why)
                parts.append(_Part("import ", text, stays=True))
            else:
                parts.append(self._module(alias, package))
                if not alias.asname:
                    roots.add(alias.name.partition(".")[0])
        self._put(node, parts)
        return roots

    def _module(self, alias: ast.alias, package: Package) -> _Part:
        """Return what the import of a module becomes."""
        new, _, leaf = package.new.rpartition(".")
        begin = f"from {new} import "
        if alias.asname:
            if alias.name == "zc.icp.interfaces":
                return _Part(f"from {ZC} import ", _alias("interfaces", alias.asname))
            return _Part(begin, _alias(leaf, alias.asname))
        if package.new == ZC:
            if self._others_zc:
                return _Part(begin, leaf)
            return _Part(f"from {ZC} import ", "zc")
        return _Part(begin, _alias(leaf, alias.name.partition(".")[0]))

    def _why_not(self, alias: ast.alias, package: Package) -> str | None:
        """Return why the import of a module stays as it is, if it does."""
        if alias.name not in package.modules:
            last = alias.name.rpartition(".")[2]
            return package.gone.get(last) or package.why(last)
        root = alias.asname or alias.name.partition(".")[0]
        taken = self._taken.get(root, set()) - {""}
        if taken and not taken & {*package.names, *package.gone}:
            return "nothing that is used of it is known; is it another module of this name?"
        if package.new == ZC and self._others_zc and not alias.asname:
            return self._why_not_renamed()
        return None

    def _why_not_renamed(self) -> str | None:
        """Return why ``zc.icp`` cannot be called ``zc_icp``, if it cannot."""
        if self._names.is_rebound("zc_icp") or self._names.symbols.get("zc_icp", ZC) not in {
            ZC,
            "zc.icp",
        }:
            why = "the name zc_icp is taken"
        elif not self._is_complete:
            why = "not all of the code can be read"
        elif self._names.is_alone("zc"):
            why = "zc is used as a whole"
        else:
            return None
        return f"zc is needed for others, and {why}; import it by hand"

    # statements with from

    def _from(self, node: ast.ImportFrom, module: str) -> None:
        places = [self._names.place(f"{module}.{alias.name}") for alias in node.names]
        if not any(places):
            return
        parts: list[_Part] = []
        self.any = True
        for alias, place in zip(node.names, places, strict=True):
            text = _alias(alias.name, alias.asname)
            part = _Part(f"from {module} import ", text, stays=True)
            dotted = f"{module}.{alias.name}"
            if place is not None:
                package = place.package
                self.old |= place.module != package.new
                if module in package.modules and alias.name in {"*", *package.names}:
                    # A star would bring more than the interface.
                    named = "IICPPolicy" if dotted == "zc.icp.interfaces.*" else text
                    part = _Part(f"from {package.new} import ", named)
                elif dotted in package.modules:
                    new, _, leaf = package.new.rpartition(".")
                    renamed = _alias(leaf, alias.asname or alias.name)
                    part = _Part(f"from {new} import ", renamed)
                elif module in package.modules or (module != package.new and place.name):
                    last = module.rpartition(".")[2]
                    why = package.gone.get(alias.name) or package.gone.get(last)
                    self._leave(node, dotted, why or package.why(alias.name))
            parts.append(part)
        self._put(node, parts)

    # what is written

    def _put(self, node: ast.Import | ast.ImportFrom, parts: list[_Part]) -> None:
        """Write `parts` instead of `node`, changing as little as can be."""
        if all(part.stays for part in parts):
            return
        begins = {part.begin for part in parts}
        start, end = self._source.span(node)
        same = [part.name for part in parts] == [
            _alias(each.name, each.asname) for each in node.names
        ]
        if isinstance(node, ast.ImportFrom) and len(begins) == 1 and same:
            self._put_module(node, start, end, parts[0].begin.split()[1])
            return
        if "#" in self._source.text[start:end]:
            self.findings.append(
                Finding(
                    node.lineno,
                    "this has comments in it, and becomes several statements: "
                    + "; ".join(_statements(parts)),
                )
            )
            return
        before = self._source.before(start, node.lineno)
        after = self._source.text[end : self._source.starts[node.end_lineno or node.lineno]]
        shares = (
            bool(before.strip(" \t>."))
            or after.lstrip().startswith((";", "\\"))
            or self._source.goes_on(node.lineno - 1)
        )
        joined = "; " if shares else self._source.newline(node.lineno) + before
        self.edits.append(Edit(start, end, joined.join(_statements(parts))))

    def _put_module(self, node: ast.ImportFrom, start: int, end: int, module: str) -> None:
        """Change only the module in ``from module import ...``."""
        # The name may be in several pieces: from zc . icp import.
        name = f"{GAP}[.]{GAP}".join(map(re.escape, (node.module or "").split(".")))
        match = re.match(f"from{GAP}({name})", self._source.text[start:end])
        if match:
            self.edits.append(Edit(start + match.start(1), start + match.end(1), module))
        else:
            why = f"it is written in letters that only look like it; make it {module}"
            self._leave(node, node.module or "", why)

    def _leave(self, node: ast.stmt, dotted: str, why: str) -> None:
        self.findings.append(Finding(node.lineno, f"{dotted} is not changed: {why}"))

    # what follows

    def _used(self, use: Use, changed: set[str]) -> None:
        package, module, name = use.place
        why = package.gone.get(name)
        if module != package.new:
            why = why or package.why(name)
        if name and name not in package.names and why and not self._is_told(use):
            self.findings.append(Finding(use.node.lineno, f"{module}.{name}: {why}"))
        if use.root not in changed or use.root in self._names.symbols:
            if module in package.modules and not self._is_imported(use.root, package):
                text = f"nothing in this file imports {package.old} by this name"
                self.findings.append(Finding(use.node.lineno, f"{module}: {text}"))
            return
        if package.new == ZC:
            if self._others_zc:
                self._rename(use, "zc_icp", "zc.icp")
        elif module != package.old:
            self._rename(use, package.old, module)

    def _is_imported(self, root: str, package: Package) -> bool:
        """Return whether a dotted name that begins with `root` can lead to `package`."""
        return (
            root != "zc"
            or root in self._names.symbols
            or any(
                f"{module}.".startswith(f"{package.old}.")
                for module in self._names.roots.get(root, ())
            )
        )

    def _is_told(self, use: Use) -> bool:
        """Return whether it is told where the name is imported."""
        place = self._names.place(self._names.symbols.get(use.root, ""))
        return place is not None and bool(place.name)

    def _rename(self, use: Use, new: str, old: str) -> None:
        """Write `new` for the part of `use` that is `old`."""
        node = use.node
        while isinstance(node, ast.Attribute) and dotted_name(node) != old:
            node = node.value
        if isinstance(node, ast.Attribute):
            self.edits.append(Edit(*self._source.span(node), new))


def _alias(name: str, asname: str | None) -> str:
    return name if asname is None or asname == name else f"{name} as {asname}"


def _statements(parts: list[_Part]) -> list[str]:
    """Return the statements that `parts` make, those together that have the same beginning."""
    grouped: dict[str, list[str]] = {}
    for part in parts:
        names = grouped.setdefault(part.begin, [])
        if part.name not in names:
            names.append(part.name)
    return [begin + ", ".join(names) for begin, names in grouped.items()]
