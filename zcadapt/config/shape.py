"""What a setting must look like, told by the field that declares it."""

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args, get_origin

from zcadapt.fields import Format

__all__ = ["Shape", "shape_of", "shown"]

NAMES: Final[Mapping[type, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
}

LONGEST_SHOWN: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One value, or each one of a list: its type, its bounds, the words it may be."""

    type: type
    many: bool = False
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    format: Format | None = None

    def fit(self, item: object) -> Any:  # noqa: ANN401 - the type is the one asked for
        """Return `item`, one value, as the setting holds it.

        Raises:
            ValueError: it does not fit; the message says what was expected.
        """
        if not self._fits(item):
            raise ValueError(f"must be {self.one}, not {shown(item)}")
        if self.format and isinstance(item, str):
            try:
                self.format.check(item)
            except ValueError as error:
                why = f": {error}" if str(error) else ""
                raise ValueError(f"must be {self.one}, not {shown(item)}{why}") from error
        return self.type(item)

    @property
    def expected(self) -> str:
        """What the value must be, as one reads it in a message or in the reference."""
        return f"a list, each {self.one}" if self.many else self.one

    @property
    def one(self) -> str:
        """What the value, or each one of the list, must be."""
        if self.choices:
            return "one of " + ", ".join(map(shown, self.choices))
        if self.format:
            return self.format.expected
        if dataclasses.is_dataclass(self.type):
            return "a table"
        return NAMES[self.type] + self._bounds

    @property
    def _bounds(self) -> str:
        if self.least is not None and self.most is not None:
            return f" from {self.least} to {self.most}"
        if self.least is not None:
            return f" of at least {self.least}"
        return "" if self.most is None else f" of at most {self.most}"

    def _fits(self, item: object) -> bool:
        if isinstance(item, int | float) and not isinstance(item, bool):
            return self._in_bounds(item)
        if isinstance(item, str) and self.type is str:
            return not self.choices or item in self.choices
        return isinstance(item, bool) and self.type is bool

    def _in_bounds(self, number: float) -> bool:
        if not (self.type is float or (self.type is int and isinstance(number, int))):
            return False
        above = self.least is None or number >= self.least
        return math.isfinite(number) and above and (self.most is None or number <= self.most)


def shape_of(declared: "dataclasses.Field[Any]", hint: object) -> Shape:
    """Return what the field `declared`, annotated with `hint`, takes."""
    named = [part for part in get_args(hint) if part is not ...]
    said = ("least", "most", "choices", "format")
    return Shape(
        type=named[0] if named else hint,  # type: ignore[arg-type]  # tuple[str, ...]
        many=get_origin(hint) is tuple,
        **{key: declared.metadata[key] for key in said if key in declared.metadata},
    )


def shown(value: object) -> str:
    """Return `value` much as it is written in TOML, cut where it is long."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
