"""The settings file: read, checked, and every problem told with its line."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from zcadapt.config.lines import line_numbers
from zcadapt.config.problem import Problem
from zcadapt.config.reader import Place, read
from zcadapt.config.settings import Settings

__all__ = ["Loaded", "load"]

Where = Callable[[Place], str]


class Loaded(NamedTuple):
    """What a file says, what is wrong with it, and where in it a place is."""

    settings: Settings
    problems: tuple[Problem, ...] = ()
    where: Where = str


def load(path: str | None) -> Loaded:
    """Return the settings in the file at `path`; the defaults for ``None``.

    Nothing is raised: a file that cannot be read is one problem among others.
    """
    if path is None:
        return Loaded(Settings())
    try:
        text = Path(path).read_bytes().decode()
        tables = tomllib.loads(text)
    except OSError as error:
        return _unreadable(path, error.strerror or str(error))
    except ValueError as error:  # not UTF-8, or not TOML
        return _unreadable(path, f"not TOML: {error}")
    return _checked(tables, _places(path, text))


def _unreadable(path: str, what: str) -> Loaded:
    return Loaded(Settings(), (Problem(path, what),))


def _checked(tables: Mapping[str, Any], where: Where) -> Loaded:
    problems: list[Problem] = []

    def report(place: Place, what: str) -> None:
        problems.append(Problem(where(place), what))

    settings = read(Settings, tables, report)
    return Loaded(settings, tuple(problems), where)


def _places(path: str, text: str) -> Where:
    """Return what tells where in the file a place is: ``zcadapt.toml:3: [icap] listen``."""
    numbers = line_numbers(text)

    def where(place: Place) -> str:
        steps = place.path
        while steps and steps not in numbers:
            steps = steps[:-1]  # in a table written inside a line
        return f"{path}:{numbers[steps]}: {place}" if steps else f"{path}: {place}"

    return where
