"""Presets: the header that a vendor asks for, on the vendor's hosts and nowhere else."""

from pathlib import Path

import pytest
from zcadapt_headers import make_service
from zcadapt_headers.presets import PRESETS

from zcadapt import SettingsError
from zcadapt.testing import decide_now, reqmod_request, respmod_request

README = Path(__file__).parent.parent / "README.rst"
ONE = "01234567-89ab-cdef-0123-456789abcdef"
TWO = "FEDCBA98-89ab-cdef-0123-456789abcdef"

CASES = {
    "google_workspace": (
        {"domains": ["example.com", "example.net", "consumer_accounts"]},
        {"X-GoogApps-Allowed-Domains": "example.com,example.net,consumer_accounts"},
    ),
    "microsoft_365": (
        {"tenants": ["example.com", "example.onmicrosoft.com", ONE], "context": TWO},
        {
            "Restrict-Access-To-Tenants": f"example.com,example.onmicrosoft.com,{ONE}",
            "Restrict-Access-Context": TWO,
        },
    ),
    "microsoft_365_v2": (
        {"tenant": ONE, "policy": TWO},
        {"sec-Restrict-Tenant-Access-Policy": f"{ONE}:{TWO}"},
    ),
    "microsoft_consumer": ({}, {"sec-Restrict-Tenant-Access-Policy": "restrict-msa"}),
    "youtube": ({"mode": "strict"}, {"YouTube-Restrict": "Strict"}),
    "slack": (
        {"requester": "E0123ABCD", "workspaces": ["E0123ABCD", "T0456EFGH"]},
        {
            "X-Slack-Allowed-Workspaces-Requester": "E0123ABCD",
            "X-Slack-Allowed-Workspaces": "E0123ABCD,T0456EFGH",
        },
    ),
    "dropbox": ({"teams": ["12345", "67890"]}, {"X-Dropbox-allowed-Team-Ids": "12345,67890"}),
    "webex": (
        {"domains": ["example.com", "example.net"]},
        {"CiscoSpark-Allowed-Domains": "example.com,example.net"},
    ),
    "github": ({"enterprises": ["1234", "56"]}, {"sec-GitHub-allowed-enterprise": "1234, 56"}),
    "chatgpt": ({"workspaces": [ONE, TWO]}, {"ChatGPT-Allowed-Workspace-Id": f"{ONE},{TWO}"}),
    "claude": ({"organizations": [ONE, TWO]}, {"anthropic-allowed-org-ids": f"{ONE},{TWO}"}),
}
EVERY_HOST = {host for preset in PRESETS.values() for host in preset.hosts}


def test_there_is_a_case_for_each():
    assert CASES.keys() == PRESETS.keys()


@pytest.mark.parametrize("name", CASES)
def test_the_header_is_set_on_the_hosts_of_the_vendor_and_nowhere_else(name):
    options, headers = CASES[name]
    service = make_service({"presets": {name: options}})
    for host in EVERY_HOST | {".example.com"}:
        below = f"a.b{host}" if host.startswith(".") else host
        decision = decide_now(service, reqmod_request(f"https://{below}/x"))
        if host in PRESETS[name].hosts:
            assert dict(decision.add_headers) == headers
            assert decision.reason == name
        else:
            assert decision is None, host


def test_each_of_many_keeps_to_its_hosts():
    version_1 = {"microsoft_365", "microsoft_consumer"}
    presets = {name: options for name, (options, _) in CASES.items() if name not in version_1}
    service = make_service({"presets": presets})
    for name in presets:
        for host in PRESETS[name].hosts:
            decision = decide_now(service, reqmod_request(f"https://{host.removeprefix('.')}/"))
            assert dict(decision.add_headers) == CASES[name][1]


@pytest.mark.parametrize("name", CASES)
def test_what_a_client_says_itself_is_replaced(name):
    options, headers = CASES[name]
    service = make_service({"presets": {name: options}})
    host = PRESETS[name].hosts[0].removeprefix(".")
    own = [(header.upper(), value) for header in headers for value in ("mine", "mine too")]
    request = reqmod_request(f"https://{host}/", headers=own)
    assert dict(decide_now(service, request).set_headers) == headers


