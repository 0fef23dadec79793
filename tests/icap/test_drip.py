"""A client that stalls until its answer begins is answered early; then it is all or nothing."""

import asyncio
import functools
import threading

import pytest

from zcadapt import allow, block, modify, reqmod, respmod
from zcadapt.icap import drip
from zcadapt.icap.drip import SQUIDS_BUFFER, STEP, Stallers, may_stall
from zcadapt.icap.events import RequestHead
from zcadapt.icap.head import parse_line

SIZE = 200_000
BODY = b"All work and no play makes Jack a dull boy. " * (SIZE // 44 + 1)


def scanner(verdict=None, **options):
    """A service that reads everything before it answers."""

    @respmod(**options)
    @reqmod(**options)
    async def scan(request):
        await request.body.read()
        if isinstance(verdict, Exception):
            raise verdict
        return verdict and verdict(request)

    return scan


def known(server):
    """Let the server know that its client stalls."""
    server.stallers._until["127.0.0.1"] = server.now + 1000


def passes(running, seconds):
    start = running.server.now
    running.wait_for(lambda: running.server.now > start + seconds)


class Stalling:
    """A client that sends as much as Squid holds, and no more until something comes."""

    def __init__(self, client, icap, *fields, body=BODY, response=None, size=SQUIDS_BUFFER):
        self.client, self.icap, self.body = client, icap, body
        response = response or icap.OK
        head = icap.respmod("/respmod", *fields, body=b"", preview=0, response=response)
        client.send(head.replace(icap.IEOF, icap.END))
        assert client.answer().status == 100
        self.sent = 0
        self.step(size)

    def step(self, size):
        piece = self.body[self.sent : self.sent + size]
        self.client.send(self.icap.chunks(piece))
        self.sent += len(piece)

    def finish(self):
        self.client.send(self.icap.chunks(self.body[self.sent :]) + self.icap.END)

    def head(self):
        """The head of the answer, when it has begun."""
        return self.client.until(b"\r\n\r\n")


def test_a_client_that_stalls_is_sent_the_head_and_a_byte_and_gets_it_whole(serve, icap, caplog):
    running = serve({"a": scanner()}, drip_after=0.05)
    client = running.client()
    stalling = Stalling(client, icap)
    assert stalling.head().startswith(b"ICAP/1.0 200 OK")
    assert client.until(b"\r\n\r\n") == icap.OK[:-4]
    assert client.exactly(6) == b"1\r\nA\r\n"
    stalling.finish()
    body, last, _ = client.chunked()
    assert b"A" + body == BODY
    assert last == b"0"
    assert client.ask(icap.options()).status == 200
    assert "127.0.0.1 sends nothing more of a response before its answer begins" in caplog.text
    assert running.server.stallers.know("127.0.0.1")


def early_bytes(client, icap):
    """Return what comes of a body until its answer is cut."""
    client.until(b"\r\n\r\n")
    return client.rest().removesuffix(icap.END).replace(b"\r\n", b"")[1::2]


def test_silence_alone_brings_no_further_byte(serve, icap):
    """Else who waits long enough gets all that has come, byte by byte."""
    running = serve({"a": scanner(block)}, drip_after=0.05)
    client = running.client()
    stalling = Stalling(client, icap, body=BODY[: SQUIDS_BUFFER + STEP - 1])
    stalling.head()
    for size in (1, 500):
        stalling.step(size)
        passes(running, 0.7)
    stalling.finish()
    assert early_bytes(client, icap) == BODY[:1]


@pytest.mark.parametrize("size", [10_000, STEP, 300_000])
def test_at_most_one_byte_in_48_kb_goes_out(serve, icap, size):
    """However much comes at a time, and after whatever silence."""
    running = serve({"a": scanner(block)}, drip_after=0.05)
    client = running.client()
    body = bytes(range(1, 251)) * 4000
    stalling = Stalling(client, icap, body=body)
    stalling.head()
    exchange = running.server._clients.all()[0].exchange
    while stalling.sent < len(body):
        stalling.step(size)
        running.wait_for(lambda: exchange.body.spool.size == stalling.sent)
        if stalling.sent < 400_000 and size > 10_000:
            passes(running, 0.3)
    client.send(icap.END)
    got = early_bytes(client, icap)
    assert body.startswith(got)
    assert len(got) <= 1 + (len(body) - 65_535) // 49_152


@pytest.mark.parametrize("sizes", [(STEP,), (500, STEP - 500), (SQUIDS_BUFFER,)])
def test_as_much_brings_one_at_once(serve, icap, sizes):
    """Else the client, which holds 64 KB, would stall again."""
    client = serve({"a": scanner()}, drip_after=0.3).client()
    body = BODY * 4
    stalling = Stalling(client, icap, body=body)
    stalling.head()
    client.until(b"\r\n\r\n")
    for at in range(10):
        assert client.exactly(6) == b"1\r\n%c\r\n" % body[at]
        for size in sizes:
            stalling.step(size)
    stalling.finish()
    assert body.endswith(client.chunked()[0])


@pytest.mark.parametrize("sent", [65_534, 65_536, 150_000])
def test_who_falls_silent_elsewhere_is_waited_for(serve, icap, sent):
    """It is the origin server that pauses; Squid would have stopped at its size."""
    running = serve({"a": scanner(block)}, drip_after=0.3)
    client = running.client()
    stalling = Stalling(client, icap, size=sent)
    passes(running, 1.2)
    stalling.finish()
    assert client.answer().http.startswith(b"HTTP/1.1 403 ")


def test_who_is_silent_elsewhere_for_long_is_answered_early_and_not_remembered(serve, icap, caplog):
    running = serve({"a": scanner()}, drip_after=0.05)
    client = running.client()
    stalling = Stalling(client, icap, size=80_000)
    assert stalling.head().startswith(b"ICAP/1.0 200 OK")
    client.until(b"\r\n\r\n")
    stalling.finish()
    assert client.chunked()[0] == BODY
    assert not running.server.stallers.know("127.0.0.1")
    assert caplog.text == ""


def test_who_is_known_need_not_be_silent_for_long_elsewhere(serve, icap):
    running = serve({"a": scanner()}, drip_after=0.5)
    running.call(lambda: known(running.server))
    client = running.client()
    stalling = Stalling(client, icap, size=80_000)
    start = running.server.now
    stalling.head()
    assert running.server.now < start + drip.LONG * 0.5


@pytest.mark.parametrize("step", [1, 100_000])
def test_who_goes_on_at_once_is_remembered(serve, icap, step):
    running = serve({"a": scanner()}, drip_after=0.05)
    stalling = Stalling(running.client(), icap)
    stalling.head()
    stalling.step(step)
    running.wait_for(lambda: running.server.stallers.know("127.0.0.1"))


def test_who_goes_on_later_has_not_waited_for_us(serve, icap, caplog):
    running = serve({"a": scanner()}, drip_after=0.05)
    client = running.client()
    stalling = Stalling(client, icap)
    stalling.head()
    client.until(b"\r\n\r\n")
    passes(running, 0.6)
    stalling.step(1000)
    stalling.finish()
    assert client.chunked()[0] == BODY
    assert not running.server.stallers.know("127.0.0.1")
    assert caplog.text == ""


def test_a_body_sets_one_timer_at_most(serve, icap, new_loop, monkeypatch):
    if new_loop is not asyncio.new_event_loop:
        pytest.skip("no other loop shows its timers")
    monkeypatch.setattr(drip, "SOON", 3600)
    running = serve({"a": scanner()}, drip_after=3600)
    running.call(lambda: known(running.server))
    stalling = Stalling(running.client(), icap, body=BODY * 10)
    exchange = running.server._clients.all()[0].exchange
    while stalling.sent < 1_000_000:
        running.wait_for(lambda: exchange.body.spool.size == stalling.sent)
        stalling.step(50_000)
    timers = running.call(lambda: [each._callback for each in running.loop._scheduled])
    assert [getattr(each, "__module__", "") for each in timers].count(drip.__name__) == 1


def test_who_is_known_and_goes_on_is_not_answered_early(serve, icap, monkeypatch):
    monkeypatch.setattr(drip, "SOON", 0.3)
    running = serve({"a": scanner(block)}, drip_after=3600)
    running.call(lambda: known(running.server))
    client = running.client()
    stalling = Stalling(client, icap)
    stalling.step(1)
    passes(running, 0.8)
    stalling.finish()
    assert client.answer().http.startswith(b"HTTP/1.1 403 ")


def test_an_answer_that_is_out_is_not_begun_again(serve, icap, monkeypatch):
    """Nor does it begin in the place of that to the next request."""
    monkeypatch.setattr(drip, "SOON", 0.3)

    @respmod
    async def quick(request):
        await request.body.read(SQUIDS_BUFFER)
        return block(request)

    running = serve({"a": quick}, drip_after=3600)
    running.call(lambda: known(running.server))
    client = running.client()
    stalling = Stalling(client, icap)
    assert client.answer().http.startswith(b"HTTP/1.1 403 ")
    stalling.finish()
    request = icap.respmod(body=BODY, chunk=1000)
    client.send(request[:50_000])
    passes(running, 0.8)
    client.send(request[50_000:])
    assert client.answer().http.startswith(b"HTTP/1.1 403 ")


def test_early_answers_are_counted_and_those_broken_off(serve, icap):
    running = serve({"a": scanner(lambda request: block(request) if request.args else None)})
    counters = running.server.counters
    running.call(lambda: known(running.server))
    for path, broken_off in [("/respmod", 0), ("/respmod?block=1", 1), ("/respmod", 1)]:
        client = running.client()
        request = icap.respmod(path, body=BODY, chunk=SQUIDS_BUFFER)
        head, rest = request.split(b"ffff\r\n", 1)
        client.send(head + b"ffff\r\n" + rest[: SQUIDS_BUFFER + 2])
        client.until(b"\r\n1\r\n")
        client.send(rest[SQUIDS_BUFFER + 2 :])
        running.wait_for(lambda: not any(w.exchange for w in running.server._clients.all()))
        assert counters.broken_off == broken_off
    assert counters.answered_early == 3


def test_a_client_that_is_known_to_stall_does_not_wait(serve, icap):
    running = serve({"a": scanner()}, drip_after=3600)
    running.call(lambda: known(running.server))
    client = running.client()
    stalling = Stalling(client, icap)
    assert stalling.head().startswith(b"ICAP/1.0 200 OK")
    client.until(b"\r\n\r\n")
    assert client.exactly(6) == b"1\r\nA\r\n"
    stalling.step(SQUIDS_BUFFER)
    assert client.exactly(6) == b"1\r\nl\r\n", "a byte for each further piece"
    stalling.finish()
    assert BODY.endswith(client.chunked()[0])


def test_what_it_is_sent_less_of_is_not_begun_early(serve, icap):
    """So a short file that is blocked has its page."""
    running = serve({"a": scanner(block)}, drip_after=0.05)
    running.call(lambda: known(running.server))
    client = running.client()
    stalling = Stalling(client, icap, body=BODY[: SQUIDS_BUFFER - 1])
    passes(running, 0.8)
    stalling.finish()
    assert client.answer().http.startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    ("verdict", "on_error"),
    [
        (block, "error"),
        (lambda _: modify(body=b"another"), "error"),
        (ValueError(), "error"),
        (ValueError(), "block"),
    ],
)
@pytest.mark.parametrize("told", [False, True])
def test_who_blocks_after_that_stops_the_answer(serve, icap, verdict, on_error, told, caplog):
    """A length that was told shows that something is missing; else the connection is cut."""
    running = serve({"a": scanner(verdict, on_error=on_error)}, drip_after=0.05)
    client = running.client()
    length = f"Content-Length: {len(BODY)}" if told else "X-Length: unknown"
    stalling = Stalling(client, icap, response=b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % length.encode())
    stalling.head()
    stalling.finish()
    if told:
        client.until(b"\r\n\r\n")
        assert BODY[:4].startswith(client.chunked()[0])
        assert client.ask(icap.options()).status == 200, "the connection is kept"
    else:
        assert not client.rest().endswith(b"0\r\n\r\n")
    assert "is broken off: service 'a'" in caplog.text or "service 'a' failed" in caplog.text


