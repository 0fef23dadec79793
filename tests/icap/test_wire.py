"""How bytes come and go on one connection: in sync, with back-pressure, and few writes."""

import asyncio
import contextlib
import threading

import pytest

from zcadapt import block, modify, reqmod, respmod
from zcadapt.icap.admission import MOST_TURNED_AWAY
from zcadapt.icap.exchange import WINDOW
from zcadapt.icap.patience import LINGER, LINGER_MOST
from zcadapt.icap.wire import HIGH_WATER, TURNS

MIB = 1024 * 1024


def both(function):
    return respmod(reqmod(function))


@both
def nothing(request):
    """Have no opinion."""


@both
def denied(request):
    return block(request)


@both
def copied(request):
    async def pieces():
        async for piece in request.body:
            yield piece

    return modify(body=pieces())


@both
async def read_all(request):
    await request.body.read()


@both
async def file(request):
    (await request.body.file()).close()


class Held:
    """A service that answers when it is let go."""

    methods, preview, version = ("REQMOD", "RESPMOD"), 0, ""

    def __init__(self):
        self.event = asyncio.Event()

    def let_go(self):
        self.event.set()

    async def adapt(self, request):
        await self.event.wait()


@both
async def later(request):
    """Decide in a while, without a look at the body."""
    for _ in range(20):
        await asyncio.sleep(0)


# In sync


def test_requests_may_come_one_behind_the_other(serve, icap):
    client = serve({"a": nothing, "b": read_all}).client()
    kinds = [
        (icap.options(), 200),
        (icap.reqmod("/a", "Allow: 204"), 204),
        (icap.reqmod("/none"), 404),
        (icap.reqmod("/none", body=b"x" * 5000), 404),
        (icap.reqmod("/b", "Allow: 204", body=b"x" * 5000, chunk=999), 204),
        (icap.respmod("/a", body=b"y" * 50), 200),
        (icap.respmod("/a", body=b"y" * 50, preview=100), 204),
    ]
    client.send(b"".join(request for request, _ in kinds) * 50)
    for _, status in kinds * 50:
        assert client.answer().status == status


@pytest.mark.parametrize("size", [1, 3, 64])
def test_how_the_bytes_are_cut_makes_no_difference(serve, icap, size):
    client = serve({"a": nothing, "b": read_all}).client()
    stream = (
        icap.options() + icap.reqmod("/b", "Allow: 204", body=b"hello") + icap.respmod(body=b"you")
    )
    for at in range(0, len(stream), size):
        client.send(stream[at : at + size])
    assert [client.answer().status for _ in range(3)] == [200, 204, 200]


def test_answers_keep_the_order_of_the_requests(serve, icap):
    go_on = threading.Event()

    @both
    async def slow(request):
        await asyncio.get_running_loop().run_in_executor(None, go_on.wait, 10)
        return denied.adapt(request)

    running = serve({"slow": slow, "quick": nothing})
    client = running.client()
    client.send(icap.reqmod("/slow") + icap.reqmod("/quick", "Allow: 204"))
    running.wait_for(lambda: running.server.counters.requests == 1)
    go_on.set()
    assert [client.answer().status, client.answer().status] == [200, 204]


def test_an_error_does_not_swallow_what_comes_behind_it(serve, icap):
    client = serve({"a": nothing}).client()
    client.send(
        icap.reqmod("/none") + icap.options() + icap.respmod("/none", body=b"x") + icap.options()
    )
    assert [client.answer().status for _ in range(4)] == [404, 200, 404, 200]


def test_a_client_that_sends_without_end_while_it_waits_is_held_back(serve, icap):
    go_on = threading.Event()

    @both
    async def slow(request):
        await asyncio.get_running_loop().run_in_executor(None, go_on.wait, 10)

    running = serve({"slow": slow, "quick": nothing})
    client = running.client()
    request = icap.options()
    count = 4 * HIGH_WATER // len(request)
    client.send(icap.reqmod("/slow", "Allow: 204"))
    sender = threading.Thread(target=client.send, args=[request * count])
    sender.start()
    running.wait_for(lambda: any(wire.held for wire in running.server._clients.all()))
    (wire,) = running.server._clients.all()
    assert len(wire.conn.left_over) < 3 * HIGH_WATER
    go_on.set()
    assert client.answer().status == 204
    assert all(client.answer().status == 200 for _ in range(count))
    sender.join()


