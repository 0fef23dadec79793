"""Settings rename, repeat and disable what is installed; Python code replaces it."""

import pytest
from zope.interface.registry import Components

from zcadapt.discovery import (
    POLICIES,
    SERVICES,
    Origin,
    origins,
    register,
    reject_broken,
    unclaimed,
)
from zcadapt.interfaces import IICAPService, IICPPolicy, IICPQueryPolicy


def names(registered):
    return [each.name for each in registered]


def test_settings_rename(install, found):
    install("plug-a", icap_services={"urllist": "Configured"})
    ((only,), problems) = found("[services.10-trackers]\nuse = 'urllist'")
    assert problems == []
    assert (only.name, only.origin.entry_point) == ("10-trackers", "urllist")


def test_settings_repeat(install, found):
    install("plug-a", icap_services={"urllist": "Configured"})
    registered, _ = found("""
        [services.20-late]
        use = 'urllist'
        list = 'b'
        [services.10-early]
        use = 'urllist'
        list = 'a'
    """)
    assert [(each.name, each.utility.options["list"]) for each in registered] == [
        ("10-early", "a"),
        ("20-late", "b"),
    ]


def test_what_is_renamed_keeps_its_own_name_only_when_a_table_says_so(install, found):
    install("plug-a", icap_services={"urllist": "Configured"})
    registered, _ = found("[services.10-x]\nuse = 'urllist'\n[services.urllist]")
    assert names(registered) == ["10-x", "urllist"]


def test_settings_disable(install, found):
    install("plug-a", icap_services={"a": "Service", "b": "Service"})
    assert names(found("[services.a]\nenabled = false")[0]) == ["b"]


def test_a_name_can_be_used_for_another_entry_point(install, found):
    install("plug-a", icap_services={"a": "Service", "b": "Configured"})
    ((only,), problems) = found("[services.a]\nuse = 'b'")
    assert problems == []
    assert (only.name, only.origin.entry_point) == ("a", "b")


def test_an_unknown_entry_point_is_told_with_the_nearest(install, found):
    install("plug-a", icap_services={"urllist": "Service"})
    registered, problems = found("[services.x]\nuse = 'urllst'")
    assert problems == [
        (
            'zcadapt.toml:2: [services.x] use: no entry point "urllst" in zcadapt.icap_services.'
            ' Did you mean "urllist"?'
        )
    ]
    assert names(registered) == ["urllist"]


def by_hand(url):
    return "ICP_OP_MISS"


def test_python_code_replaces_what_is_installed_and_its_origin(install, settings):
    install("plug-a", icp_policies={"foo": "foo"})
    components = Components()
    register(components, settings(), POLICIES)
    components.registerUtility(by_hand, IICPPolicy, "foo")
    (only,) = origins(components, IICPPolicy)
    assert only.utility is by_hand
    assert only.origin == Origin(__name__)
    assert str(only.origin) == f"registered in Python ({__name__})"


def test_an_object_says_the_module_of_its_class():
    class Policy:
        __module__ = "somewhere"

        def __call__(self, url):
            return None

    components = Components()
    components.registerUtility(Policy(), IICPPolicy, "x")
    assert origins(components, IICPPolicy)[0].origin.module == "somewhere"


def test_one_object_under_two_names_has_two_origins(install, settings):
    install("plug-a", icap_services={"a": "service"})
    components = Components()
    register(components, settings(), SERVICES)
    (first,) = origins(components, IICAPService)
    components.registerUtility(first.utility, IICAPService, "b")
    assert [bool(each.origin.distribution) for each in origins(components, IICAPService)] == [
        True,
        False,
    ]


def test_a_table_may_be_about_what_python_registers(settings):
    components = Components()
    components.registerUtility(by_hand, IICPPolicy, "foo")
    loaded = settings("[policies.foo]\non_error = 'block'\n[policies.fop]\n")
    assert register(components, loaded, POLICIES) == []
    assert list(map(str, unclaimed(components, loaded, POLICIES))) == [
        (
            "zcadapt.toml:3: [policies.fop]: nothing of this name is installed or registered."
            ' Did you mean "foo"?'
        )
    ]


def test_what_python_registers_has_no_options_and_cannot_be_disabled(settings):
    components = Components()
    components.registerUtility(by_hand, IICPPolicy, "foo")
    loaded = settings("[policies.foo]\nsize = 3\nenabled = false")
    assert list(map(str, unclaimed(components, loaded, POLICIES))) == [
        "zcadapt.toml:2: [policies.foo] size: only what an entry point names can have options",
        "zcadapt.toml:3: [policies.foo] enabled: only what an entry point names can be disabled",
    ]


def test_a_table_about_what_is_installed_is_claimed(install, settings):
    install("plug-a", icap_services={"a": "Configured", "b": "refusing"})
    loaded = settings("[services.a]\nx = 1\n[services.b]\n[services.c]\nuse = 'nothing'")
    components = Components()
    register(components, loaded, SERVICES)
    assert unclaimed(components, loaded, SERVICES) == []


def test_a_table_with_options_for_nothing_is_told_once_and_what_may_be_missing(settings):
    loaded = settings("[services.20-games]\nlists = []\nenabled = false")
    assert list(map(str, unclaimed(Components(), loaded, SERVICES))) == [
        (
            "zcadapt.toml:1: [services.20-games]: nothing of this name is installed or registered;"
            ' is use = "…" missing?'
        )
    ]


@pytest.mark.parametrize("interface", [IICPPolicy, IICPQueryPolicy])
def test_a_policy_registered_in_python_that_cannot_be_asked_is_told_and_left_out(interface):
    components = Components()
    components.registerUtility(lambda: None, interface, "10-f")
    components.registerUtility(by_hand, interface, "20-g")
    (problem,) = map(str, reject_broken(components))
    assert problem.startswith("policy '10-f', registered in Python (")
    assert "it is called with one argument" in problem
    assert names(origins(components, IICPPolicy)) == ["20-g"]
