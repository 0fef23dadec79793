"""Policies are given what they want, asked in order, and never take the server down."""

import asyncio
import logging

import pytest
import zope.component
from zope.interface import implementer, provider

from zcadapt.icp import Policies, Query, build, check_url
from zcadapt.icp.datagram import read
from zcadapt.icp.policies import DEFAULT_TIMEOUT
from zcadapt.interfaces import IICPPolicy, IICPQueryPolicy
from zcadapt.overrides import UtilitySettings
from zcadapt.rule import consult, go_on

URL = "http://example.com/foo"


@pytest.fixture
def asked(components):
    """Return who answers a query, and what."""
    policies = Policies(components)

    def asked(url=URL, policies=policies):
        won = consult(iter(policies()), read(build(url), ("192.0.2.7", 3130)))
        return won and (won.candidate.name, won.answer)

    return asked


def broken(question):
    raise LookupError("the database is away")


def hit(question):
    return "ICP_OP_HIT"


def no_opinion(question):
    return None


# What a policy is given


def test_a_plain_policy_is_given_the_url(asked, register):
    seen = []
    register(seen.append)
    assert asked() is None
    assert seen == [URL]
    assert type(seen[0]) is str


def test_a_policy_that_provides_the_query_interface_is_given_the_query(asked, register):
    seen = []

    @provider(IICPQueryPolicy)
    def strangers(query):
        seen.append(query)

    register(strangers)
    asked()
    assert type(seen[0]) is Query
    assert (seen[0].url, str(seen[0].peer)) == (URL, "192.0.2.7")


def test_a_plain_function_registered_as_a_query_policy_is_given_the_query(asked, register):
    seen = []
    register(seen.append, "plain", IICPQueryPolicy)
    asked()
    assert type(seen[0]) is Query


def test_a_class_may_be_a_query_policy(asked, register):
    @implementer(IICPQueryPolicy)
    class Strangers:
        def __call__(self, query):
            return "ICP_OP_DENIED" if query.port < 1024 else "ICP_OP_HIT"

    register(Strangers())
    assert asked() == ("", "ICP_OP_HIT")


def test_of_two_under_one_name_the_later_counts_whatever_its_interface(asked, register):
    seen = []
    register(broken, "one", IICPQueryPolicy)
    register(seen.append, "one", IICPPolicy)
    asked()
    assert seen == [URL]


# Who is asked


def test_policies_are_asked_in_the_order_of_their_names(asked, register):
    register(lambda url: "ICP_OP_MISS" if "foo" in url else None, "b")
    register(lambda url: "ICP_OP_HIT" if "bar" in url else None, "a")
    assert asked("http://x/foobar") == ("a", "ICP_OP_HIT")
    assert asked("http://x/foo") == ("b", "ICP_OP_MISS")
    assert asked("http://x/") is None


def test_a_policy_counts_from_the_next_query(asked, register):
    assert asked() is None
    register(hit)
    assert asked() == ("", "ICP_OP_HIT")


@pytest.mark.parametrize(
    "answer", ["ICP_OP_HIT", "ICP_OP_MISS", "ICP_OP_ERR", "ICP_OP_MISS_NOFETCH", "ICP_OP_DENIED"]
)
def test_the_five_answers_are_followed(asked, register, answer):
    register(lambda url: answer)
    assert asked() == ("", answer)


# What fails


@pytest.mark.parametrize(
    "answer",
    ["ICP_OP_QUERY", "ICP_OP_HIT_OBJ", "HIT", "", 2, True, b"ICP_OP_HIT", ["ICP_OP_HIT"], {}],
)
def test_nonsense_is_a_failure_and_the_next_is_asked(asked, register, answer):
    register(lambda url: answer, "1")
    register(hit, "2")
    assert asked() == ("2", "ICP_OP_HIT")


@pytest.mark.parametrize(
    ("on_error", "answer"),
    [
        (None, "ICP_OP_HIT"),
        ("skip", "ICP_OP_HIT"),
        ("error", "ICP_OP_ERR"),
        ("block", "ICP_OP_DENIED"),
    ],
)
def test_a_policy_says_what_its_failure_means(asked, register, on_error, answer):
    def policy(url):
        raise LookupError

    policy.on_error = on_error
    register(policy, "1")
    register(hit, "2")
    assert asked()[1] == answer


def test_the_administrator_has_the_last_word(asked, register, components):
    def policy(url):
        raise LookupError

    policy.on_error = "skip"
    register(policy, "1")
    policies = Policies(components, {"1": UtilitySettings(on_error="block")})
    assert asked(policies=policies) == ("1", "ICP_OP_DENIED")


