"""What an entry point names is a utility or makes one, or is told to be neither."""

from dataclasses import dataclass

import pytest

from zcadapt import read_options, setting
from zcadapt.config import SettingsError
from zcadapt.discovery import POLICIES
from zcadapt.discovery.making import make_policy, make_service
from zcadapt.interfaces import IICAPService


def names(registered):
    return [each.name for each in registered]


@pytest.mark.parametrize(
    ("value", "options"),
    [("service", None), ("Service", None), ("Configured", {}), ("make_service", {})],
)
def test_a_service_or_what_makes_one_can_be_named(install, found, value, options):
    install("plug-a", icap_services={"x": value})
    ((only,), problems) = found()
    assert problems == []
    assert IICAPService.providedBy(only.utility)
    assert only.utility.options == options


@pytest.mark.parametrize("value", ["foo", "strangers", "Partition", "make_policy"])
def test_a_policy_or_what_makes_one_can_be_named(install, found, value):
    install("plug-a", icp_policies={"x": value})
    ((only,), problems) = found(kind=POLICIES)
    assert problems == []
    assert only.utility("http://example.com/bar") is None


def test_a_plain_function_is_the_policy_itself(install, found):
    install("plug-a", icp_policies={"foo": "foo"})
    ((only,), _) = found(kind=POLICIES)
    assert only.utility("http://example.com/foo") == "ICP_OP_HIT"


@pytest.mark.parametrize("value", ["Configured", "make_service"])
def test_a_service_is_made_with_the_rest_of_its_table(install, found, value):
    install("plug-a", icap_services={"x": value})
    ((only,), problems) = found("[services.x]\non_error = 'skip'\nlists = ['a']\ndepth = 2")
    assert problems == []
    assert only.utility.options == {"lists": ["a"], "depth": 2}


@pytest.mark.parametrize("value", ["Partition", "make_policy"])
def test_a_policy_is_made_with_the_rest_of_its_table(install, found, value):
    install("plug-a", icp_policies={"x": value})
    ((only,), problems) = found("[policies.x]\nparts = 3", POLICIES)
    assert problems == []
    assert only.utility.options == {"parts": 3}


@pytest.mark.parametrize("value", ["service", "Service"])
def test_options_for_what_takes_none_are_told(install, found, value):
    install("plug-a", icap_services={"x": value})
    registered, problems = found("[services.x]\non_eror = 'skip'\nlists = []")
    assert problems == [
        (
            'zcadapt.toml:2: [services.x] on_eror: no such setting. Did you mean "on_error"?'
            " (of plug-a 1.0 (zcadapt.icap_services: x))"
        ),
        (
            "zcadapt.toml:3: [services.x] lists: no such setting"
            " (of plug-a 1.0 (zcadapt.icap_services: x))"
        ),
    ]
    assert registered == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("nothing", "AttributeError"),
        ("number", "neither provides the interface nor can be called"),
        ("Mute", "IICAPService"),
        ("undecided", "None does not provide IICAPService"),
        ("Unready", "preview"),
        ("Wordy", "methods must be a list of REQMOD, RESPMOD or both, not 'REQMOD'"),
        ("Greedy", "FILEMOD"),
        ("Negative", "preview must be a whole number of at least 0, not -1"),
        ("refusing", "LookupError: no list"),
        ("undecorated", "has no attribute 'http'; is @reqmod or @respmod missing?"),
        ("undecorated_async", "is @reqmod or @respmod missing?"),
        ("leaving", "SystemExit: 3"),
    ],
)
def test_a_broken_service_is_told_and_leaves_the_others_in_place(install, found, value, reason):
    install("plug-a", icap_services={"a": value, "b": "Service"})
    registered, (problem,) = found()
    assert problem.startswith("plug-a 1.0 (zcadapt.icap_services: a): ")
    assert reason in problem
    assert "\n" not in problem
    assert names(registered) == ["b"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("number", "cannot be called"),
        ("Mute", "cannot be called"),
        ("Shy", "__call__"),
        ("no_url", "it is called with one argument; too many positional arguments"),
        ("two_urls", "it is called with one argument; missing a required argument: 'more'"),
    ],
)
def test_a_broken_policy_is_told_and_leaves_the_others_in_place(install, found, value, reason):
    install("plug-a", icp_policies={"a": value, "b": "foo"})
    registered, (problem,) = found(kind=POLICIES)
    assert problem.startswith("plug-a 1.0 (zcadapt.icp_policies: a): ")
    assert reason in problem
    assert names(registered) == ["b"]


def test_options_that_a_plugin_refuses_are_told_with_their_place(install, found):
    code = """
        from dataclasses import dataclass
        from zcadapt.config import read_options
        from zcadapt.fields import setting

        @dataclass(frozen=True, kw_only=True)
        class Options:
            hosts: tuple[str, ...] = setting((), 'Whom to block.')

        def make(options):
            read_options(Options, options)
    """
    install("plug-a", code=code, icap_services={"x": "make"})
    _, problems = found("[services.x]\nhost = []\nhosts = 3")
    origin = "(of plug-a 1.0 (zcadapt.icap_services: x))"
    assert problems == [
        f'zcadapt.toml:2: [services.x] host: no such setting. Did you mean "hosts"? {origin}',
        f"zcadapt.toml:3: [services.x] hosts: must be a list, each a string, not 3 {origin}",
    ]


def test_a_misspelt_key_of_zcadapt_is_not_answered_with_the_plugin_s_keys():
    @dataclass(frozen=True, kw_only=True)
    class Options:
        lists: tuple[str, ...] = setting((), "What to read.")
        depth: int = setting(3, "How deep.")

    with pytest.raises(SettingsError) as caught:
        make_service(
            lambda options: read_options(Options, options), {"on_eror": 1, "dept": 1, "x": 1}
        )
    assert [problem.what for problem in caught.value.problems] == [
        'no such setting. Did you mean "on_error"?',
        'no such setting. Did you mean "depth"?',
        "no such setting; there are depth, lists",
    ]


def test_an_option_that_nobody_takes_is_named_as_it_is_written():
    with pytest.raises(SettingsError) as caught:
        make_policy(lambda url: None, {"a.b": 1})
    assert [problem.where for problem in caught.value.problems] == ['"a.b"']


def test_a_factory_that_fails_over_something_else_is_not_taken_for_a_service(install, found):
    install("plug-a", icap_services={"a": "careless"})
    _, (problem,) = found()
    assert problem.endswith("AttributeError: 'int' object has no attribute 'x'")
