"""From the options of the settings file to rules, with everything that is wrong told at once."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final, NamedTuple

from zcadapt import Conditions
from zcadapt.config import Problem, SettingsError, read_options
from zcadapt.setting import Format, setting
from zcadapt_headers.changes import Add, Change, Remove, Replace, Set, compiled, parts
from zcadapt_headers.presets import PRESETS, Presets

__all__ = ["Rule", "Rules", "read_rules"]

#: How a message is cut is for the server and the proxy to say (RFC 9112, 6).
FRAMING: Final = frozenset({"content-length", "transfer-encoding"})

#: Preset headers go to the service, and CONNECT goes no further than a proxy.
NOT_CONNECT: Final = {"methods": ["CONNECT"]}

ANYWHERE: Final = Conditions({})

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LINE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f\u0100-\U0010ffff]*")


def _line(text: str) -> None:
    if _LINE.fullmatch(text) is None:
        raise ValueError


def _headers(text: str) -> Any:  # noqa: ANN401 - as dataclasses.field
    """Return the field of a table with the names and values of headers."""
    return field(default_factory=dict, metadata={"text": text, "format": VALUE})


VALUE: Final = Format("a text in one line, without characters beyond Latin-1", _line)
PATTERN: Final = Format("a regular expression as RE2 has them", compiled)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceTable:
    """What is replaced in the values of a header."""

    header: str = setting(MISSING, "The name of the header.")
    pattern: str = setting(MISSING, "What is replaced, wherever it is found.", format=PATTERN)
    by: str = setting(
        MISSING, r"What takes its place; \1 is what the first group found.", format=VALUE
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTable:
    """A rule: what is done to headers where its table ``when`` holds."""

    to: str = setting("request", "Whose headers are changed.", choices=("request", "response"))
    remove: tuple[str, ...] = setting((), "Headers to drop.")
    set: Mapping[str, str] = _headers("Headers to have, whatever there was.")
    add: Mapping[str, str] = _headers("Headers to have one more of.")
    replace: tuple[ReplaceTable, ...] = setting((), "What to replace in values.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """All that can be set, but for the tables ``when``."""

    rules: tuple[RuleTable, ...] = setting((), "Applied in this order, all that hold.")
    presets: Presets = field(default_factory=Presets)
    longest: int = setting(
        8192,
        "Characters that a value may have to be looked at, and to become, where it is replaced.",
        least=1,
        most=65_536,
    )


class Rule(NamedTuple):
    """Changes, and where they are made."""

    name: str
    when: Conditions
    changes: tuple[Change, ...]
    hosts: Conditions = ANYWHERE  #: those that a preset is for


class Rules(NamedTuple):
    """The rules in their order, and where any of the presets may apply at all."""

    presets: tuple[Rule, ...] = ()
    hosts: Conditions | None = None
    requests: tuple[Rule, ...] = ()
    responses: tuple[Rule, ...] = ()


def read_rules(options: Mapping[str, object]) -> Rules:
    """Return the rules that `options` tell.

    Raises:
        SettingsError: something in them is wrong; it tells all of that.
    """
    problems: list[Problem] = []
    whens = {path: _when(table, path, problems) for path, table in _tables(options)}
    try:
        settings = read_options(Options, _without_when(options))
    except SettingsError as error:
        raise SettingsError([*error.problems, *problems]) from None
    problems += _contradictions(settings, options)
    if problems:
        raise SettingsError(problems)
    presets = tuple(_presets(settings.presets, whens))
    made: dict[str, list[Rule]] = {"request": [], "response": []}
    for at, table in enumerate(settings.rules):
        changes = tuple(_changes(table, settings.longest))
        made[table.to].append(Rule(f"rule {at + 1}", whens[f"rules[{at}]"], changes))
    hosts = [each for name in PRESETS for each in PRESETS[name].hosts if _is_set(settings, name)]
    gate = Conditions({"hosts": hosts, "not": NOT_CONNECT}) if hosts else None
    return Rules(presets, gate, tuple(made["request"]), tuple(made["response"]))


def _is_set(settings: Options, name: str) -> bool:
    return getattr(settings.presets, name) is not None


# The tables `when` are for `Conditions` to read.


def _tables(options: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Return the tables that may have a table ``when``, each with its place."""
    rules, presets = options.get("rules"), options.get("presets")
    for at, table in enumerate(rules if isinstance(rules, list) else ()):
        if isinstance(table, Mapping):
            yield f"rules[{at}]", table
    for name, table in presets.items() if isinstance(presets, Mapping) else ():
        if isinstance(table, Mapping):
            yield f"presets.{name}", table


