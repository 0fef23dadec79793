"""The services: who is blocked, and what is added."""

from types import SimpleNamespace

import pytest

from zcadapt import SettingsError
from zcadapt.icap.http import HTTPMessage
from zcadapt.testing import check_service

pytest.importorskip("zcadapt_example", reason="zcadapt-example is not installed")

from zcadapt_example import AddHeader, BlockHosts


def request(line):
    return SimpleNamespace(http=HTTPMessage(line.encode() + b" HTTP/1.1\r\n\r\n", None))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (AddHeader, {}),
        (AddHeader, {"name": "Server", "value": ""}),
        (BlockHosts, {}),
        (BlockHosts, {"hosts": ["example.com"]}),  # the check asks about www.example.com
    ],
)
def test_both_keep_the_promises_of_a_service(kind, options):
    check_service(lambda: kind(options))


@pytest.mark.parametrize(
    "line",
    [
        "GET http://bad.example/",
        "GET http://www.bad.example:8080/x",
        "GET http://BAD.example./",
        "CONNECT bad.example:443",
    ],
)
def test_a_host_on_the_list_and_those_below_it_are_blocked(line):
    decision = BlockHosts({"hosts": ["Bad.Example"]}).adapt(request(line))
    assert decision.status == 403
    assert decision.reason == "This host is blocked."


@pytest.mark.parametrize(
    "line",
    ["GET http://notbad.example/", "GET http://example/", "GET http://x/bad.example", "GET /"],
)
def test_about_others_it_has_no_opinion(line):
    assert BlockHosts({"hosts": ["bad.example"]}).adapt(request(line)) is None


def test_an_empty_list_blocks_nobody():
    assert BlockHosts({"hosts": []}).adapt(request("GET /")) is None


def test_the_header_is_added():
    decision = AddHeader({"name": "X-Ours", "value": "yes"}).adapt(request("GET http://x/"))
    assert decision.add_headers == (("X-Ours", "yes"),)


@pytest.mark.parametrize("options", [{"name": "X Y"}, {"value": "a\r\nb"}])
def test_what_cannot_be_a_header_is_told_at_start(options):
    with pytest.raises(ValueError, match=r"header|line"):
        AddHeader(options)


@pytest.mark.parametrize(
    ("kind", "options"), [(BlockHosts, {"host": []}), (AddHeader, {"nam": ""})]
)
def test_unknown_settings_are_told_with_the_nearest(kind, options):
    with pytest.raises(SettingsError, match="Did you mean"):
        kind(options)
