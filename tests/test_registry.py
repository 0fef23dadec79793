"""What is registered is asked in the order of names, from the very next question."""

import gc
import sys
import threading
import weakref

import pytest
import zope.component
from zope.interface import provider
from zope.interface.adapter import AdapterRegistry
from zope.interface.registry import Components

from zcadapt.interfaces import IICAPService, IICPPolicy, IICPQueryPolicy
from zcadapt.registry import Utilities, named_utilities, watch
from zcadapt.rule import Candidate


def no_opinion(url):
    return None


def wanted(url):
    return "ICP_OP_HIT"


def candidate(name, utility):
    return Candidate(
        name, utility, utility, valid=lambda answer: True, on_failure=lambda *failure: None
    )


@pytest.fixture
def components():
    return Components()


@pytest.fixture
def utilities(components):
    return Utilities(components, IICPPolicy, candidate)


def names(utilities):
    return [each.name for each in utilities()]


def register(components, name, utility=no_opinion, interface=IICPPolicy):
    components.registerUtility(utility, interface, name)


def test_nothing_registered_is_nobody_to_ask(utilities):
    assert utilities() == ()


def test_names_are_sorted_as_texts(components, utilities):
    for name in ["b", "10", "a", "9", "B", "é"]:
        register(components, name)
    assert names(utilities) == ["10", "9", "B", "a", "b", "é"]


def test_the_empty_name_comes_first(components, utilities):
    register(components, "\x01")
    register(components, "")
    assert names(utilities) == ["", "\x01"]


def test_names_alone_are_compared(components, utilities):
    """Utilities need not be comparable, nor different."""
    for name in ["c", "a", "b"]:
        register(components, name)
    assert names(utilities) == ["a", "b", "c"]


def test_a_registration_counts_from_the_next_question(components, utilities):
    assert utilities() == ()
    register(components, "later")
    assert names(utilities) == ["later"]


def test_a_registration_without_an_event_counts_too(components, utilities):
    utilities()
    components.registerUtility(no_opinion, IICPPolicy, "quiet", event=False)
    assert names(utilities) == ["quiet"]


def test_provide_utility_counts_from_the_next_question():
    site = zope.component.getGlobalSiteManager()
    utilities = Utilities(site, IICPPolicy, candidate)
    assert "zcadapt-test" not in names(utilities)
    zope.component.provideUtility(no_opinion, IICPPolicy, "zcadapt-test")
    try:
        assert "zcadapt-test" in names(utilities)
    finally:
        site.unregisterUtility(provided=IICPPolicy, name="zcadapt-test")
    assert "zcadapt-test" not in names(utilities)


def test_the_same_name_replaces(components, utilities):
    register(components, "foo", no_opinion)
    utilities()
    register(components, "foo", wanted)
    assert [each.utility for each in utilities()] == [wanted]


def test_what_is_unregistered_is_not_asked(components, utilities):
    register(components, "foo")
    register(components, "baz")
    utilities()
    components.unregisterUtility(provided=IICPPolicy, name="foo")
    assert names(utilities) == ["baz"]


def test_query_policies_are_policies(components, utilities):
    @provider(IICPQueryPolicy)
    def strangers(query):
        return None

    register(components, "b", strangers, IICPQueryPolicy)
    register(components, "a")
    assert names(utilities) == ["a", "b"]


@pytest.mark.parametrize(
    ("first", "second"), [(IICPPolicy, IICPQueryPolicy), (IICPQueryPolicy, IICPPolicy)]
)
def test_the_same_name_replaces_whatever_kind_of_policy(components, utilities, first, second):
    register(components, "foo", no_opinion, first)
    register(components, "foo", wanted, second)
    assert [each.utility for each in utilities()] == [wanted]


def test_an_unregistered_replacement_uncovers_nothing_of_its_own_kind(components, utilities):
    register(components, "foo", no_opinion)
    register(components, "foo", wanted)
    components.unregisterUtility(provided=IICPPolicy, name="foo")
    assert utilities() == ()


def test_other_interfaces_are_not_asked(components, utilities):
    register(components, "service", interface=IICAPService)
    assert utilities() == ()


def test_what_a_base_registry_holds_is_asked_too(components):
    below = Components(bases=(components,))
    utilities = Utilities(below, IICPPolicy, candidate)
    register(components, "a")
    register(below, "b")
    assert names(utilities) == ["a", "b"]
    register(components, "c")
    assert names(utilities) == ["a", "b", "c"]


def test_a_registry_covers_the_names_of_its_base(components):
    below = Components(bases=(components,))
    register(below, "a", wanted)
    register(components, "a", no_opinion)
    assert named_utilities(below, IICPPolicy) == [("a", wanted)]


