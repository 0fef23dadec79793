"""From tables of TOML to settings, with everything that is wrong told at once.

What a setting may be is read from the fields that declare it. A wrong value
is reported and its default stands in, so that reading goes on.
"""

from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, fields, is_dataclass
from typing import Any, Final, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from zcadapt.config.problem import Problem, SettingsError, did_you_mean
from zcadapt.config.shape import shape_of, shown

__all__ = ["Place", "read", "read_options"]

T = TypeVar("T")

MISSING: Final = object()


class Place(NamedTuple):
    """A table, or a key in it."""

    table: tuple[str, ...] = ()
    key: str | None = None

    def __str__(self) -> str:
        """As in ``[services."10-lists"] use``."""
        table = f"[{'.'.join(map(_quoted, self.table))}]" if self.table else ""
        return f"{table} {self.key or ''}".strip()

    @property
    def path(self) -> tuple[str, ...]:
        """The keys that lead here from the top."""
        return self.table if self.key is None else (*self.table, self.key)


Report = Callable[[Place, str], None]


@dataclass(frozen=True, slots=True)
class _Declared:
    """A field with the annotation that belongs to it."""

    field: "Field[Any]"
    hint: Any

    @property
    def is_table(self) -> bool:
        return is_dataclass(self.hint) or get_origin(self.hint) is Mapping


def read(kind: type[T], table: Mapping[str, Any], report: Report, place: tuple[str, ...] = ()) -> T:
    """Return a `kind` with the values of `table`, which stands at `place`.

    `report` is called with the place of whatever is wrong and what was expected.
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
    known = {key: value for key, value in values.items() if value is not MISSING}
    return kind(**known, **({"options": others} if takes_rest else {}))


def read_options(kind: type[T], options: Mapping[str, object]) -> T:
    """Return a `kind`, a dataclass of settings, with the values of `options`.

    For the factory of a plugin, which is called with such a mapping.

    Raises:
        SettingsError: some are unknown or wrong; it tells all of them.
    """
    problems: list[Problem] = []

    def report(place: Place, what: str) -> None:
        problems.append(Problem(str(place), what))

    made = read(kind, options, report)
    if problems:
        raise SettingsError(problems)
    return made


def _declared(kind: type) -> tuple[dict[str, _Declared], bool]:
    """Return the settings of a dataclass, and whether it takes further keys as options."""
    hints = get_type_hints(kind)
    found = {each.name: _Declared(each, hints[each.name]) for each in fields(kind)}
    takes_rest = any(each.field.metadata.get("rest") for each in found.values())
    if takes_rest:
        del found["options"]
    return found, takes_rest


def _value(declared: _Declared, value: object, report: Report, place: Place) -> object:
    """Return what the setting becomes, `MISSING` where `value` does not fit."""
    if not declared.is_table:
        return _fitted(declared, value, report, place)
    if not isinstance(value, dict):
        report(place, f"must be a table, not {shown(value)}")
        return MISSING
    if is_dataclass(declared.hint):
        return read(declared.hint, value, report, place.path)  # type: ignore[arg-type]
    return _named(declared, value, report, place)


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
    near = did_you_mean(place.path[-1], declared) or f"; there are {', '.join(sorted(declared))}"
    return Place(place.path) if is_table else place, what + near


def _quoted(key: str) -> str:
    bare = key.replace("-", "").replace("_", "")
    return key if bare.isascii() and bare.isalnum() else f'"{key}"'