def test_who_pipelines_lets_others_have_their_turn(serve, icap):
    """All has come before the server looks; then the other is not the last."""
    order = []

    @both
    def noted(request):
        order.append(request.args["who"])

    running = serve({"a": noted})
    hog, other = running.client(), running.client()
    for client in (hog, other):
        client.ask(icap.options())
    blocked, go_on = threading.Event(), threading.Event()
    running.loop.call_soon_threadsafe(lambda: (blocked.set(), go_on.wait(10)))
    assert blocked.wait(10)
    hog.send(icap.reqmod("/a?who=hog", "Allow: 204") * 10 * TURNS)
    other.send(icap.reqmod("/a?who=other", "Allow: 204"))
    go_on.set()
    assert other.answer().status == 204
    assert all(hog.answer().status == 204 for _ in range(10 * TURNS))
    assert order.index("other") <= TURNS


def test_the_bounds_are_those_that_are_documented():
    assert (HIGH_WATER, WINDOW, TURNS) == (256 * 1024, 256 * 1024, 32)
    assert (LINGER, LINGER_MOST, MOST_TURNED_AWAY) == (2.0, 30.0, 256)


# Few writes


@pytest.mark.parametrize(
    ("service", "request_", "end"),
    [
        (denied, "reqmod", b"</html>\n\r\n0\r\n\r\n"),
        (nothing, "respmod", b"\r\n0\r\n\r\n"),
        (copied, "respmod", b"hello"),
    ],
)
def test_head_and_short_body_come_in_one_write(serve, icap, service, request_, end):
    client = serve({"a": service}).client()
    body = b"hello" if request_ == "respmod" else None
    client.send(getattr(icap, request_)(body=body))
    assert end in client.more()


@pytest.mark.parametrize("service", [nothing, copied])
def test_a_body_goes_back_while_it_comes(serve, icap, service):
    client = serve({"a": service}).client()
    client.send(icap.respmod(body=b"first")[: -len(icap.END)])
    client.until(b"\r\n5\r\nfirst\r\n")
    client.send(icap.chunks(b"second"))
    client.until(b"6\r\nsecond\r\n")
    client.send(icap.END)
    client.until(icap.END)


# Large bodies, and clients that read late


