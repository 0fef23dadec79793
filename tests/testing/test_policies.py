"""A policy answers whatever it is asked, with an answer."""

import pytest
from zope.interface import provider

from zcadapt.interfaces import IICPQueryPolicy
from zcadapt.testing import check_policy


async def waits(url):
    return "ICP_OP_MISS"


@provider(IICPQueryPolicy)
def asks_all(query):
    return "ICP_OP_DENIED" if str(query.peer) == "127.0.0.1" and query.url else None


@pytest.mark.parametrize("policy", [lambda url: None, lambda url: "ICP_OP_HIT", waits, asks_all])
def test_policies_of_all_kinds_pass(policy):
    check_policy(policy)


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (3, "cannot be called"),
        (lambda url: "HIT", "it says 'HIT'"),
        (lambda url: url[0] and None, "IndexError"),
        (lambda url: url.encode("ascii") and None, "UnicodeEncodeError"),
    ],
)
def test_a_broken_promise_is_named(policy, told):
    with pytest.raises(AssertionError, match=told):
        check_policy(policy)
