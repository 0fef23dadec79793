"""A datagram gets its reply, or silence; and each is counted."""

import asyncio

import pytest

from zcadapt.icp import ICPSettings, Policies, build, parse_reply
from zcadapt.icp.opcodes import OptionFlag
from zcadapt.icp.responder import Pending, Responder

PEER = ("127.0.0.1", 4000)
STRANGER = ("192.0.2.1", 4000)
QUERY = build("http://x/", request_number=7)
BROKEN = QUERY[:-1]
REPLY = bytes([3]) + QUERY[1:]


@pytest.fixture
def responder(components):
    return Responder(Policies(components), ICPSettings())


def answer(reply):
    return parse_reply(reply).answer


def counted(responder):
    counters = responder.counters
    names = ("queries", "refused", "malformed", "ignored", "overloaded")
    return {name: getattr(counters, name) for name in names if getattr(counters, name)}


def test_where_nobody_has_an_opinion_it_is_a_miss(responder, register):
    register(lambda url: None)
    assert answer(responder.respond(QUERY, PEER)) == "ICP_OP_MISS"
    assert counted(responder) == {"queries": 1}
    assert responder.counters.answers["ICP_OP_MISS"] == 1


def test_the_policys_answer_is_the_reply(responder, register):
    register(lambda url: "ICP_OP_HIT")
    assert answer(responder.respond(QUERY, PEER)) == "ICP_OP_HIT"
    assert responder.counters.answers["ICP_OP_HIT"] == 1


def test_a_hit_brings_no_object_though_the_flag_permits_one(responder, register):
    register(lambda url: "ICP_OP_HIT")
    query = build("http://x/", request_number=7, options=OptionFlag.ICP_FLAG_HIT_OBJ)
    reply = responder.respond(query, PEER)
    assert (answer(reply), reply[20:]) == ("ICP_OP_HIT", b"http://x/\0")


def test_a_malformed_query_gets_its_error(responder, register, caplog):
    register(lambda url: pytest.fail("must not be asked"))
    assert answer(responder.respond(BROKEN, PEER)) == "ICP_OP_ERR"
    assert counted(responder) == {"malformed": 1}
    assert "malformed query from 127.0.0.1 (1 so far): says 34 bytes and has 33" in caplog.text


def test_what_is_no_query_is_met_with_silence(responder, caplog):
    assert responder.respond(REPLY, PEER) is None
    assert responder.respond(b"", PEER) is None
    assert counted(responder) == {"ignored": 2}
    assert not caplog.records


@pytest.mark.parametrize("datagram", [QUERY, BROKEN, REPLY, b""])
def test_a_stranger_is_met_with_silence(responder, register, datagram):
    register(lambda url: pytest.fail("must not be asked"))
    assert responder.respond(datagram, STRANGER) is None
    assert counted(responder) == {"refused": 1}


def test_a_stranger_may_be_told(components):
    responder = Responder(Policies(components), ICPSettings(refuse="denied"))
    assert answer(responder.respond(QUERY, STRANGER)) == "ICP_OP_DENIED"
    assert responder.respond(BROKEN, STRANGER) is None
    assert responder.respond(REPLY, STRANGER) is None
    assert counted(responder) == {"refused": 3}
    assert responder.counters.answers["ICP_OP_DENIED"] == 0


def test_a_denial_is_told_however_many_there_were(responder, register):
    """RFC 2186, 2, would allow silence after 95 of 100."""
    register(lambda url: "ICP_OP_DENIED")
    assert {answer(responder.respond(QUERY, PEER)) for _ in range(200)} == {"ICP_OP_DENIED"}


def test_the_access_list_decides_who_is_a_stranger(components):
    responder = Responder(Policies(components), ICPSettings(allow=("192.0.2.0/24",)))
    assert responder.respond(QUERY, STRANGER)
    assert responder.respond(QUERY, PEER) is None