@pytest.mark.parametrize(
    ("verdict", "on_error"),
    [
        (lambda _: allow(), "error"),
        (lambda _: modify(set_headers={"X": "1"}), "error"),
        (ValueError(), "skip"),
    ],
)
def test_who_lets_it_pass_completes_it(serve, icap, verdict, on_error):
    client = serve({"a": scanner(verdict, on_error=on_error)}, drip_after=0.05).client()
    stalling = Stalling(client, icap, "Allow: 206")
    stalling.head()
    client.until(b"\r\n\r\n")
    stalling.finish()
    assert BODY.endswith(client.chunked()[0])
    assert client.ask(icap.options()).status == 200


def test_the_decision_is_told_once_when_it_is_made(serve, icap):
    told = []

    def observer(request, won):
        told.append(won)

    running = serve({"a": scanner()}, observer=observer, drip_after=0.05)
    client = running.client()
    stalling = Stalling(client, icap)
    stalling.head()
    assert told == []
    stalling.finish()
    client.until(b"\r\n0\r\n\r\n")
    assert told == [None]


def test_a_plain_service_that_wants_much_lets_it_go_on_too(serve, icap):
    """It is asked when so much is there, and no preview was offered."""
    client = serve({"a": respmod(preview=100_000)(lambda _: None)}, drip_after=0.05).client()
    request = icap.respmod(body=BODY)
    client.send(request[:70_000])
    client.until(b"\r\n\r\n")
    client.until(b"\r\n\r\n")
    client.send(request[70_000:])
    assert client.chunked()[0] == BODY


