"""Settings: what is wrong is told at once, with its place."""

import tomllib

import pytest
from zcadapt_headers import make_service

from zcadapt import SettingsError
from zcadapt.testing import check_service, decide_now, reqmod_request, respmod_request

GUID = "01234567-89ab-cdef-0123-456789abcdef"
WRONG = """
rule = []
longest = 0
[[rules]]
to = "both"
remove = ["X Y", "Content-Length"]
set = { "X:Y" = "1", A = "\\n", B = "\u20ac", Transfer-Encoding = "chunked" }
[[rules]]
[[rules]]
when = { host = ["x"], status = [404] }
[rules.add]
A = 1
[[rules.replace]]
header = "A"
pattern = "(?<=x)y"
by = "z"
[[rules.replace]]
header = "B:"
patern = "y"
[presets.youtube]
mode = "Strict"
when = { hosts = [] }
[presets.slak]
[presets.google_workspace]
"""


def problems_of(options):
    with pytest.raises(SettingsError) as raised:
        make_service(options)
    return {each.where: each.what for each in raised.value.problems}


def test_all_problems_are_told_at_once_each_with_its_place():
    told = problems_of(tomllib.loads(WRONG))
    expected = {
        "rule": 'Did you mean "rules"?',
        "longest": "from 1 to 65536",
        "rules[0].to": 'one of "request", "response"',
        "rules[0].set.A": "in one line",
        "rules[0].set.B": "beyond Latin-1",
        "rules[2].add.A": "in one line",
        "rules[2].when.host": 'Did you mean "hosts"?',
        "rules[2].replace[0].pattern": "invalid perl operator",
        "rules[2].replace[1].patern": 'Did you mean "pattern"?',
        "rules[2].replace[1].pattern": "is missing",
        "rules[2].replace[1].by": "is missing",
        "presets.slak": 'Did you mean "slack"?',
        "presets.youtube.mode": 'one of "strict", "moderate", not "Strict"',
        "presets.youtube.when.hosts": "is empty",
        "presets.google_workspace.domains": "is missing",
    }
    assert told.keys() == expected.keys()
    for key, what in expected.items():
        assert what in told[key]


def test_so_is_what_is_wrong_though_each_setting_would_do():
    rules = [
        {"remove": ["X Y", "content-length"], "set": {"X:Y": "1", "Transfer-Encoding": "chunked"}},
        {},
        {"add": {"A": "1"}, "when": {"status": [404]}},
        {"replace": [{"header": "A:", "pattern": "(x)", "by": r"\2"}]},
        {"replace": [{"header": "A", "pattern": "(x)", "by": r"\n"}]},
    ]
    presets = {
        "microsoft_365": {"tenants": [], "context": GUID},
        "microsoft_365_v2": {"tenant": GUID, "policy": GUID},
    }
    assert problems_of({"rules": rules, "presets": presets}) == {
        "rules[0].remove[0]": '"X Y" cannot be the name of a header',
        "rules[0].remove[1]": "tells how a body is sent, and is the server's to say",
        'rules[0].set."X:Y"': '"X:Y" cannot be the name of a header',
        "rules[0].set.Transfer-Encoding": "tells how a body is sent, and is the server's to say",
        "rules[1]": "changes nothing: it has no remove, set, add or replace",
        "rules[2].when.status": "a request has none, so it would never hold",
        "rules[3].replace[0].header": '"A:" cannot be the name of a header',
        "rules[3].replace[0].by": r"there is no group \2; a backslash is written twice",
        "rules[4].replace[0].by": r"there is no group \n; a backslash is written twice",
        "presets.microsoft_365.tenants": "is empty",
        "presets.microsoft_365": "is version 1, and version 2 is set too: "
        "Microsoft asks for one of them",
    }


@pytest.mark.parametrize("value", [1, "x", [1], {"a": 1}, [{"when": 1}], {"slack": {"when": 1}}])
@pytest.mark.parametrize("key", ["rules", "presets"])
def test_other_nonsense_is_told_too(key, value):
    assert problems_of({key: value})


REFUSED = (
    "Connection Keep-Alive Proxy-Connection TE Upgrade "  # RFC 9110, 7.6.1
    "Proxy-Authenticate Proxy-Authentication-Info Proxy-Authorization "  # 11.7
    "Content-Length Transfer-Encoding Trailer Host"
)


@pytest.mark.parametrize("name", REFUSED.split())
@pytest.mark.parametrize("to", ["request", "response"])
def test_headers_that_are_for_the_proxy_to_say_are_not_changed(name, to):
    rule = {
        "to": to,
        "remove": [name],
        "set": {name.upper(): "Content-Length"},
        "add": {name.lower(): "x"},
        "replace": [{"header": name, "pattern": "x", "by": "y"}],
    }
    told = problems_of({"rules": [rule]})
    assert set(told) == {
        "rules[0].remove[0]",
        f"rules[0].set.{name.upper()}",
        f"rules[0].add.{name.lower()}",
        "rules[0].replace[0].header",
    }
    assert all(what.endswith("'s to say") for what in told.values())


def test_a_header_is_set_once_whatever_the_case():
    options = {"rules": [{"set": {"X-A": "1", "B": "2", "x-a": "3"}, "add": {"A": "1", "a": "2"}}]}
    assert problems_of(options) == {"rules[0].set.x-a": "is the same header as X-A"}


def test_a_request_has_no_status_that_could_be_excepted():
    whens = [
        {"not": {"status": [200]}},
        {"status": [200], "not": {"status": [404], "users": ["a"]}},
    ]
    rules = [{"remove": ["A"], "when": when} for when in whens]
    responses = [{**rule, "to": "response"} for rule in rules]
    presets = {"youtube": {"mode": "strict", "when": {"not": {"status": [200]}}}}
    assert problems_of({"rules": [*rules, *responses], "presets": presets}).keys() == {
        "rules[0].when.not.status",
        "rules[1].when.status",
        "rules[1].when.not.status",
        "presets.youtube.when.not.status",
    }


def test_not_configured_it_has_no_opinion():
    assert decide_now(make_service({}), reqmod_request("http://www.example.com/")) is None


OPTIONS = [
    {},
    {"rules": [{"add": {"A": "1"}}]},
    {"rules": [{"to": "response", "set": {"A": "1"}}, {"remove": ["Cookie"]}]},
    {"rules": [{"add": {"A": "1"}, "when": {"times": ["08:00-18:00"], "hosts": [".example.com"]}}]},
    {"presets": {"youtube": {"mode": "strict"}}},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_it_keeps_the_promises_of_a_service(options):
    check_service(lambda: make_service(options))


def test_other_options_make_another_istag():
    versions = {make_service(options).version for options in OPTIONS}
    assert len(versions) == len(OPTIONS)
    assert make_service(OPTIONS[1]).version == make_service(OPTIONS[1]).version


def test_only_who_depends_on_the_time_has_a_state():
    assert [hasattr(make_service(options), "state") for options in OPTIONS] == [
        False,
        False,
        False,
        True,
        False,
    ]
    assert make_service(OPTIONS[3]).state in {"0", "1"}


def test_a_response_rule_does_not_look_at_requests():
    service = make_service({"rules": [{"to": "response", "remove": ["A"]}]})
    assert service.methods == ("RESPMOD",)
    assert decide_now(service, respmod_request("http://x/", headers={"A": "1"})) is not None