@pytest.mark.parametrize("datagram", [BROKEN, QUERY])
def test_neither_strangers_nor_garbage_flood_the_log(responder, caplog, datagram):
    for number in range(1000):
        responder.respond(datagram, (f"192.0.2.{number % 250}", 4000))
        responder.respond(BROKEN, PEER)
    assert len(caplog.records) == 2
    assert "192.0.2.0 may not ask (1 refused so far); see the setting allow" in caplog.text


def test_who_observes_is_told_each_decision(components, register):
    seen = []
    responder = Responder(Policies(components), ICPSettings(), lambda *told: seen.append(told))
    register(lambda url: "ICP_OP_HIT" if "foo" in url else None, "10-foo")
    responder.respond(build("http://x/foo"), PEER)
    responder.respond(build("http://x/"), PEER)
    responder.respond(BROKEN, PEER)
    assert [(protocol, name, query.url, answer) for protocol, name, query, answer in seen] == [
        ("icp", "10-foo", "http://x/foo", "ICP_OP_HIT"),
        ("icp", None, "http://x/", "ICP_OP_MISS"),
    ]


def test_who_observes_and_fails_changes_nothing_and_does_not_flood_the_log(components, caplog):
    def observe(*_):
        raise LookupError("the log is full")

    responder = Responder(Policies(components), ICPSettings(), observe)
    for _ in range(1000):
        assert answer(responder.respond(QUERY, PEER)) == "ICP_OP_MISS"
    (record,) = caplog.records
    assert record.getMessage() == "who observes decisions failed: LookupError: the log is full"
    assert "in observe" in caplog.text


def test_an_error_of_our_own_is_told_to_a_query_and_to_nothing_else(responder):
    assert answer(responder.failed(QUERY, PEER, ValueError())) == "ICP_OP_ERR"
    assert responder.failed(BROKEN, PEER, ValueError()) is None
    assert responder.failed(REPLY, PEER, ValueError()) is None
    assert responder.counters.failed == 3


def test_errors_of_our_own_do_not_flood_the_log(responder, caplog):
    for _ in range(1000):
        responder.failed(QUERY, PEER, ValueError("bug"))
    (record,) = caplog.records
    text = "an error of the server over a datagram from 127.0.0.1 (1 so far): ValueError: bug"
    assert record.getMessage() == text


@pytest.fixture
def waiting(responder, register):
    """Return a query that waits for a policy which says HIT, and what happened to that."""
    happened = []

    async def policy(url):
        happened.append("asked")
        await asyncio.sleep(0)
        return "ICP_OP_HIT"

    register(policy)
    pending = responder.respond(QUERY, PEER)
    assert isinstance(pending, Pending)
    return pending, happened


def test_an_asynchronous_answer_is_waited_for(responder, waiting, run):
    pending, happened = waiting
    assert answer(run(responder.finish(pending))) == "ICP_OP_HIT"
    assert happened == ["asked"]
    pending.close()  # does no harm
    assert counted(responder) == {"queries": 1}


def test_what_may_not_wait_is_told_to_ask_another(responder, waiting):
    pending, happened = waiting
    assert answer(responder.give_up(pending)) == "ICP_OP_MISS_NOFETCH"
    assert happened == []
    assert counted(responder) == {"queries": 1, "overloaded": 1}
    assert responder.counters.answers["ICP_OP_MISS_NOFETCH"] == 1


def test_a_future_is_let_go_of_too(responder, register, run):
    async def given_up():
        future = asyncio.get_running_loop().create_future()
        register(lambda url: future)
        responder.give_up(responder.respond(QUERY, PEER))
        return future.cancelled()

    assert run(given_up())


def test_any_awaitable_will_do(responder, register, run):
    class Answer:
        def __await__(self):
            return "ICP_OP_HIT"
            yield

    register(lambda url: Answer())
    pending = responder.respond(QUERY, PEER)
    assert answer(run(responder.finish(pending))) == "ICP_OP_HIT"
    pending.close()


def test_an_awaitable_that_fails_to_close_does_no_harm(responder, register):
    class Answer:
        def __await__(self):
            yield

        def close(self):
            raise LookupError

    register(lambda url: Answer())
    assert answer(responder.give_up(responder.respond(QUERY, PEER))) == "ICP_OP_MISS_NOFETCH"
