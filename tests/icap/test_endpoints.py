"""Which path leads to which services."""

import pytest
from zope.interface.registry import Components

from zcadapt import reqmod, respmod
from zcadapt.icap.endpoints import MOST_SPELLINGS, Endpoints
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


def test_the_built_in_echo_may_stand_among_the_names_of_a_path():
    some = endpoints("a", "z", "b", aliases={"nothing": ["echo"], "more": ["z", "echo", "a"]})
    assert [each.name for each in some.find("/nothing").services] == ["echo"]
    assert [each.name for each in some.find("/more").services] == ["a", "echo", "z"]
    assert some.find("/more").methods == ("REQMOD", "RESPMOD")


@pytest.mark.parametrize("name", ["echo", "echo/1"])
def test_where_a_service_is_called_echo_a_path_consults_it(name):
    some = endpoints("a", name, aliases={"nothing": ["echo"]})
    assert some.find("/nothing").services == some.services()[1:]


def test_a_path_of_the_settings_comes_before_a_name_and_after_what_is_fixed():
    some = endpoints("a", "b", aliases={"a": ["b"], "reqmod": ["b"], "": ["b"], "echo": ["b"]})
    found = {path: [each.name for each in some.find(path).services] for path in ("a", "echo")}
    assert found == {"a": ["b"], "echo": ["b"]}
    assert some.find("/reqmod").services == some.find("/").services == some.services()


@pytest.mark.parametrize("name", ["", "reqmod", "respmod"])
def test_a_service_whose_path_is_taken_is_consulted_and_can_be_given_another(name):
    some = endpoints("a", name, "zz", aliases={"mine": [name]})
    assert name in [each.name for each in some.find("/reqmod").services]
    assert [each.name for each in some.find("/mine").services] == [name]


def test_slashes_around_a_name_of_the_settings_do_not_count():
    some = endpoints("av", "b", aliases={"/scan/": ["/av/"]})
    assert [each.name for each in some.find("/scan").services] == ["av"]


def test_what_begins_with_a_name_that_is_taken_has_its_path():
    some = endpoints("reqmod/a", "reqmod")
    assert [each.name for each in some.find("/reqmod/a").services] == ["reqmod/a"]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("b c", "/b%20c"),
        ("a\nb", "/a%0Ab"),
        ("a?b#c", "/a%3Fb%23c"),
        ("100%", "/100%25"),
        ("caf\xe9", "/caf%C3%A9"),
        ("/av", "/av"),
        ("av/", "/av"),
        ("/", "/"),
    ],
)
def test_every_name_has_a_path_and_the_hint_spells_it(name, path):
    some = endpoints(name)
    assert some.find(path).services == some.services()
    with pytest.raises(UnknownServiceError) as caught:
        some.find("/no\nne")
    assert str(caught.value).startswith("no service under /no%0Ane")
    assert path in ["/", *str(caught.value).partition("there are ")[2].split(", ")]


def test_a_name_that_no_uri_can_spell_spoils_no_hint():
    with pytest.raises(UnknownServiceError, match="no service under /none"):
        endpoints("\ud800").find("/none")


def test_paths_that_lead_somewhere_are_found_once():
    some = endpoints("a", "a/b")
    assert some.find("/a") is some.find("/a")
    spellings = ["/a/b", "a/b", "//a/b/", "/a%2Fb", "/%61/b", "%2Fa/b"]
    assert len({some.find(path) for path in spellings}) == 1


def test_what_is_found_is_made_anew_when_a_service_comes():
    components = Components()
    some = Endpoints(components, settings=ICAPSettings())
    before = some.find("/"), some.find("//")
    components.registerUtility(reqmod(lambda request: None), IICAPService, "a")
    assert [len(each.services) for each in before] == [0, 0]
    assert [len(some.find(path).services) for path in ("//", "/")] == [1, 1]


def test_however_many_spellings_of_a_path_come_one_endpoint_is_made():
    some = endpoints("a", "b")
    first = some.find("/a"), some.find("/b")
    for number in range(5000):
        assert some.find("/" * (number % 3000) + "a") is first[0]
    assert some.find("/b") is first[1]
    assert len(some._known) <= MOST_SPELLINGS
    assert len(some._made) == 2


@pytest.mark.parametrize(
    ("what", "value"), [("preview", True), ("on_error", "explode"), ("methods", ("GET",))]
)
def test_a_service_that_declares_nonsense_is_left_out_with_the_reason(what, value, caplog):
    service = reqmod(lambda request: None)
    setattr(service, what, value)
    components = Components()
    components.registerUtility(service, IICAPService, "10-odd")
    assert Endpoints(components, settings=ICAPSettings()).find("/").asked("REQMOD") == ()
    assert f"service '10-odd' is left out: ValueError: {what} must be" in caplog.text
