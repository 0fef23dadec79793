"""The contract holds for those who follow it, and can tell those who do not."""

import pytest
from zope.interface import implementer, provider
from zope.interface.exceptions import Invalid
from zope.interface.verify import verifyObject

from zcadapt.blockpage import BlockPage
from zcadapt.interfaces import (
    IBlockPage,
    IICAPService,
    IICAPServiceDetails,
    IICPPolicy,
    IICPQueryPolicy,
)


@implementer(IICAPService)
class Service:
    methods = ("REQMOD",)
    preview = 0

    def adapt(self, request):
        return None


@implementer(IICPPolicy)
class Policy:
    def __call__(self, url):
        return None


def test_a_service_needs_methods_a_preview_and_adapt():
    assert verifyObject(IICAPService, Service())
    assert set(IICAPService.names()) == {"methods", "preview", "adapt"}


@pytest.mark.parametrize("missing", ["methods", "preview", "adapt"])
def test_a_service_without_one_of_them_is_told(missing):
    members = {"methods": (), "preview": 0, "adapt": Service.adapt}
    del members[missing]
    broken = implementer(IICAPService)(type("Broken", (), members))
    with pytest.raises(Invalid, match=missing):
        verifyObject(IICAPService, broken())


def test_a_service_that_is_asked_with_something_else_is_told():
    class Broken(Service):
        def adapt(self):
            return None

    with pytest.raises(Invalid, match="adapt"):
        verifyObject(IICAPService, Broken())


def test_what_a_service_may_say_beside_is_optional():
    assert not IICAPServiceDetails.providedBy(Service())
    assert IICAPServiceDetails.extends(IICAPService)


def test_a_policy_is_called_with_the_url():
    assert verifyObject(IICPPolicy, Policy())


def test_a_plain_function_is_a_policy_once_it_is_registered_as_one():
    def foo_hit_policy(url):
        return None

    assert not IICPPolicy.providedBy(foo_hit_policy)
    assert verifyObject(IICPPolicy, foo_hit_policy, tentative=True)


def test_a_policy_that_wants_to_know_who_asks_is_a_policy():
    @provider(IICPQueryPolicy)
    def strangers(query):
        return None

    assert IICPPolicy.providedBy(strangers)
    assert verifyObject(IICPQueryPolicy, strangers)


@pytest.mark.parametrize(
    "interface", [IICPPolicy, IICPQueryPolicy, IICAPService, IICAPServiceDetails]
)
def test_each_promise_is_written_down(interface):
    assert interface.__doc__
    assert all(interface[name].__doc__ for name in interface.names())


def test_our_own_block_page_keeps_the_contract():
    assert verifyObject(IBlockPage, BlockPage())
