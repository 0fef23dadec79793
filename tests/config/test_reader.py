"""All that is wrong is told at once, each with its place and what was expected."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field

import pytest

from zcadapt import Conditions
from zcadapt.config import Settings, SettingsError, load, read_options
from zcadapt.fields import setting
from zcadapt.testing import reqmod_request


def test_all_problems_are_told_at_once_each_with_its_line(problems):
    assert problems("""\
[icap]
listen = ["127.0.0.1"]
conections = 5
options_ttl = 0

[services."10-x"]
on_error = "ignore"
timeout = "soon"
""") == [
        'zcadapt.toml:2: [icap] listen[0]: must be HOST:PORT, not "127.0.0.1": the port is missing',
        'zcadapt.toml:3: [icap] conections: no such setting. Did you mean "connections"?',
        "zcadapt.toml:4: [icap] options_ttl: must be a whole number from 1 to 86400, not 0",
        (
            'zcadapt.toml:7: [services.10-x] on_error: must be one of "error", "skip", "block",'
            ' not "ignore"'
        ),
        'zcadapt.toml:8: [services.10-x] timeout: must be a number from 0.001 to 3600, not "soon"',
    ]


def test_a_wrong_value_leaves_the_default_and_the_others(write):
    loaded = load(write('[icap]\noptions_ttl = 0\nconnections = 7\nlisten = "here"'))
    assert len(loaded.problems) == 2
    assert loaded.settings.icap.options_ttl == Settings().icap.options_ttl
    assert loaded.settings.icap.listen == Settings().icap.listen
    assert loaded.settings.icap.connections == 7


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[icp2]", 'zcadapt.toml:1: [icp2]: no such table. Did you mean "icp"?'),
        ("[polices.x]", 'zcadapt.toml:1: [polices]: no such table. Did you mean "policies"?'),
        ("icap = 3", "zcadapt.toml:1: icap: must be a table, not 3"),
        ("services = []", "zcadapt.toml:1: services: must be a table, not []"),
        ("[services]\nx = 1", "zcadapt.toml:2: [services] x: must be a table, not 1"),
        (
            '\n[services."a b"]\nenabled = "no"',
            'zcadapt.toml:3: [services."a b"] enabled: must be true or false, not "no"',
        ),
        (
            "[policies.a]\nenabled = 1",
            "zcadapt.toml:2: [policies.a] enabled: must be true or false, not 1",
        ),
        (
            '[endpoints]\navscan = "x"',
            'zcadapt.toml:2: [endpoints] avscan: must be a list, each a string, not "x"',
        ),
        (
            "[endpoints]\navscan = [1]",
            "zcadapt.toml:2: [endpoints] avscan[0]: must be a string, not 1",
        ),
        (
            "[icap]\nconnections = true",
            (
                "zcadapt.toml:2: [icap] connections: must be a whole number from 1 to 1000000, "
                "not true"
            ),
        ),
        (
            "[icap]\nconnections = 1.0",
            "zcadapt.toml:2: [icap] connections: must be a whole number from 1 to 1000000, not 1.0",
        ),
        (
            "[server]\ngrace = nan",
            "zcadapt.toml:2: [server] grace: must be a number from 0 to 3600, not NaN",
        ),
        (
            "[server]\ngrace = inf",
            "zcadapt.toml:2: [server] grace: must be a number from 0 to 3600, not Infinity",
        ),
        (
            "server = { grac = 1 }",
            'zcadapt.toml:1: [server] grac: no such setting. Did you mean "grace"?',
        ),
        (
            '[icp]\nallow = ["::1", "10.0.0.1/8"]',
            (
                "zcadapt.toml:2: [icp] allow[1]: must be an address or a network, "
                'not "10.0.0.1/8": the network is 10.0.0.0/8'
            ),
        ),
        (
            '[icp]\nmulticast = ["192.0.2.1"]',
            (
                'zcadapt.toml:2: [icp] multicast[0]: must be a multicast group, not "192.0.2.1": '
                "groups are in 224.0.0.0/4 and ff00::/8"
            ),
        ),
        (
            "[log]\nzzz = 1",
            "zcadapt.toml:2: [log] zzz: no such setting; there are level, repeats",
        ),
    ],
)
def test_a_problem_names_its_place_and_what_was_expected(problems, text, problem):
    assert problems(text) == [problem]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a plugin might declare."""

    hosts: tuple[str, ...] = setting((), "Whom to block.")
    depth: int = setting(1, "How deep.", least=1, most=9)


