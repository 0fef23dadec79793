"""What would be consulted, in order, and where it comes from."""

import pytest
from zope.interface.registry import Components

from zcadapt.config import Settings, UtilityTable
from zcadapt.discovery import Origin
from zcadapt.icap.service import reqmod, respmod
from zcadapt.interfaces import IICAPService, IICPPolicy
from zcadapt.runtime.listing import Row, consulted, policies, service_names, services, table


@respmod(on_error="skip")
@reqmod
def both(request):
    return None


def policy(url):
    return None


@pytest.fixture
def components():
    components = Components()
    origin = Origin("plug", "plug-a", "2.1", "zcadapt.icap_services", "lists")
    components.registerUtility(both, IICAPService, "50-lists", origin)
    components.registerUtility(both, IICAPService, "10-mine")
    components.registerUtility(policy, IICPPolicy, "")
    return components


def test_services_are_listed_in_the_order_in_which_they_are_asked(components):
    mine, lists = services(components, Settings())
    assert lists == Row(
        protocol="icap",
        name="50-lists",
        methods=("REQMOD", "RESPMOD"),
        distribution="plug-a",
        version="2.1",
        entry_point="lists",
        module="plug",
        on_error="skip",
    )
    assert (mine.name, mine.distribution, mine.module) == ("10-mine", "", __name__)


def test_policies_are_listed_with_their_default(components):
    (only,) = policies(components, Settings())
    assert (only.protocol, only.name, only.on_error) == ("icp", "", "skip")


def test_what_the_settings_say_counts(components):
    settings = Settings(services={"10-mine": UtilityTable(on_error="block")})
    assert [row.on_error for row in services(components, settings)] == ["block", "skip"]


def test_a_service_that_says_nothing_fails_closed_by_an_error():
    class Silent:
        methods = ("REQMOD",)

    components = Components()
    components.registerUtility(Silent(), IICAPService, "x")
    assert services(components, Settings())[0].on_error == "error"


def test_a_table_has_its_columns_under_each_other(components):
    assert table(services(components, Settings())) == [
        f"10-mine   REQMOD RESPMOD  on_error=skip  Python ({__name__})",
        "50-lists  REQMOD RESPMOD  on_error=skip  plug-a 2.1 (lists)",
    ]


def test_the_empty_name_is_shown(components):
    assert table(policies(components, Settings()))[0].startswith('""  QUERY  ')


def test_nobody_is_said_to_be_nobody():
    assert table([]) == ["(none)"]


def test_a_name_stands_for_a_service_and_for_those_below_it(components):
    components.registerUtility(both, IICAPService, "/xyzzy/de")
    names = service_names(components)
    assert names == ["echo", "xyzzy/de", "10-mine", "50-lists"]
    wanted = ["/xyzzy/", "xyzz", "50-lists", "xyzzy/de", "de", "echo", "50"]
    assert consulted(wanted, names) == ["/xyzzy/", "50-lists", "xyzzy/de", "echo"]