def _when(table: Mapping[str, object], path: str, problems: list[Problem]) -> Conditions:
    try:
        return Conditions(table.get("when", {}), at=f"{path}.when")  # type: ignore[arg-type]  # it looks
    except SettingsError as error:
        problems += error.problems
        return Conditions({})


def _without_when(options: Mapping[str, object]) -> dict[str, object]:
    without = dict(options)
    if isinstance(rules := options.get("rules"), list):
        without["rules"] = [_bare(table) for table in rules]
    if isinstance(presets := options.get("presets"), Mapping):
        without["presets"] = {name: _bare(table) for name, table in presets.items()}
    return without


def _bare(table: object) -> object:
    if not isinstance(table, Mapping):
        return table
    return {key: value for key, value in table.items() if key != "when"}


# What is wrong though each setting would do by itself.


def _contradictions(settings: Options, options: Mapping[str, object]) -> Iterator[Problem]:
    for at, table in enumerate(settings.rules):
        path = f"rules[{at}]"
        yield from _names(table, path)
        for number, each in enumerate(table.replace):
            expression = compiled(each.pattern)
            try:
                parts(each.by, expression.groups, expression.groupindex)
            except ValueError as error:
                yield Problem(f"{path}.replace[{number}].by", str(error))
        if not any((table.remove, table.set, table.add, table.replace)):
            yield Problem(path, "changes nothing: it has no remove, set, add or replace")
    for path, written in _tables(options):
        when = written.get("when")
        if isinstance(when, Mapping) and "status" in when and written.get("to") != "response":
            yield Problem(f"{path}.when.status", "a request has none, so it would never hold")
    for preset in fields(Presets):
        yield from _empty(getattr(settings.presets, preset.name), f"presets.{preset.name}")
    for other in ("microsoft_365", "microsoft_consumer"):
        if _is_set(settings, other) and _is_set(settings, "microsoft_365_v2"):
            what = "is version 1, and version 2 is set too: Microsoft asks for one of them"
            yield Problem(f"presets.{other}", what)


def _empty(preset: Any, path: str) -> Iterator[Problem]:  # noqa: ANN401 - one of many
    for each in fields(preset) if preset is not None else ():
        if getattr(preset, each.name) == ():
            yield Problem(f"{path}.{each.name}", "is empty")


def _names(table: RuleTable, path: str) -> Iterator[Problem]:
    """Look for names that no header can have, or that are not for a rule to change."""
    places = [(f"{path}.remove[{at}]", name) for at, name in enumerate(table.remove)]
    places += [(f"{path}.set.{_key(name)}", name) for name in table.set]
    places += [(f"{path}.add.{_key(name)}", name) for name in table.add]
    places += [
        (f"{path}.replace[{at}].header", each.header) for at, each in enumerate(table.replace)
    ]
    for place, name in places:
        if _TOKEN.fullmatch(name) is None:
            yield Problem(place, f"{json.dumps(name)} cannot be the name of a header")
        elif name.lower() in FRAMING:
            yield Problem(place, "tells where a body ends, and is the server's to say")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


# Rules


def _presets(settings: Presets, whens: Mapping[str, Conditions]) -> Iterator[Rule]:
    for name, preset in PRESETS.items():
        table = getattr(settings, name)
        if table is not None:
            hosts = Conditions({"hosts": list(preset.hosts)})
            changes = tuple(Set(*pair) for pair in preset.headers(table).items())
            yield Rule(name, whens[f"presets.{name}"], changes, hosts)


def _changes(table: RuleTable, longest: int) -> Iterator[Change]:
    yield from map(Remove, table.remove)
    for name, value in table.set.items():
        yield Set(name, value)
    for name, value in table.add.items():
        yield Add(name, value)
    for each in table.replace:
        expression = compiled(each.pattern)
        by = parts(each.by, expression.groups, expression.groupindex)
        yield Replace(each.header, expression, by, longest)
