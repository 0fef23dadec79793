"""The settings file: read, checked, and every problem told with its line."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from zcadapt.config.lines import line_numbers
from zcadapt.config.place import Path as Steps
from zcadapt.config.place import Place, steps
from zcadapt.config.problem import Problem, SettingsError
from zcadapt.config.reader import read
from zcadapt.config.settings import Settings
from zcadapt.config.whole import contradictions

__all__ = ["Loaded", "load"]

Where = Callable[[Place], str]
#: Addresses that are listened on instead of those of the file, by protocol.
Listen = Mapping[str, Sequence[str]]

#: The largest file that is read, in bytes.
LARGEST: Final = 16 * 1024 * 1024


class Loaded(NamedTuple):
    """What a file says, what is wrong with it, and where in it a place is."""

    settings: Settings
    problems: tuple[Problem, ...] = ()
    where: Where = str

    def placed(self, error: SettingsError, table: Steps, origin: str) -> list[Problem]:
        """Return the problems that a plugin raised, with their places in the file.

        Args:
            error: what it raised.
            table: the table that the plugin was given.
            origin: what the plugin is.
        """
        return [
            Problem(self.where(_below(table, steps(each.where))), f"{each.what} (of {origin})")
            for each in error.problems
        ]


def _below(table: Steps, path: Steps) -> Place:
    return Place((*table, *path[:-1]), path[-1]) if path else Place(table)


def load(path: str | None, listen: Listen | None = None, told: str | None = None) -> Loaded:
    """Return the settings in the file at `path`; the defaults for ``None``.

    Nothing is raised: a file that cannot be read is one problem among others.

    Args:
        path: the file.
        listen: addresses instead of those of the file, by protocol.
        told: what the file is called in problems; `path` unless given.
    """
    if path is None:
        return _whole(Loaded(Settings()), (), listen or {})
    name = path if told is None else told
    try:
        content = _read(path)
        text = content.decode("utf-8-sig")
        tables = tomllib.loads(text)
    except OSError as error:
        return _unreadable(name, error.strerror or str(error))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return _unreadable(f"{name}:{line}", f"not UTF-8: byte 0x{content[error.start]:02x}")
    except RecursionError:
        return _unreadable(name, "not TOML: lists or tables are nested too deeply")
    except ValueError as error:
        return _unreadable(name, f"not TOML: {error}")
    return _checked(tables, _places(name, text), listen or {})


def _read(path: str) -> bytes:
    with Path(path).open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise OSError(f"larger than {LARGEST} bytes")
    return content


def _unreadable(where: str, what: str) -> Loaded:
    return Loaded(Settings(), (Problem(where, what),))


def _checked(tables: Mapping[str, Any], where: Where, listen: Listen) -> Loaded:
    problems: list[Problem] = []
    wrong: list[Steps] = []

    def report(place: Place, what: str) -> None:
        problems.append(Problem(where(place), what))
        wrong.append(place.path)

    settings = read(Settings, tables, report)
    return _whole(Loaded(settings, tuple(problems), where), wrong, listen)


def _whole(loaded: Loaded, wrong: Sequence[Steps], listen: Listen) -> Loaded:
    """Return `loaded` with the addresses of `listen`, checked as a whole.

    `wrong` are the places where a default stands in: what follows from it is
    not told.
    """
    settings = loaded.settings
    for protocol, addresses in listen.items():
        table = replace(getattr(settings, protocol), listen=tuple(addresses))
        settings = replace(settings, **{protocol: table})
        wrong = [path for path in wrong if path[:2] != (protocol, "listen")]
    found = [
        Problem(loaded.where(each.place), each.what)
        for each in contradictions(settings)
        if not any(path[:2] in each.follows_from for path in wrong)
    ]
    return Loaded(settings, (*loaded.problems, *found), loaded.where)


def _places(path: str, text: str) -> Where:
    """Return what tells where in the file a place is: ``zcadapt.toml:3: [icap] listen``."""
    numbers = line_numbers(text)

    def where(place: Place) -> str:
        found = place.path
        while found and found not in numbers:
            found = found[:-1]  # in a table written inside a line
        line = f":{numbers[found]}" if found else ""
        return f"{path}{line}: {place}".removesuffix(": ")

    return where
