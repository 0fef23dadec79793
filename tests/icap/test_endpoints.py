"""Which path leads to which services."""

import pytest
from zope.interface.registry import Components

from zcadapt import reqmod, respmod
from zcadapt.icap.endpoints import Endpoints
from zcadapt.icap.errors import UnknownServiceError
from zcadapt.icap.settings import ICAPSettings
from zcadapt.interfaces import IICAPService


def endpoints(*names, **options):
    components = Components()
    for name in names:
        service = respmod(reqmod(lambda request: None))
        components.registerUtility(service, IICAPService, name)
    return Endpoints(components, settings=ICAPSettings(), **options)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/", ["", "a", "a/1", "a/2", "ab", "b c"]),
        ("/reqmod", ["", "a", "a/1", "a/2", "ab", "b c"]),
        ("/respmod/", ["", "a", "a/1", "a/2", "ab", "b c"]),
        ("/a", ["a", "a/1", "a/2"]),
        ("/a/1", ["a/1"]),
        ("/ab", ["ab"]),
        ("/b%20c", ["b c"]),
        ("/scan", ["a/1", "ab"]),
        ("/echo", ["echo"]),
    ],
)
def test_a_path_leads_to_services(path, names):
    found = endpoints("b c", "a/2", "a", "a/1", "ab", "", aliases={"/scan/": ["ab", "a/1"]}).find(
        path
    )
    assert [candidate.name for candidate in found.services] == names


def test_the_order_is_that_of_names_as_sorted_says():
    found = endpoints("9", "10-b", "B", "a", "").find("/")
    assert [each.name for each in found.services] == ["", "10-b", "9", "B", "a"]


@pytest.mark.parametrize("path", ["/c", "/a/3", "/A", "/echo/x", "/%ff", "/a%00"])
def test_an_unknown_path_is_refused_and_the_known_ones_are_told(path):
    with pytest.raises(UnknownServiceError, match="there are /a, /a/1, /echo, /reqmod, /respmod"):
        endpoints("a", "a/1").find(path)


def test_the_nearest_name_is_told():
    with pytest.raises(UnknownServiceError, match="the nearest is /clamav"):
        endpoints("clamav").find("/clamv")


def test_the_list_of_names_is_bounded():
    with pytest.raises(UnknownServiceError) as caught:
        endpoints(*map(str, range(1000))).find("/none")
    assert len(str(caught.value)) < 500


def test_a_service_called_echo_takes_the_place_of_the_built_in_one():
    mine = endpoints("echo")
    assert mine.find("/echo").services == mine.services()


def test_paths_that_lead_somewhere_are_found_once():
    some = endpoints("a")
    assert some.find("/a") is some.find("/a")


def test_however_many_spellings_of_a_path_come_few_are_kept():
    some = endpoints("a")
    for number in range(5000):
        some.find("/" * (number % 3000) + "a")
    assert len(some._known) <= 1100
