"""All that is wrong is told at once, each with its place and what was expected."""

import tomllib
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcadapt.config import Place, Settings, SettingsError, load, read_options
from zcadapt.setting import setting


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
        'zcadapt.toml:2: [icap] listen: must be a list, each HOST:PORT, not ["127.0.0.1"]',
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
            "zcadapt.toml:2: [endpoints] avscan: must be a list, each a string, not [1]",
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
            '[icp]\nallow = ["10.0.0.1/8"]',
            (
                "zcadapt.toml:2: [icp] allow: must be a list, each an address or a network, "
                'not ["10.0.0.1/8"]'
            ),
        ),
        (
            '[icp]\nmulticast = ["192.0.2.1"]',
            (
                "zcadapt.toml:2: [icp] multicast: must be a list, each a multicast group, "
                'not ["192.0.2.1"]'
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


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place(), ""),
        (Place(key="top"), "top"),
        (Place(("icap",)), "[icap]"),
        (Place(("icap",), "listen"), "[icap] listen"),
        (Place(("services", "10-x"), "use"), "[services.10-x] use"),
        (Place(("services", "a.b"), "use"), '[services."a.b"] use'),
        (Place(("policies", "")), '[policies.""]'),
    ],
)
def test_a_place_reads_as_in_the_file(place, text):
    assert str(place) == text


@given(name=st.text(max_size=8, alphabet=st.characters(exclude_categories=["C"], codec="utf-8")))
def test_the_table_of_a_place_is_toml(name):
    if '"' not in name and "\\" not in name:
        assert tomllib.loads(str(Place(("services", name)))) == {"services": {name: {}}}


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