@pytest.mark.parametrize("drip_after", [0, 3600])
def test_it_can_be_turned_off(serve, icap, drip_after):
    running = serve({"a": scanner(block)}, drip_after=drip_after)
    if not drip_after:
        running.call(lambda: known(running.server))
    client = running.client()
    stalling = Stalling(client, icap)
    start = running.server.now
    running.wait_for(lambda: running.server.now > start + 0.6)
    stalling.finish()
    assert client.answer().http.startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("kind", ["reqmod", "no preview, 204 allowed", "preview, 204 allowed"])
def test_who_never_stalls_is_waited_for(serve, icap, kind):
    running = serve({"a": scanner(block)}, drip_after=0.05)
    client = running.client()
    if kind == "preview, 204 allowed":
        finish = Stalling(client, icap, "Allow: 204").finish
    else:
        ask = icap.reqmod if kind == "reqmod" else icap.respmod
        request = ask(f"/{ask.__name__}", "Allow: 204", body=BODY)
        client.send(request[:80_000])
        finish = functools.partial(client.send, request[80_000:])
    passes(running, 1.0)
    finish()
    assert client.answer().http.startswith(b"HTTP/1.1 403 ")


def test_a_maker_that_has_begun_is_left_alone(serve, icap):
    @respmod
    def copied(request):
        async def pieces():
            yield b"<"
            async for piece in request.body:
                yield piece

        return modify(body=pieces())

    running = serve({"a": copied}, drip_after=0.05)
    client = running.client()
    request = icap.respmod(body=BODY)
    client.send(request[:80_000])
    start = running.server.now
    running.wait_for(lambda: running.server.now > start + 0.6)
    client.send(request[80_000:])
    assert client.answer().body == b"<" + BODY
    assert running.server.counters.answered_early == 0