@pytest.mark.parametrize(
    "host", ["device.login.microsoftonline.com", "login.microsoftonline.com.x"]
)
def test_microsoft_asks_for_nothing_on_hosts_below(host):
    service = make_service({"presets": {"microsoft_365": CASES["microsoft_365"][0]}})
    assert decide_now(service, reqmod_request(f"https://{host}/")) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://LOGIN.live.COM/",
        "https://login.live.com.:443/",
        "https://u@login.live.com/",
        "https://login.live.com%2e/",
        "https://login%2Elive.com/",
    ],
)
def test_the_host_may_be_written_otherwise(url):
    service = make_service({"presets": {"microsoft_consumer": {}}})
    assert decide_now(service, reqmod_request(url)) is not None


@pytest.mark.parametrize("hosts", [["login.live.com", "x"], ["x", "login.live.com:443"]])
def test_another_host_beside_it_does_not_lift_a_restriction(hosts):
    service = make_service({"presets": {"microsoft_consumer": {}}})
    request = reqmod_request("/", headers=[("Host", host) for host in hosts])
    assert decide_now(service, request) is not None


def test_github_takes_twenty_enterprises():
    enterprises = [str(number) for number in range(20)]
    assert make_service({"presets": {"github": {"enterprises": enterprises}}})


def test_connect_goes_no_further_than_the_proxy_and_stays_as_it_is():
    service = make_service({"presets": {"microsoft_consumer": {}}})
    request = reqmod_request(
        "login.live.com:443", method="CONNECT", headers={"Host": "login.live.com"}
    )
    assert decide_now(service, request) is None


def test_responses_are_left_alone():
    service = make_service({"presets": {"microsoft_consumer": {}}})
    assert service.methods == ("REQMOD",)
    assert decide_now(service, respmod_request("https://login.live.com/")) is None


def test_a_preset_may_have_conditions_of_its_own():
    options = {"mode": "moderate", "when": {"not": {"groups": ["teachers"]}}}
    service = make_service({"presets": {"youtube": options}})
    teacher = {"X-Authenticated-Groups": "Teachers"}
    url = "https://www.youtube.com/"
    assert decide_now(service, reqmod_request(url)) is not None
    assert decide_now(service, reqmod_request(url, icap_headers=teacher)) is None


def test_presets_and_rules_are_applied_together_the_rules_last():
    service = make_service(
        {
            "presets": {"microsoft_consumer": {}},
            "rules": [{"set": {"A": "1"}, "remove": ["Cookie"]}],
        }
    )
    request = reqmod_request("https://login.live.com/", headers={"Cookie": "a"})
    decision = decide_now(service, request)
    assert decision.reason == "microsoft_consumer, rule 1"
    assert decision.remove_headers == ("Cookie",)
    assert dict(decision.add_headers) == {
        "A": "1",
        "sec-Restrict-Tenant-Access-Policy": "restrict-msa",
    }


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("google_workspace", {"domains": ["example"]}),
        ("google_workspace", {"domains": ["a.example,b.example"]}),
        ("google_workspace", {"domains": []}),
        ("microsoft_365", {"tenants": ["example.com"], "context": "example.com"}),
        ("microsoft_365", {"tenants": ["x y"], "context": ONE}),
        ("microsoft_365_v2", {"tenant": ONE, "policy": ONE[:-1]}),
        ("microsoft_consumer", {"domains": []}),
        ("youtube", {"mode": "none"}),
        ("slack", {"requester": "example", "workspaces": ["T0123ABCD"]}),
        ("slack", {"requester": "T0123ABCD", "workspaces": []}),
        ("slack", {"requester": ["T0123ABCD"], "workspaces": ["T0123ABCD"]}),
        ("dropbox", {"teams": ["1,2"]}),
        ("dropbox", {"teams": ["1\r\n"]}),
        ("webex", {"domains": ["http://example.com"]}),
        ("github", {"enterprise": "1"}),
        ("github", {"enterprises": []}),
        ("github", {"enterprises": ["1,2"]}),
        ("github", {"enterprises": [str(number) for number in range(21)]}),
        ("chatgpt", {"workspaces": ["org-1"]}),
        ("claude", {}),
    ],
)
def test_parameters_are_checked(name, options):
    with pytest.raises(SettingsError, match=rf"presets\.{name}"):
        make_service({"presets": {name: options}})


@pytest.mark.parametrize("name", PRESETS)
def test_the_readme_tells_of_each_with_its_hosts_and_headers(name):
    section = README.read_text().partition(f"\n``{name}``\n    ")[2].partition("\n\n")[0]
    for word in (*PRESETS[name].hosts, *CASES[name][0], *CASES[name][1]):
        assert f"``{word}" in section
    assert "    https://" in section