def test_a_policy_that_cannot_be_called_fails(asked, register):
    register("not a function", "1")
    register(hit, "2")
    assert asked() == ("2", "ICP_OP_HIT")


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("on_error", "explode"), ("on_error", ["skip"]), ("timeout", -1), ("timeout", "soon")],
)
def test_what_a_policy_says_wrongly_of_itself_is_reported_and_ignored(
    asked, register, components, caplog, attribute, value
):
    def policy(url):
        raise LookupError

    setattr(policy, attribute, value)
    register(policy)
    assert asked() is None
    assert f"{attribute} cannot be {value!r}" in caplog.text
    assert Policies(components)()[0].timeout == DEFAULT_TIMEOUT


def test_a_failure_is_logged_with_name_and_traceback(asked, register, caplog):
    register(broken, "10-database")
    asked()
    (record,) = caplog.records
    text = "policy '10-database' failed (1 so far): LookupError: the database is away"
    assert (record.name, record.getMessage()) == ("zcadapt.icp", text)
    assert "in broken" in caplog.text


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("HIT", "str is not an answer. Did you mean 'ICP_OP_HIT'?"),
        ("ICP_OP_MISS_NO_FETCH", "str is not an answer. Did you mean 'ICP_OP_MISS_NOFETCH'?"),
        ("denied", "str is not an answer. Did you mean 'ICP_OP_DENIED'?"),
        ("yes", "str is not an answer; there are ICP_OP_"),
        (True, "bool is not an answer"),
    ],
)
def test_an_answer_that_is_none_is_logged_with_the_nearest(asked, register, caplog, answer, told):
    register(lambda url: answer)
    asked()
    assert told in caplog.messages[0]
    assert ("there are" in told) or caplog.messages[0].endswith(told)


def test_a_policy_that_fails_always_does_not_flood_the_log(components, asked, register, caplog):
    register(broken, "1")
    register(broken, "2")
    policies = Policies(components)
    for _ in range(1000):
        asked(policies=policies)
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert [candidate.failures for candidate in policies()] == [1000, 1000]


# Asynchronous policies


def answer_of(policies, run):
    async def answer():
        candidates, asked = iter(policies()), read(build(URL), ("192.0.2.7", 3130))
        won = await go_on(candidates, asked, consult(candidates, asked))
        return won and won.answer

    return run(answer())


def test_a_coroutine_function_is_awaited(register, components, run):
    async def policy(url):
        await asyncio.sleep(0)
        return "ICP_OP_HIT"

    register(policy)
    assert answer_of(Policies(components), run) == "ICP_OP_HIT"


def test_after_an_asynchronous_none_the_next_is_asked(register, components, run):
    async def policy(url):
        return None

    register(policy, "1")
    register(hit, "2")
    assert answer_of(Policies(components), run) == "ICP_OP_HIT"


def test_one_that_takes_too_long_has_failed(register, components, run, caplog):
    async def policy(url):
        await asyncio.Event().wait()

    register(policy)
    overrides = {"": UtilitySettings(on_error="error", timeout=0.01)}
    assert answer_of(Policies(components, overrides), run) == "ICP_OP_ERR"
    assert "TimeoutError" in caplog.text


@pytest.mark.parametrize(
    ("own", "set_to", "timeout"),
    [(None, None, DEFAULT_TIMEOUT), (0.5, None, 0.5), (0.5, 0.25, 0.25), (None, 2, 2)],
)
def test_the_time_is_the_administrators_then_the_policys_own(
    register, components, own, set_to, timeout
):
    def policy(url):
        pass

    policy.timeout = own
    register(policy, "p")
    (candidate,) = Policies(components, {"p": UtilitySettings(timeout=set_to)})()
    assert candidate.timeout == timeout


# check_url


def test_without_policies_every_url_is_a_miss(components):
    assert check_url(URL, components) == "ICP_OP_MISS"


def test_check_url_asks_as_the_server_does(components, register):
    register(broken, "1")
    register(lambda url: "ICP_OP_HIT" if "foo" in url else None, "2")
    assert check_url("http://x/foo", components) == "ICP_OP_HIT"
    assert check_url("http://x/bar", components) == "ICP_OP_MISS"


def test_check_url_comes_from_this_host(components, register):
    seen = []
    register(seen.append, "q", IICPQueryPolicy)
    check_url(URL, components)
    assert str(seen[0].peer) == "127.0.0.1"


def test_check_url_awaits(components, register):
    async def policy(url):
        return "ICP_OP_DENIED"

    register(policy)
    assert check_url(URL, components) == "ICP_OP_DENIED"


def test_check_url_asks_the_global_registry_unless_told_otherwise():
    registry = zope.component.getGlobalSiteManager()
    zope.component.provideUtility(hit, IICPPolicy, "test")
    try:
        assert check_url(URL) == "ICP_OP_HIT"
    finally:
        registry.unregisterUtility(hit, IICPPolicy, "test")
    assert check_url(URL) == "ICP_OP_MISS"


def test_a_url_that_no_query_can_carry_cannot_be_checked(components):
    with pytest.raises(ValueError, match="NUL"):
        check_url("http://x/\0", components)