def test_a_service_that_is_slow_is_no_silence_of_the_client(serve, icap):
    """What is held back cannot be silent."""
    go_on = asyncio.Event()

    @respmod
    async def slow(request):
        await go_on.wait()
        await request.body.read()
        return block(request)

    running = serve({"a": slow}, drip_after=0.05)
    client = running.client()
    request = icap.respmod(body=BODY * 10)
    client.send(request)
    running.wait_for(lambda: any(wire.held for wire in running.server._clients.all()))
    start = running.server.now
    running.wait_for(lambda: running.server.now > start + 0.6)
    running.call(go_on.set)
    assert client.answer().http.startswith(b"HTTP/1.1 403 ")


def test_clients_are_remembered_for_a_while(monkeypatch):
    monkeypatch.setattr(drip, "MOST_REMEMBERED", 2)
    now = 100.0
    stallers = Stallers(lambda: now, enabled=True)
    assert not stallers.know("a")
    stallers.add("a")
    now += drip.REMEMBERED - 1
    assert stallers.know("a")
    now += 1
    assert not stallers.know("a")


def test_each_client_is_told_of_once_until_it_is_forgotten(caplog):
    now = 1.0
    stallers = Stallers(lambda: now, enabled=True)
    for host in ("10.0.0.1", "10.0.0.1", "10.0.0.2"):
        stallers.add(host)
    now += drip.REMEMBERED
    stallers.add("10.0.0.1")
    told = [record.args for record in caplog.records]
    assert told == [("10.0.0.1",), ("10.0.0.2",), ("10.0.0.1",)]


