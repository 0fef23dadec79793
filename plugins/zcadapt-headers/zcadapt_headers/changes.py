"""What rules do to headers: one change after the other, on a draft of them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Protocol

import re2  # type: ignore[import-untyped]

from zcadapt import Modify, modify

__all__ = ["Add", "Change", "Draft", "Remove", "Replace", "Set", "compiled", "parts"]

#: Bytes that one expression may take, and its states when it is matched.
MOST_MEMORY: Final = 1 << 20
#: How often an expression is replaced in a value: to look for it takes the time of the value.
MOST_FOUND: Final = 100

_REFERENCE = re.compile(r"\\(?:(?P<number>[0-9]{1,2})|g<(?P<name>\w+)>|(?P<backslash>\\)|)")
_BREAKS = re.compile(r"[\r\n\0]")


class Headers(Protocol):
    """What is read of the headers of a message."""

    def get_all(self, name: str) -> list[str]:
        """Return the value of each field called `name`."""


@dataclass(slots=True)
class _Field:
    """All fields of one name: their values as they came, and as they are to be."""

    name: str
    before: list[str]
    values: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.values = list(self.before)


class Draft:
    """The headers of one message while rules change them."""

    __slots__ = ("_fields", "_headers")

    def __init__(self, headers: Headers) -> None:
        self._headers = headers
        self._fields: dict[str, _Field] = {}

    def __getitem__(self, name: str) -> _Field:
        """Return the fields called `name`, of which there may be none."""
        key = name.lower()
        if key not in self._fields:
            self._fields[key] = _Field(name, self._headers.get_all(name))
        return self._fields[key]

    def decision(self, reason: str) -> Modify | None:
        """Return what changes the message, ``None`` if all is as it was.

        What is not changed stays as it came, to the byte.
        """
        new: list[tuple[str, str]] = []
        added: list[tuple[str, str]] = []
        removed: list[str] = []
        for each in self._fields.values():
            name, before, values = each.name, each.before, each.values
            if values == before:
                continue
            if not values:
                removed.append(name)
            elif values[: len(before)] == before:
                added += ((name, value) for value in values[len(before) :])
            else:
                new += ((name, value) for value in values)
        if not (new or added or removed):
            return None
        return modify(set_headers=new, add_headers=added, remove_headers=removed, reason=reason)


class Change(Protocol):
    """Something that is done to headers."""

    def apply(self, draft: Draft) -> None:
        """Do it."""


@dataclass(frozen=True, slots=True)
class Remove:
    """Drop all fields of a name."""

    name: str

    def apply(self, draft: Draft) -> None:
        """Drop them."""
        draft[self.name].values = []


@dataclass(frozen=True, slots=True)
class Set:
    """Have one field of a name, whatever there was."""

    name: str
    value: str

    def apply(self, draft: Draft) -> None:
        """Put it in their place."""
        found = draft[self.name]
        found.name, found.values = self.name, [self.value]


@dataclass(frozen=True, slots=True)
class Add:
    """Have one field more."""

    name: str
    value: str

    def apply(self, draft: Draft) -> None:
        """Add it."""
        found = draft[self.name]
        found.name, found.values = self.name, [*found.values, self.value]


@dataclass(frozen=True, slots=True)
class Replace:
    """Replace what an expression finds in the values of a name.

    That is the first hundred times in a value. A value of more than `longest`
    characters, before or after, stays as it is, and so do all values of a name
    where one could not be sent.
    """

    name: str
    pattern: Any  # re2 has no annotations
    by: tuple[str | int, ...]  # texts, and numbers of groups
    longest: int

    def apply(self, draft: Draft) -> None:
        """Replace it in each value."""
        found = draft[self.name]
        values = [self._replaced(value) for value in found.values]
        if values != found.values and not any(map(_BREAKS.search, values)):
            found.values = values

    def _replaced(self, value: str) -> str:
        if len(value) > self.longest:
            return value
        texts: list[str] = []
        end, last = 0, None
        for match in islice(self.pattern.finditer(value), MOST_FOUND):
            span = match.span()
            if span != last:  # re2 may find an empty text twice
                texts.append(value[end : span[0]])
                texts += (part if isinstance(part, str) else match[part] or "" for part in self.by)
                end, last = span[1], span
        new = "".join(texts) + value[end:]
        return new if len(new) <= self.longest else value


def compiled(pattern: str) -> Any:  # noqa: ANN401 - as above
    """Return the expression `pattern`, which takes time in proportion to a value, and no more.

    Raises:
        ValueError: it is none; the message says why.
    """
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MOST_MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0]
        raise ValueError(why.decode() if isinstance(why, bytes) else str(why)) from None


def parts(by: str, groups: int, names: Mapping[str, int]) -> tuple[str | int, ...]:
    r"""Return the texts in `by`, and the numbers of the groups that it refers to.

    >>> parts(r'\2\\x\g<host>', 2, {'host': 1})
    (2, '\\', 'x', 1)

    Raises:
        ValueError: it refers to a group that there is not.
    """
    return tuple(part for part in _parts(by, groups, names) if part != "")


def _parts(by: str, groups: int, names: Mapping[str, int]) -> Iterator[str | int]:
    at = 0
    for found in _REFERENCE.finditer(by):
        yield by[at : found.start()]
        at = found.end()
        if found["backslash"]:
            yield "\\"
        elif found["number"] and int(found["number"]) <= groups:
            yield int(found["number"])
        elif found["name"] in names:
            yield names[found["name"]]
        else:
            what = found[0] if found[0] != "\\" else f"{by[found.start() :][:2]}"
            raise ValueError(f"there is no group {what}; a backslash is written twice")
    yield by[at:]
