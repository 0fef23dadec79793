"""On start the server prints where it listens, what it consults, and the squid.conf lines."""

from dataclasses import replace

import pytest
from zope.interface.registry import Components

from zcadapt.config import Address, Settings
from zcadapt.hooks import Hooks
from zcadapt.icap.service import reqmod
from zcadapt.interfaces import IICAPService, IICPPolicy
from zcadapt.runtime.assembly import Assembled
from zcadapt.runtime.report import report

ICAP = [Address("127.0.0.1", 1344), Address("::1", 1344)]
ICP = [Address("127.0.0.1", 3130)]


@reqmod
def service(request):
    return None


def policy(url):
    return None


@pytest.fixture
def assembled():
    components = Components()
    components.registerUtility(service, IICAPService, "50-b")
    components.registerUtility(service, IICAPService, "10-a")
    components.registerUtility(policy, IICPPolicy, "foo")
    settings = Settings(endpoints={"/avscan": ("10-a", "50-b")})
    return Assembled(settings, components, Hooks(), ())


def test_the_first_lines_are_the_addresses(assembled):
    lines = report(assembled, {"icap": ICAP, "icp": ICP}).splitlines()
    assert lines[-1] == "ready"
    assert lines[:3] == ["icap 127.0.0.1:1344", "icap [::1]:1344", "icp 127.0.0.1:3130"]


def test_what_is_consulted_is_told_in_order(assembled):
    lines = report(assembled, {"icap": ICAP, "icp": ICP}).splitlines()
    services = lines.index("ICAP services, in the order in which they are asked:")
    policies = lines.index("ICP policies, in the order in which they are asked:")
    assert [line.split()[0] for line in lines[services + 1 : services + 3]] == ["10-a", "50-b"]
    assert lines[policies + 1].split()[0] == "foo"


def test_endpoints_of_the_settings_are_told(assembled):
    assert "  /avscan: 10-a, 50-b" in report(assembled, {"icap": ICAP, "icp": []}).splitlines()


def test_endpoints_that_are_not_there_are_not_told(assembled):
    settings = Settings(
        endpoints={"filter": ("20-games",), "/av": ("tyop", "10-a"), "e": ("echo",)}
    )
    text = report(replace(assembled, settings=settings), {"icap": ICAP, "icp": []})
    assert "filter" not in text
    assert {"  /av: 10-a", "  /e: echo"} <= set(text.splitlines())


def test_the_lines_for_squid_are_there(assembled):
    text = report(assembled, {"icap": ICAP, "icp": ICP})
    _, _, lines = text.partition("For squid.conf:\n")
    assert lines.startswith("  icap_enable on\n")
    assert "cache_peer 127.0.0.1" in lines


def test_of_what_is_not_served_nothing_is_told(assembled):
    assert "ICP" not in report(assembled, {"icap": ICAP, "icp": []})
    assert "ICAP" not in report(assembled, {"icap": [], "icp": ICP})