def test_of_too_many_the_one_seen_longest_ago_is_forgotten(monkeypatch):
    monkeypatch.setattr(drip, "MOST_REMEMBERED", 2)
    stallers = Stallers(lambda: 1.0, enabled=True)
    for host in "abac":
        stallers.add(host)
    assert [stallers.know(host) for host in "abc"] == [True, False, True]


@pytest.mark.parametrize(
    ("line", "preview", "allow", "may"),
    [
        (b"RESPMOD / ICAP/1.0", None, "", True),
        (b"RESPMOD / ICAP/1.0", None, "trailers", True),
        (b"RESPMOD / ICAP/1.0", 0, "206 trailers", True),
        (b"RESPMOD / ICAP/1.0", 0, "204", False),
        (b"RESPMOD / ICAP/1.0", None, "204", False),
        (b"REQMOD / ICAP/1.0", 0, "204", False),
    ],
)
def test_only_some_requests_can_stall(line, preview, allow, may):
    allowed = frozenset(allow.split())
    head = RequestHead(
        parse_line(line), b"", {}, None, b"", has_body=True, preview=preview, allow=allowed
    )
    assert may_stall(head) == may


@pytest.fixture
def slow():
    """A scanner that takes its time once it has read everything, until it is let go."""
    event = asyncio.Event()

    @respmod(preview=64000)
    async def scan(request):
        await request.body.read()
        await event.wait()
        return block(request)

    scan.event = event
    return scan


def test_a_client_that_has_sent_all_is_not_silent(serve, icap, slow):
    running = serve({"a": slow}, drip_after=0.05)
    client = running.client()
    client.send(icap.respmod(body=BODY))
    passes(running, 0.8)
    running.call(slow.event.set)
    assert client.answer().http.startswith(b"HTTP/1.1 403 ")


def test_a_client_that_waits_behind_its_preview_is_not_silent(serve, icap):
    event = asyncio.Event()

    @respmod(preview=64000)
    async def thinks(request):
        await event.wait()
        return allow()

    running = serve({"a": thinks}, drip_after=0.05)
    client = running.client()
    client.send(icap.respmod(body=BODY, preview=64000))
    passes(running, 0.8)
    running.call(event.set)
    assert client.answer().status == 204


def test_a_client_in_the_middle_of_its_preview_is_not_answered_early(serve, icap, slow):
    running = serve({"a": slow}, drip_after=0.05)
    client = running.client()
    client.send(icap.respmod(body=BODY, preview=100_000)[:80_000])
    passes(running, 0.8)
    assert running.server._clients.all()[0].exchange.early is None


def test_a_maker_that_reads_everything_first_breaks_it_off_as_any_other(serve, icap, caplog):
    @respmod
    def shouting(request):
        async def pieces():
            yield (await request.body.read()).upper()

        return modify(body=pieces())

    client = serve({"a": shouting}, drip_after=0.05).client()
    stalling = Stalling(client, icap, response=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
    stalling.head()
    client.until(b"\r\n\r\n")
    stalling.finish()
    assert BODY[:4].startswith(client.chunked()[0])
    assert client.ask(icap.options()).status == 200
    assert "LocalProtocolError" not in caplog.text


def test_bytes_of_ours_are_no_sign_of_life_of_the_client(serve, icap):
    client = serve({"a": scanner()}, drip_after=0.05, read_timeout=1.0).client()
    stalling = Stalling(client, icap)
    stalling.head()
    assert not client.rest().endswith(icap.END)


def test_silence_of_our_own_is_not_the_clients(serve, icap):
    running = serve({"a": scanner(block)}, drip_after=0.5)
    client = running.client()
    stalling = Stalling(client, icap)
    exchange = running.server._clients.all()[0].exchange
    running.wait_for(lambda: exchange.body.spool.size == SQUIDS_BUFFER)
    running.loop.call_soon_threadsafe(threading.Event().wait, 1.0)
    stalling.step(10_000)
    running.call(lambda: None)
    stalling.finish()
    assert client.answer().http.startswith(b"HTTP/1.1 403 ")


def test_a_quick_service_is_not_answered_before_it_decides(serve, icap):
    @respmod
    async def quick(request):
        await asyncio.sleep(0)
        return block(request)

    running = serve({"a": quick})
    known(running.server)
    client = running.client()
    for _ in range(20):
        assert client.ask(icap.respmod(body=BODY)).http.startswith(b"HTTP/1.1 403 ")