def test_a_plugin_reads_its_options_as_we_read_settings():
    assert read_options(Options, {"hosts": ["a", "b"]}) == Options(hosts=("a", "b"), depth=1)


def test_all_that_is_wrong_with_options_is_told_at_once():
    with pytest.raises(SettingsError) as caught:
        read_options(Options, {"host": ["a"], "depth": 10})
    assert list(map(str, caught.value.problems)) == [
        'host: no such setting. Did you mean "hosts"?',
        "depth: must be a whole number from 1 to 9, not 10",
    ]
    assert "hosts" in str(caught.value)
    assert "depth" in str(caught.value)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A table in a list, with a setting that has to be there."""

    path: str = setting(MISSING, "Where it is.")
    sizes: tuple[int, ...] = setting((), "Some numbers.", least=1)


@dataclass(frozen=True, kw_only=True)
class Nested:
    """Tables in tables and in lists."""

    lists: tuple[Source, ...] = setting((), "What to read.")
    first: Source = field(default_factory=lambda: Source(path="a"))
    named: Mapping[str, Source] = field(default_factory=dict)


def test_options_may_be_nested():
    assert read_options(
        Nested,
        {
            "lists": [{"path": "b"}, {"path": "c", "sizes": [1, 2]}],
            "first": {"path": "d"},
            "named": {"x": {"path": "e"}},
        },
    ) == Nested(
        lists=(Source(path="b"), Source(path="c", sizes=(1, 2))),
        first=Source(path="d"),
        named={"x": Source(path="e")},
    )
    assert read_options(Nested, {}) == Nested()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"lists": [{"path": "a"}, {}]}, "lists[1].path: is missing; it must be a string"),
        ({"lists": [{"path": 1}]}, "lists[0].path: must be a string, not 1"),
        (
            {"lists": [{"path": "", "way": 1}]},
            "lists[0].way: no such setting; there are path, sizes",
        ),
        (
            {"lists": [{"path": "", "sizes": [1, 0]}]},
            "lists[0].sizes[1]: must be a whole number of at least 1, not 0",
        ),
        ({"lists": ["a"]}, 'lists[0]: must be a table, not "a"'),
        ({"lists": {}}, "lists: must be a list, each a table, not {}"),
        ({"first": {}}, "first.path: is missing; it must be a string"),
        ({"first": []}, "first: must be a table, not []"),
        ({"named": {"a b": {"path": 1}}}, 'named."a b".path: must be a string, not 1'),
    ],
)
def test_what_is_wrong_in_nested_options_is_told_with_its_path(options, problem):
    with pytest.raises(SettingsError) as caught:
        read_options(Nested, options)
    assert list(map(str, caught.value.problems)) == [problem]


@dataclass(frozen=True, kw_only=True)
class Timed:
    """A plugin's own settings, with conditions."""

    when: Conditions = setting(Conditions({}), "Where it applies.")
    unless: Conditions | None = setting(None, "Where it does not.")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Some of them."""

    rules: tuple[Timed, ...] = setting((), "The rules.")


def test_conditions_are_a_setting_like_any_other():
    (rule,) = read_options(Rules, {"rules": [{"when": {"hosts": ["a.example"]}}]}).rules
    assert rule.when.holds(reqmod_request("http://a.example/"))
    assert not rule.when.holds(reqmod_request("http://b.example/"))
    assert rule.unless is None
    (rule,) = read_options(Rules, {"rules": [{"unless": {"methods": ["GET"]}}]}).rules
    assert rule.unless.holds(reqmod_request("http://a.example/"))


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        (7, "rules[0].when: must be a table, not 7"),
        (None, "rules[0].when: must be a table, not null"),
        ({"hosts": [7]}, "rules[0].when.hosts[0]: must be a host, or a domain that begins with"),
        ({"not": {"hosts": 7}}, "rules[0].when.not.hosts: must be a list"),
        ({"host": []}, 'rules[0].when.host: no such condition. Did you mean "hosts"?'),
    ],
)
def test_what_is_wrong_with_conditions_is_told_with_its_path(when, problem):
    with pytest.raises(SettingsError) as caught:
        read_options(Rules, {"rules": [{"when": when}]})
    (told,) = caught.value.problems
    assert str(told).startswith(problem)
