"""Plugins with hooks are taken in by name, unless they are disabled or broken."""

from zcadapt.discovery import add_plugins
from zcadapt.hooks import Hooks


def test_plugins_are_taken_in_by_name(install, settings):
    install("plug-a", plugins={"b": "plugin", "a": "other"})
    hooks = Hooks()
    assert add_plugins(hooks, settings()) == []
    assert hooks.plugins == ["a", "b"]


def test_settings_disable_plugins(install, settings):
    install("plug-a", plugins={"b": "plugin", "a": "other"})
    hooks = Hooks()
    assert add_plugins(hooks, settings("[plugins.a]\nenabled = false")) == []
    assert hooks.plugins == ["b"]


def test_an_unknown_plugin_is_told_with_the_nearest(install, settings):
    install("plug-a", plugins={"audit": "plugin"})
    assert list(map(str, add_plugins(Hooks(), settings("[plugins.audt]")))) == [
        'zcadapt.toml:1: [plugins.audt]: no such plugin is installed. Did you mean "audit"?'
    ]


def test_a_broken_plugin_is_told_and_leaves_the_others_in_place(install, settings):
    install("plug-a", plugins={"a": "nothing", "b": "number", "c": "plugin"})
    hooks = Hooks()
    problems = list(map(str, add_plugins(hooks, settings())))
    assert [problem.partition(": ")[0] for problem in problems] == [
        "plug-a 1.0 (zcadapt.plugins"
    ] * 2
    assert hooks.plugins == ["c"]
