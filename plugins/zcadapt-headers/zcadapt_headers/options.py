"""From the options of the settings file to rules, with everything that is wrong told at once."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final, NamedTuple

from zcadapt import Conditions, Format, Problem, SettingsError, read_options, setting
from zcadapt_headers.changes import Add, Change, Remove, Replace, Set, compiled, parts
from zcadapt_headers.presets import MOST_ENTERPRISES, PRESETS, GitHub, Presets

__all__ = ["Rule", "Rules", "read_rules"]

#: Headers that tell how a body is sent, and those between neighbours (RFC 9110, 7.6.1 and 11.7).
FRAMING: Final = ("content-length", "transfer-encoding", "trailer")
BETWEEN: Final = ("connection", "keep-alive", "proxy-connection", "te", "upgrade")
CREDENTIALS: Final = ("proxy-authenticate", "proxy-authentication-info", "proxy-authorization")

#: Why some headers are not for a rule to change.
REFUSED: Final = {
    **dict.fromkeys(FRAMING, "tells how a body is sent, and is the server's to say"),
    **dict.fromkeys(
        (*BETWEEN, *CREDENTIALS), "is between two neighbours, and is the proxy's to say"
    ),
    "host": "tells whom a request is for, as its URL does, and is the proxy's to say",
}

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
    """A rule: what is done to headers, and where."""

    when: Conditions = setting(ANYWHERE, "Where the rule applies.")
    to: str = setting("request", "Whose headers are changed.", choices=("request", "response"))
    remove: tuple[str, ...] = setting((), "Headers to drop.")
    set: Mapping[str, str] = _headers("Headers to have, whatever there was.")
    add: Mapping[str, str] = _headers("Headers to have one more of.")
    replace: tuple[ReplaceTable, ...] = setting((), "What to replace in values.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """All that can be set."""

    rules: tuple[RuleTable, ...] = setting((), "Applied in this order, all that hold.")
    presets: Presets = setting(Presets(), "Tenant restrictions.")
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
    settings = read_options(Options, options)
    if problems := list(_contradictions(settings, options)):
        raise SettingsError(problems)
    presets = tuple(_presets(settings.presets))
    made: dict[str, list[Rule]] = {"request": [], "response": []}
    for at, table in enumerate(settings.rules):
        changes = tuple(_changes(table, settings.longest))
        made[table.to].append(Rule(f"rule {at + 1}", table.when, changes))
    hosts = [each for name in PRESETS for each in PRESETS[name].hosts if _is_set(settings, name)]
    gate = Conditions({"hosts": hosts, "not": NOT_CONNECT}) if hosts else None
    return Rules(presets, gate, tuple(made["request"]), tuple(made["response"]))


def _is_set(settings: Options, name: str) -> bool:
    return getattr(settings.presets, name) is not None


# What is wrong though each setting would do by itself.


def _contradictions(settings: Options, options: Mapping[str, object]) -> Iterator[Problem]:
    for at, table in enumerate(settings.rules):
        path = f"rules[{at}]"
        yield from _names(table, path)
        for number, each in enumerate(table.replace):
            try:
                _replace(each, settings.longest)
            except ValueError as error:
                yield Problem(f"{path}.replace[{number}].by", str(error))
        if not any((table.remove, table.set, table.add, table.replace)):
            yield Problem(path, "changes nothing: it has no remove, set, add or replace")
    for path, when in _whens_of_requests(options):
        if "status" in when:
            yield Problem(f"{path}.status", "a request has none, so it would never hold")
    for preset in fields(Presets):
        yield from _numbers(getattr(settings.presets, preset.name), f"presets.{preset.name}")
    for other in ("microsoft_365", "microsoft_consumer"):
        if _is_set(settings, other) and _is_set(settings, "microsoft_365_v2"):
            what = "is version 1, and version 2 is set too: Microsoft asks for one of them"
            yield Problem(f"presets.{other}", what)


def _whens_of_requests(options: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield the tables ``when`` of what changes requests, and the ``not`` in each."""
    tables = {f"presets.{name}": table for name, table in options.get("presets", {}).items()}
    for at, table in enumerate(options.get("rules", ())):
        if table.get("to") != "response":
            tables[f"rules[{at}]"] = table
    for path, table in tables.items():
        when = table.get("when", {})
        yield f"{path}.when", when
        yield f"{path}.when.not", when.get("not", {})


def _numbers(preset: Any, path: str) -> Iterator[Problem]:  # noqa: ANN401 - one of many
    for each in fields(preset) if preset is not None else ():
        if getattr(preset, each.name) == ():
            yield Problem(f"{path}.{each.name}", "is empty")
    if isinstance(preset, GitHub) and len(preset.enterprises) > MOST_ENTERPRISES:
        what = f"are more than {MOST_ENTERPRISES}, which GitHub does not take"
        yield Problem(f"{path}.enterprises", what)


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
        elif name.lower() in REFUSED:
            yield Problem(place, REFUSED[name.lower()])
    known: dict[str, str] = {}
    for name in table.set:
        if (other := known.setdefault(name.lower(), name)) != name:
            yield Problem(f"{path}.set.{_key(name)}", f"is the same header as {other}")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


# Rules


def _presets(settings: Presets) -> Iterator[Rule]:
    for name, preset in PRESETS.items():
        table = getattr(settings, name)
        if table is not None:
            hosts = Conditions({"hosts": list(preset.hosts)})
            changes = tuple(Set(*pair) for pair in preset.headers(table).items())
            yield Rule(name, table.when, changes, hosts)


def _changes(table: RuleTable, longest: int) -> Iterator[Change]:
    yield from map(Remove, table.remove)
    for name, value in table.set.items():
        yield Set(name, value)
    for name, value in table.add.items():
        yield Add(name, value)
    for each in table.replace:
        yield _replace(each, longest)


def _replace(table: ReplaceTable, longest: int) -> Replace:
    expression = compiled(table.pattern)
    by = parts(table.by, expression.groups, expression.groupindex)
    return Replace(table.header, expression, by, longest)