def test_nothing_is_looked_up_while_nothing_changes(components):
    made = []

    def count(name, utility):
        made.append(name)
        return candidate(name, utility)

    utilities = Utilities(components, IICPPolicy, count)
    register(components, "foo")
    assert utilities() is utilities()
    assert made == ["foo"]


def test_each_change_that_is_seen_is_a_generation(components, utilities):
    utilities()
    before = utilities.generation
    utilities()
    assert utilities.generation == before
    register(components, "foo")
    assert utilities.has_changed
    utilities()
    assert not utilities.has_changed
    assert utilities.generation == before + 1


def test_two_that_watch_one_registry_both_see_a_change(components, utilities):
    other = Utilities(components, IICPPolicy, candidate)
    utilities(), other()
    register(components, "foo")
    assert names(utilities) == names(other) == ["foo"]


def test_a_registration_from_another_thread_counts(components, utilities):
    utilities()
    thread = threading.Thread(target=register, args=(components, "foo"))
    thread.start()
    thread.join()
    assert names(utilities) == ["foo"]


@pytest.fixture
def restless_threads():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless_threads")
def test_no_registration_is_lost_between_threads(components, utilities):
    """Asked all the while, the registry ends with everything that was registered."""

    def register_all(prefix):
        for number in range(50):
            register(components, f"{prefix}{number:02}")

    threads = [threading.Thread(target=register_all, args=(prefix,)) for prefix in "ab"]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        found = names(utilities)
        assert found == sorted(found)
    for thread in threads:
        thread.join()
    assert names(utilities) == [f"{prefix}{number:02}" for prefix in "ab" for number in range(50)]


def test_a_registration_made_while_looking_up_counts_for_the_next_question(components):
    def register_more(name, utility):
        if name == "a":
            components.registerUtility(no_opinion, IICPPolicy, "b")
        return candidate(name, utility)

    utilities = Utilities(components, IICPPolicy, register_more)
    register(components, "a")
    assert names(utilities) == ["a"]
    assert names(utilities) == ["a", "b"]


def test_a_look_up_that_fails_is_tried_again(components):
    """What was there before is stale: it is served to nobody."""
    fails = []

    def make(name, utility):
        if name in fails:
            raise ValueError(name)
        return candidate(name, utility)

    utilities = Utilities(components, IICPPolicy, make)
    register(components, "a")
    assert names(utilities) == ["a"]
    fails.append("b")
    register(components, "b")
    generation = utilities.generation
    for _ in range(2):
        with pytest.raises(ValueError, match="b"):
            utilities()
        assert utilities.has_changed
    assert utilities.generation == generation
    fails.clear()
    assert names(utilities) == ["a", "b"]


def test_what_another_thread_registers_while_a_look_up_fails_counts_too(components):
    def make(name, utility):
        if name == "a":
            thread = threading.Thread(target=register, args=(components, "b"))
            thread.start()
            thread.join()
            components.unregisterUtility(provided=IICPPolicy, name="a")
            raise ValueError(name)
        return candidate(name, utility)

    utilities = Utilities(components, IICPPolicy, make)
    register(components, "a")
    with pytest.raises(ValueError, match="a"):
        utilities()
    assert names(utilities) == ["b"]


def based_on(components):
    """The registries that a change is told, one after the other."""
    return list(components.utilities._v_subregistries)


def test_whoever_else_watches_a_registry_changes_nothing_of_it(components, utilities):
    """What is told a change is not to change meanwhile, in another thread."""
    before = based_on(components)
    others = [Utilities(components, IICPPolicy, candidate) for _ in range(3)]
    assert based_on(components) == before
    del others
    gc.collect()
    assert based_on(components) == before


def test_a_registry_can_be_watched_while_a_registration_is_made(components, utilities):
    class Busy(AdapterRegistry):
        def changed(self, originally_changed):
            super().changed(originally_changed)
            more.append(Utilities(components, IICPPolicy, candidate))

    more = []
    busy = Busy((components.utilities,))
    register(components, "a")
    assert [names(each) for each in (utilities, *more)] == [["a"]] * (1 + len(more))
    assert busy in based_on(components)


@pytest.mark.usefixtures("restless_threads")
def test_threads_that_watch_one_registry_share_what_they_need():
    for _ in range(20):
        components, found, begin = Components(), [], threading.Barrier(8)

        def look(components=components, found=found, begin=begin):
            begin.wait()
            found.append(watch(components))

        threads = [threading.Thread(target=look) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == based_on(components) * 8


def test_a_registry_that_was_watched_goes_with_those_who_use_it():
    components = Components()
    utilities = Utilities(components, IICPPolicy, candidate)
    utilities()
    gone = weakref.ref(components.utilities)
    del components
    gc.collect()
    register(utilities.components, "a")
    assert names(utilities) == ["a"]
    del utilities
    gc.collect()
    assert gone() is None