def test_a_client_that_writes_all_before_it_reads_does_not_deadlock(serve, icap):
    running = serve({"a": nothing}, stall_timeout=0.05)
    client = running.client()
    body = b"0123456789abcdef" * (20 * MIB // 16)
    client.send(icap.respmod(body=body, chunk=1 << 20))
    assert client.answer().body == body
    assert client.ask(icap.options()).status == 200


def test_nor_does_it_where_a_new_body_is_made_of_the_old_one(serve, icap):
    running = serve({"a": copied}, stall_timeout=0.05)
    client = running.client()
    body = b"0123456789abcdef" * (20 * MIB // 16)
    client.send(icap.respmod(body=body, chunk=1 << 20))
    assert client.answer().body == body
    assert client.ask(icap.options()).status == 200


def test_to_read_ahead_ends_with_the_request(serve, icap):
    running = serve({"a": nothing}, stall_timeout=0.05)
    client = running.client(SO_RCVBUF=16384)
    client.send(icap.respmod(body=b"x" * 20 * MIB))
    (wire,) = running.server._clients.all()
    assert wire.ahead
    assert len(client.answer().body) == 20 * MIB
    assert client.ask(icap.options()).status == 200
    assert not wire.ahead


def test_nor_does_it_where_a_large_answer_is_given_early(serve, icap):
    @both
    def large(request):
        return modify(body=b"x" * 20 * MIB)

    client = serve({"a": large}, stall_timeout=0.05).client()
    client.send(icap.respmod(body=b"y" * 20 * MIB))
    assert len(client.answer().body) == 20 * MIB
    assert client.ask(icap.options()).status == 200


def test_nor_does_it_with_allow_204(serve, icap):
    client = serve({"a": nothing}).client()
    client.send(icap.respmod("/respmod", "Allow: 204", body=b"x" * 20 * MIB))
    assert client.answer().status == 204


@pytest.mark.parametrize("fields", [(), ("Allow: 204",), ("Allow: 204, 206",)])
@pytest.mark.parametrize("service", [later, read_all, file, copied])
def test_a_body_that_waits_for_a_decision_does_not_stay_held_back(serve, icap, fields, service):
    client = serve({"a": service}, body_memory=MIB).client()
    body = b"x" * (WINDOW * 10)
    client.send(icap.respmod("/respmod", *fields, body=body))
    answer = client.answer()
    assert answer.status == (204 if fields and service is not copied else 200)
    if answer.status == 200:
        assert answer.body == body
    assert client.ask(icap.options()).status == 200


@pytest.mark.parametrize("on_error", ["error", "skip", "block"])
def test_a_service_that_fails_while_the_client_is_held_back_lets_it_go_on(serve, icap, on_error):
    go_on = asyncio.Event()

    @both
    async def broken(request):
        await go_on.wait()
        raise ValueError

    broken.on_error = on_error
    running = serve({"a": broken})
    client = running.client()
    sender = threading.Thread(target=client.send, args=[icap.respmod(body=b"x" * 20 * MIB)])
    sender.start()
    running.wait_for(lambda: any(wire.held for wire in running.server._clients.all()))
    running.call(go_on.set)
    client.answer()
    sender.join()
    assert client.ask(icap.options()).status == 200


def slow_reader(running, request):
    """A client that sends all it can and reads nothing yet, and the thread that sends."""
    client = running.client(SO_RCVBUF=16384)

    def send():
        with contextlib.suppress(OSError):
            client.send(request)

    sender = threading.Thread(target=send)
    sender.start()
    return client, sender


@pytest.mark.parametrize("service", [nothing, copied])
def test_a_client_that_reads_slowly_is_read_from_slowly(serve, icap, service):
    """What waits in the server is bounded, though 20 MB want to pass."""
    running = serve({"a": service}, stall_timeout=60)
    client, sender = slow_reader(running, icap.respmod(body=b"x" * 20 * MIB, chunk=1 << 16))
    running.wait_for(
        lambda: any(wire.held and wire.congested for wire in running.server._clients.all())
    )
    (wire,) = running.server._clients.all()
    assert wire.unsent() < 4 * HIGH_WATER
    assert len(wire.conn.left_over) < HIGH_WATER
    assert wire.exchange.body.spool.size - wire.exchange.body.position < 4 * WINDOW
    assert client.answer().body == b"x" * 20 * MIB
    sender.join()


def test_a_maker_waits_for_a_client_that_reads_slowly(serve, icap):
    made = []

    @both
    def endless(request):
        async def pieces():
            for _ in range(1000):
                made.append(1)
                yield b"x" * 100_000

        return modify(body=pieces())

    running = serve({"a": endless})
    client = running.client(SO_RCVBUF=16384)
    client.send(icap.respmod(body=b"y"))
    running.wait_for(lambda: any(wire.congested for wire in running.server._clients.all()))
    assert len(made) < 100
    assert len(client.answer().body) == 100_000_000


def test_early_answers_end_where_more_comes_than_is_read(serve, icap):
    running = serve({"a": denied}, drain_bytes=MIB)
    client = running.client()
    client.send(icap.reqmod(body=b"x" * MIB))
    assert client.answer().http.startswith(b"HTTP/1.1 403 ")
    assert client.ask(icap.options()).status == 200
    other = running.client()
    with contextlib.suppress(ConnectionError):
        other.send(icap.reqmod(body=b"x" * 4 * MIB))
        assert other.answer().http.startswith(b"HTTP/1.1 403 ")
        assert other.is_closed_by_server()
    assert running.server.counters.errors == {}, "to send on is no mistake"


def test_bodies_that_nobody_wants_are_counted_each_by_itself(serve, icap):
    client = serve(drain_bytes=MIB).client()
    for _ in range(5):
        assert client.ask(icap.respmod("/none", body=b"x" * (MIB // 2))).status == 404


# Half a connection


def test_of_pipelined_answers_only_the_last_says_that_it_is(serve, icap):
    running = serve({"a": (slow := Held())})
    client = running.client()
    client.send(icap.reqmod("/a", "Allow: 204") * 3)
    client.half_close()
    running.wait_for(lambda: all(wire.conn.must_close for wire in running.server._clients.all()))
    running.call(slow.let_go)
    assert [client.answer()["Connection"] for _ in range(3)] == [None, None, "close"]
    assert client.is_closed_by_server()


def test_a_client_that_sends_nothing_more_still_reads_its_answer(serve, icap):
    client = serve({"a": read_all}).client()
    client.send(icap.respmod(body=b"hello"))
    client.half_close()
    answer = client.answer()
    assert (answer.body, answer["Connection"]) in ((b"hello", "close"), (b"hello", None))
    assert client.is_closed_by_server()


def test_a_client_that_closes_in_the_middle_of_a_request_is_told_400(serve, icap):
    client = serve({"a": read_all}).client()
    client.send(icap.respmod(body=b"hello")[:-9])
    client.half_close()
    assert client.answer().status == 400
    assert client.is_closed_by_server()


def test_a_client_that_closes_behind_its_preview_is_told_400(serve, icap):
    client = serve({"a": read_all}).client()
    client.send(icap.respmod(body=b"hello", preview=1))
    client.half_close()
    assert client.answer().status in (100, 400)
    client.rest()


def test_a_client_that_closes_between_two_requests_is_closed(serve, icap):
    client = serve().client()
    client.ask(icap.options())
    client.half_close()
    assert client.is_closed_by_server()
