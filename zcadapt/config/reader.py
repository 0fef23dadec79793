"""From tables of TOML to settings, with everything that is wrong told at once.

What a setting may be is read from the fields that declare it. A wrong value
is reported and its default stands in, so that reading goes on. A type with a
class method ``from_table`` reads its table by itself: see `zcadapt.Conditions`.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, fields, is_dataclass
from types import NoneType
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

from zcadapt.config.place import Path, Place, dotted
from zcadapt.config.problem import Problem, SettingsError, did_you_mean
from zcadapt.config.shape import shape_of, shown

__all__ = ["read", "read_options"]

T = TypeVar("T")

MISSING: Final = object()

Report = Callable[[Place, str], None]


@dataclass(frozen=True, slots=True)
class _Declared:
    """A field with the annotation that belongs to it."""

    field: "Field[Any]"
    hint: Any

    @property
    def is_required(self) -> bool:
        defaults = self.field.default, self.field.default_factory
        return all(each is dataclasses.MISSING for each in defaults)

    @property
    def is_table(self) -> bool:
        is_made = hasattr(self.hint, "from_table")
        return is_made or is_dataclass(self.hint) or get_origin(self.hint) is Mapping

    def __str__(self) -> str:
        return "a table" if self.is_table else shape_of(self.field, self.hint).expected


def read(kind: type[T], table: Mapping[str, Any], report: Report, place: Path = ()) -> T:
    """Return a `kind` with the values of `table`, which stands at `place`.

    `report` is called with the place of whatever is wrong and what was
    expected. Where that is a setting without a default there is no such
    `kind`, and what is returned is `MISSING`.
    """
    declared, takes_rest = _declared(kind)
    values: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for key, value in table.items():
        if key in declared:
            values[key] = _value(declared[key], value, report, Place(place, key))
        elif takes_rest:
            others[key] = value
        else:
            report(*_unknown(Place(place, key), value, declared))
    required = [key for key, each in declared.items() if each.is_required]
    for key in required:
        if key not in values:
            report(Place(place, key), f"is missing; it must be {declared[key]}")
    known = {key: value for key, value in values.items() if value is not MISSING}
    if not known.keys() >= set(required):
        return MISSING  # type: ignore[return-value]  # as promised
    return kind(**known, **({"options": others} if takes_rest else {}))


def read_options(kind: type[T], options: Mapping[str, object]) -> T:
    """Return a `kind`, a dataclass of settings, with the values of `options`.

    For the factory of a plugin, which is called with such a mapping.

    Raises:
        SettingsError: some are unknown or wrong; it tells all of them, each
            with its place, such as ``lists[2].path``.
    """
    problems: list[Problem] = []

    def report(place: Place, what: str) -> None:
        problems.append(Problem(dotted(place.path), what))

    made = read(kind, options, report)
    if problems:
        raise SettingsError(problems)
    return made


def _declared(kind: type) -> tuple[dict[str, _Declared], bool]:
    """Return the settings of a dataclass, and whether it takes further keys as options."""
    hints = get_type_hints(kind)
    found = {each.name: _Declared(each, _given(hints[each.name])) for each in fields(kind)}
    takes_rest = any(each.field.metadata.get("rest") for each in found.values())
    if takes_rest:
        del found["options"]
    return found, takes_rest


def _given(hint: Any) -> Any:  # noqa: ANN401 - an annotation is what it likes
    """Return what a setting is where it is given: ``None`` is for one that is not."""
    parts = [part for part in get_args(hint) if part is not NoneType]
    return parts[0] if len(parts) == 1 and NoneType in get_args(hint) else hint


def _value(declared: _Declared, value: object, report: Report, place: Place) -> object:
    """Return what the setting becomes, `MISSING` where `value` does not fit."""
    if get_origin(declared.hint) is tuple:
        return _items(declared, value, report, place)
    if not declared.is_table:
        return _fitted(declared, value, report, place)
    if not isinstance(value, dict):
        report(place, f"must be a table, not {shown(value)}")
        return MISSING
    if hasattr(declared.hint, "from_table"):
        return declared.hint.from_table(
            value, lambda path, what: report(Place(place.path + path), what)
        )
    if is_dataclass(declared.hint):
        return read(declared.hint, value, report, place.path)  # type: ignore[arg-type]
    return _named(declared, value, report, place)


def _items(declared: _Declared, value: object, report: Report, place: Place) -> object:
    """Return the items of a list."""
    if not isinstance(value, list):
        report(place, f"must be {declared}, not {shown(value)}")
        return MISSING
    each = _Declared(declared.field, get_args(declared.hint)[0])
    made = [_value(each, item, report, Place(place.path, at)) for at, item in enumerate(value)]
    return MISSING if any(item is MISSING for item in made) else tuple(made)


def _named(
    declared: _Declared, value: Mapping[str, Any], report: Report, place: Place
) -> dict[str, object]:
    """Return what stands under each of the names in a table."""
    each = _Declared(declared.field, get_args(declared.hint)[1])
    found = {
        name: _value(each, inner, report, Place(place.path, name)) for name, inner in value.items()
    }
    return {name: made for name, made in found.items() if made is not MISSING}


def _fitted(declared: _Declared, value: object, report: Report, place: Place) -> object:
    try:
        return shape_of(declared.field, declared.hint).fit(value)
    except ValueError as error:
        report(place, str(error))
        return MISSING


def _unknown(place: Place, value: object, declared: Mapping[str, _Declared]) -> tuple[Place, str]:
    """Return where an unknown table or setting is, and what to say of it."""
    is_table = isinstance(value, dict)
    what = "no such table" if is_table else "no such setting"
    key = str(place.key)
    near = did_you_mean(key, declared) or f"; there are {', '.join(sorted(declared))}"
    return Place(place.path) if is_table else place, what + near
