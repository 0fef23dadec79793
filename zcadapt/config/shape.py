"""What a setting must look like, told by the field that declares it."""

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from types import NoneType
from typing import Any, Final, get_args, get_origin

from zcadapt.config.address import multicast_group, parse_address

__all__ = ["Shape", "shape_of", "shown"]

NAMES: Final[Mapping[type, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
}

#: What the text of a setting of this name is, in whatever table it stands.
FORMATS: Final[Mapping[str, tuple[str, Callable[[str], object]]]] = {
    "listen": ("HOST:PORT", parse_address),
    "allow": ("an address or a network", ip_network),
    "multicast": ("a multicast group", multicast_group),
}

LONGEST_SHOWN: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One value, or a list of such: its type, its bounds, the words it may be."""

    type: type
    many: bool = False
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    format: str = ""

    def fit(self, value: object) -> Any:  # noqa: ANN401 - the type is the one asked for
        """Return `value` as the setting holds it.

        Raises:
            ValueError: it does not fit; the message says what was expected.
        """
        items = value if self.many else [value]
        if not isinstance(items, list) or not all(map(self._fits, items)):
            raise ValueError(f"must be {self.expected}, not {shown(value)}")
        kept = [self.type(item) for item in items]
        return tuple(kept) if self.many else kept[0]

    @property
    def expected(self) -> str:
        """What the value must be, as one reads it in a message or in the reference."""
        return f"a list, each {self._one}" if self.many else self._one

    @property
    def _one(self) -> str:
        if self.choices:
            return "one of " + ", ".join(map(shown, self.choices))
        if self.format:
            return FORMATS[self.format][0]
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
            return (not self.choices or item in self.choices) and self._is_formed(item)
        return isinstance(item, bool) and self.type is bool

    def _in_bounds(self, number: float) -> bool:
        if not (self.type is float or (self.type is int and isinstance(number, int))):
            return False
        above = self.least is None or number >= self.least
        return math.isfinite(number) and above and (self.most is None or number <= self.most)

    def _is_formed(self, text: str) -> bool:
        if not self.format:
            return True
        try:
            FORMATS[self.format][1](text)
        except ValueError:
            return False
        return True


def shape_of(declared: "dataclasses.Field[Any]", hint: object) -> Shape:
    """Return what the field `declared`, annotated with `hint`, takes."""
    named = [part for part in get_args(hint) if part not in (NoneType, ...)]
    many = get_origin(hint) is tuple
    bounds = {key: declared.metadata[key] for key in ("least", "most", "choices")}
    return Shape(
        type=named[0] if named else hint,  # type: ignore[arg-type]  # str | None, tuple[str, ...]
        many=many,
        format=declared.name if declared.name in FORMATS else "",
        **bounds,
    )


def shown(value: object) -> str:
    """Return `value` much as it is written in TOML, cut where it is long."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
