"""What follows from the lists, over ICP."""

import pytest
from zcadapt_urllist.policy import policy_of

from zcadapt.icp import build, parse
from zcadapt.interfaces import IICPQueryPolicy
from zcadapt.testing import check_policy


@pytest.mark.parametrize("settings", [{}, {"when": {"clients": ["192.0.2.0/24"]}}])
def test_it_keeps_the_promises_of_a_policy(service_of, settings):
    check_policy(policy_of(service_of(a=(["example.com"], settings))))


@pytest.mark.parametrize(
    ("settings", "answer"),
    [
        ({}, "ICP_OP_MISS_NOFETCH"),
        ({"icp": "DENIED"}, "ICP_OP_DENIED"),
        ({"icp": "HIT"}, "ICP_OP_HIT"),
        ({"icp": "none"}, None),
        ({"action": "redirect", "redirect": "http://x.example/"}, "ICP_OP_MISS_NOFETCH"),
        ({"action": "allow"}, "ICP_OP_MISS"),
        ({"action": "categorise"}, None),
        ({"action": "categorise", "icp": "DENIED"}, "ICP_OP_DENIED"),
        ({"action": "none"}, None),
    ],
)
def test_a_listed_url_is_answered_as_its_list_says(service_of, settings, answer):
    service = service_of(a=(["bad.example"], settings))
    policy = policy_of(service)
    assert policy("http://WWW.bad.example:80/x") == answer
    assert policy("http://good.example/") is None
    assert service.answers_queries is (answer is not None)


def test_the_order_of_the_lists_counts(service_of):
    service = service_of(
        a=(["good.bad.example"], {"action": "allow"}), b=(["bad.example"], {"icp": "DENIED"})
    )
    assert service.answer("http://good.bad.example/") == "ICP_OP_MISS"
    assert service.answer("http://bad.example/") == "ICP_OP_DENIED"


def test_a_policy_with_conditions_is_given_the_query(service_of):
    service = service_of(a=(["bad.example"], {"when": {"hosts": [".bad.example"]}}))
    policy = policy_of(service)
    assert IICPQueryPolicy.providedBy(policy)
    query = parse(build("http://bad.example/"), ("192.0.2.1", 3130))
    assert policy(query) == "ICP_OP_MISS_NOFETCH"
    assert not IICPQueryPolicy.providedBy(policy_of(service_of(a=(["bad.example"], {}))))


def test_a_condition_that_a_query_tells_nothing_of_does_not_hold(service_of):
    policy = policy_of(service_of(a=(["bad.example"], {"when": {"users": ["ann"]}})))
    assert policy(parse(build("http://bad.example/"), ("192.0.2.1", 3130))) is None


def test_a_url_that_can_be_read_in_two_ways_is_looked_up_in_both(service_of):
    policy = policy_of(service_of(a=(["bad.example"], {})))
    assert policy(r"http://bad.example\@good.example/") == "ICP_OP_MISS_NOFETCH"
    assert policy(r"http://good.example\@bad.example/") == "ICP_OP_MISS_NOFETCH"
    friends = policy_of(service_of(a=(["good.example"], {"action": "allow"})))
    assert friends(r"http://good.example\@bad.example/") is None
