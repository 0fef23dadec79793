"""What a client reads for what a service decides, and when it is asked for more."""

import asyncio
import contextlib
import threading

import pytest

import zcadapt
from zcadapt import UnableError, allow, block, blocking, modify, reqmod, respmod
from zcadapt.icap import exchange


def both(function=None, **options):
    """A service for both methods."""
    return respmod(reqmod(function, **options)) if function else lambda f: both(f, **options)


@both
def nothing(request):
    """Have no opinion."""


@both
def denied(request):
    return block(request, reason="because")


@both
def marked(request):
    return modify(set_headers={"X-Mark": "1"})


@both
async def read_all(request):
    """Read everything, then have no opinion."""
    await request.body.read()


MIB = 1024 * 1024
BODY = b"All work and no play makes Jack a dull boy. " * 50


# No modification


def test_what_nobody_minds_is_204_where_the_client_allows_it(ask, icap):
    answer = ask(icap.reqmod("/reqmod", "Allow: 204"), {"a": nothing})
    assert answer.first == "ICAP/1.0 204 No Modifications Needed"
    assert [name for name, _ in answer.fields] == ["ISTag", "Date", "Encapsulated"]
    assert answer["Encapsulated"] == "null-body=0"


def test_without_a_single_service_all_stays_as_it_is(ask, icap):
    assert ask(icap.reqmod("/", "Allow: 204")).status == 204


def test_what_is_not_allowed_204_comes_back_to_the_byte(ask, icap):
    head = b"GET /a  HTTP/1.0\r\nhost:example.com\r\nX-Odd :  b \r\n\r\n"
    answer = ask(icap.reqmod(request=head), {"a": nothing})
    assert (answer.status, answer.heads, answer.body) == (200, {"req-hdr": head}, None)


@pytest.mark.parametrize("method", ["reqmod", "respmod"])
@pytest.mark.parametrize("size", [0, 1, 1000, 3 * MIB])
def test_a_body_comes_back_to_the_byte(ask, icap, method, size):
    body = (bytes(range(256)) * (size // 256 + 1))[:size]
    answer = ask(getattr(icap, method)("/" + method, body=body, chunk=4099), {"a": nothing})
    assert answer.status == 200
    assert answer.body == body


def test_in_a_preview_204_needs_no_leave(ask, icap):
    answer = ask(icap.respmod(body=BODY, preview=10), {"a": nothing})
    assert answer.status == 204


@pytest.mark.parametrize(
    ("service", "allow", "status"), [(nothing, "204", 204), (marked, "204, 206", 206)]
)
def test_what_spares_the_body_waits_outside_of_a_preview_for_its_end(
    serve, icap, service, allow, status
):
    client = serve({"a": service}).client()
    request = icap.respmod("/respmod", f"Allow: {allow}", body=BODY)
    client.send(request[:-5])
    client.socket.settimeout(0.2)
    with pytest.raises(TimeoutError):
        client.more()
    client.socket.settimeout(10)
    client.send(request[-5:])
    assert client.answer().status == status
    assert client.ask(icap.options()).status == 200


def test_to_allow_ends_the_consultation(ask, icap):
    @both
    def friendly(request):
        return allow(icap_headers={"X-Friend": "yes"})

    answer = ask(icap.reqmod("/reqmod", "Allow: 204"), {"a": friendly, "b": denied})
    assert answer.status == 204
    assert answer["X-Friend"] == "yes"


# Modification


def test_a_change_of_headers_is_a_206_in_a_preview_where_allowed(serve, icap):
    client = serve({"a": marked}).client()
    answer = client.ask(icap.respmod("/respmod", "Allow: 204, 206", body=BODY, preview=16))
    assert answer.status == 206
    assert answer.parts == [("res-hdr", 0), ("res-body", len(answer.http))]
    assert b"X-Mark: 1\r\n" in answer.http
    assert (answer.body, answer.last) == (b"", b"0; use-original-body=0")
    assert client.ask(icap.options()).status == 200


def test_a_change_of_headers_is_a_206_outside_of_a_preview_with_204_and_206(ask, icap):
    answer = ask(icap.respmod("/respmod", "Allow: 206, 204", body=BODY), {"a": marked})
    assert (answer.status, answer.last) == (206, b"0; use-original-body=0")


def test_with_206_alone_a_change_outside_of_a_preview_is_a_200(ask, icap):
    answer = ask(icap.respmod("/respmod", "Allow: 206", body=BODY), {"a": marked})
    assert (answer.status, answer.body) == (200, BODY)


def test_a_change_of_headers_without_a_body_is_a_200(ask, icap):
    answer = ask(icap.reqmod("/reqmod", "Allow: 204, 206"), {"a": marked})
    assert answer.http == icap.GET[:-2] + b"X-Mark: 1\r\n\r\n"
    assert (answer.status, answer.body) == (200, None)


def test_without_206_a_change_of_headers_streams_the_body_back(serve, icap):
    serve({"a": marked}).client().talk(
        """
        C: RESPMOD icap://127.0.0.1/respmod ICAP/1.0
        C: Preview: 4
        C: Encapsulated: res-hdr=0, res-body=19
        C:
        C: HTTP/1.1 200 OK
        C:
        C: 4
        C: Wiki
        C: 0
        C:
        S: ICAP/1.0 100 Continue
        S:
        C: 5
        C: pedia
        C: 0
        C:
        S: ICAP/1.0 200 OK
        S: ISTag: "*"
        S: Date: * GMT
        S: Encapsulated: res-hdr=0, res-body=30
        S:
        S: HTTP/1.1 200 OK
        S: X-Mark: 1
        S:
        S: 4
        S: Wiki
        S: 5
        S: pedia
        S: 0
        S:
        """
    )


def test_what_has_been_sent_back_is_not_kept(serve, icap):
    running = serve({"a": marked})
    client = running.client()
    request = icap.respmod(body=BODY, preview=100)
    client.send(request)
    assert client.answer().status == 100
    running.wait_for(lambda: running.server._clients.all()[0].exchange.body.spool.begin == 100)
    client.send(icap.chunks(BODY[100:]) + icap.END)
    assert client.answer().body == BODY


def test_a_change_of_headers_does_not_hang_on_an_empty_preview(serve, icap):
    client = serve({"a": marked}).client()
    client.send(icap.respmod(body=BODY, preview=0))
    assert client.answer().status == 100
    client.send(icap.chunks(BODY) + icap.END)
    assert client.answer().body == BODY


@pytest.mark.parametrize("fields", [(), ("Allow: 204, 206",)])
@pytest.mark.parametrize("preview", [None, 0, 10, 10_000])
def test_a_new_body_of_bytes_is_sent_whole_and_carries_its_length(ask, icap, preview, fields):
    @both
    def replaced(request):
        return modify(body=b"new")

    response = b"HTTP/1.1 200 OK\r\nContent-Length: 2200\r\n\r\n"
    request = icap.respmod("/respmod", *fields, response=response, body=BODY, preview=preview)
    answer = ask(request, {"a": replaced})
    assert answer.http == b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
    assert (answer.status, answer.body, answer.last) == (200, b"new", b"0")


# Responses


def test_a_response_to_a_request_carries_its_length(ask, icap):
    answer = ask(icap.reqmod("/reqmod", "Allow: 204"), {"a": denied})
    assert answer.first == "ICAP/1.0 200 OK"
    assert answer.parts[0] == ("res-hdr", 0)
    assert answer.http.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert f"Content-Length: {len(answer.body)}\r\n".encode() in answer.http
    assert b"because" in answer.body


def test_a_response_replaces_another(ask, icap):
    answer = ask(icap.respmod("/respmod", "Allow: 204", body=BODY, preview=0), {"a": denied})
    assert answer.http.startswith(b"HTTP/1.1 403 Forbidden\r\n")


def test_an_answer_to_head_has_no_body(ask, icap):
    head = b"HEAD http://example.com/ HTTP/1.1\r\n\r\n"
    answer = ask(icap.reqmod(request=head), {"a": denied})
    assert answer.body is None
    assert b"Content-Length: " in answer.http


def test_a_response_to_head_may_be_modified(ask, icap):
    head = b"HEAD http://example.com/ HTTP/1.1\r\n\r\n"
    answer = ask(icap.respmod(request=head), {"a": marked})
    assert (answer.body, answer.http) == (None, icap.OK[:-2] + b"X-Mark: 1\r\n\r\n")


def test_decisions_put_headers_into_the_icap_head_before_encapsulated(ask, icap):
    @both
    def infected(request):
        found = {"X-Infection-Found": "Type=0; Resolution=2; Threat=Eicar;", "X-Virus-ID": "Eicar"}
        return block(request, icap_headers=found)

    answer = ask(icap.respmod(body=BODY), {"a": infected})
    assert [name for name, _ in answer.fields][-4:] == [
        "X-Infection-Found",
        "X-Virus-ID",
        "X-Decision-ID",
        "Encapsulated",
    ]


def test_an_early_response_leaves_the_connection_in_sync(serve, icap):
    client = serve({"a": denied}).client()
    request = icap.reqmod(body=BODY)
    client.send(request[:300])
    assert client.answer().http.startswith(b"HTTP/1.1 403 ")
    client.send(request[300:])
    assert client.ask(icap.options()).status == 200


# Preview


def told(**options):
    """A service that tells what it sees of the body, and a list of that."""
    seen = []

    @both(**options)
    def watch(request):
        seen.append((request.body.preview, request.body.complete))

    return watch, seen


@pytest.mark.parametrize("cut", [None, 1])
def test_the_preview_is_there_at_once_and_whole(serve, icap, cut):
    watch, seen = told(preview=10)
    client = serve({"a": watch}).client()
    assert client.ask(icap.respmod(body=BODY, preview=10, chunk=cut)).status == 204
    assert seen == [(BODY[:10], False)]


@pytest.mark.parametrize("size", [0, 1, 9, 10])
def test_a_body_that_fits_the_preview_is_complete_in_it(serve, icap, size):
    watch, seen = told(preview=10)
    client = serve({"a": watch, "b": read_all}).client()
    answer = client.ask(icap.respmod("/respmod", "Allow: 204", body=BODY[:size], preview=10))
    assert answer.status == 204, "no 100 Continue after ieof"
    assert seen == [(BODY[:size], True)]


def test_a_preview_of_no_body_at_all_is_no_preview(ask, icap):
    answer = ask(icap.respmod("/respmod", "Preview: 0", "Allow: 204"), {"a": read_all})
    assert answer.status == 204


@pytest.mark.parametrize("preview", [0, 1, 100, len(BODY) - 1])
def test_the_rest_is_asked_for_only_when_somebody_reads_past_the_preview(serve, icap, preview):
    client = serve({"a": read_all}).client()
    request = icap.respmod("/respmod", "Allow: 204", body=BODY, preview=preview)
    assert client.ask(request).status == 100
    client.send(icap.chunks(BODY[preview:]) + icap.END)
    assert client.answer().status == 204


def test_who_reads_no_more_than_the_preview_is_not_sent_more(ask, icap):
    @both
    async def sniff(request):
        assert await request.body.read(0) == b""
        assert await request.body.read(10) == BODY[:10]

    assert ask(icap.respmod(body=BODY, preview=10), {"a": sniff}).status == 204


def test_after_100_continue_204_needs_leave(serve, icap):
    client = serve({"a": read_all}).client()
    assert client.ask(icap.respmod("/respmod", body=BODY, preview=0)).status == 100
    client.send(icap.chunks(BODY) + icap.END)
    answer = client.answer()
    assert (answer.status, answer.body) == (200, BODY)


def test_a_client_that_shows_more_than_it_announced_is_served(serve, icap):
    seen = []

    @both(preview=10)
    def look(request):
        seen.append(request.body.preview)

    client = serve({"a": look}).client()
    assert client.ask(icap.respmod("/respmod", "Preview: 4", body=BODY)).status == 204
    assert seen == [BODY]
    assert client.ask(icap.options()).status == 200


def test_a_client_that_does_not_wait_for_100_continue_is_served(serve, icap):
    client = serve({"a": read_all}).client()
    preview = icap.respmod("/respmod", "Allow: 204", body=BODY, preview=9)
    client.send(preview + icap.chunks(BODY[9:]) + icap.END)
    assert client.answer().status == 100
    assert client.answer().status == 204


def test_without_a_preview_a_plain_service_waits_for_as_much_as_it_wants(serve, icap):
    watch, seen = told(preview=100)
    client = serve({"a": watch}).client()
    request = icap.respmod("/respmod", "Allow: 204", body=BODY, chunk=7)
    at = request.index(b"7\r\nAll wor")
    client.send(request[: at + 50])
    client.send(request[at + 50 :])
    assert client.answer().status == 204
    ((preview, _),) = seen
    assert len(preview) >= 100
    assert BODY.startswith(preview)


def test_without_a_preview_headers_may_be_enough(serve, icap):
    watch, seen = told()
    client = serve({"a": watch}).client()
    request = icap.reqmod("/reqmod", "Allow: 204", body=BODY)
    at = request.index(icap.POST) + len(icap.POST)
    client.send(request[:at])
    client.send(request[at:])
    assert client.answer().status == 204
    assert len(seen) == 1


# One body, several readers


@pytest.mark.parametrize("memory", [0, 100, MIB])
@pytest.mark.parametrize("preview", [None, 10])
def test_what_one_service_has_read_is_there_for_the_next(serve, icap, memory, preview):
    seen = []

    async def read(request):
        seen.append(await request.body.read())

    async def iterate(request):
        seen.append(b"".join([piece async for piece in request.body]))

    async def file(request):
        with await request.body.file() as file:
            seen.append(file.read())

    @blocking
    def thread(request):
        seen.append(request.body.read())
        seen.append(b"".join(request.body))
        with request.body.file() as file:
            seen.append(file.read())
        assert request.body.preview == BODY[:10] or preview is None
        assert request.body.complete

    services = {str(n): both(f) for n, f in enumerate([read, iterate, file, thread])}
    client = serve(services, body_memory=memory).client()
    client.send(icap.respmod(body=BODY, preview=preview))
    if preview:
        assert client.answer().status == 100
        client.send(icap.chunks(BODY[10:]) + icap.END)
    assert client.answer().body == BODY
    assert seen == [BODY] * 6


def test_two_may_read_at_the_same_time(ask, icap):
    @both
    async def twice(request):
        one, two = await asyncio.gather(request.body.read(), request.body.read())
        assert one == two == BODY

    assert ask(icap.respmod("/respmod", "Allow: 204", body=BODY), {"a": twice}).status == 204


def test_who_keeps_the_body_after_the_answer_reads_nothing_wrong(serve, icap):
    kept = []

    @both
    async def keeper(request):
        kept.append(request.body)
        await request.body.read()

    running = serve({"a": keeper})
    running.client().ask(icap.respmod("/respmod", "Allow: 204", body=BODY))
    (body,) = kept
    for late in (body.read, body.file, lambda: anext(aiter(body))):
        with pytest.raises(zcadapt.BodyLostError):
            running.call(late)


# Failures


def fails(kind, error):
    """A service that raises, as a function, a coroutine or in a thread."""

    def plain(request):
        raise error

    async def coroutine(request):
        raise error

    return {"plain": plain, "coroutine": coroutine, "thread": blocking(plain)}[kind]


@pytest.mark.parametrize("kind", ["plain", "coroutine", "thread"])
@pytest.mark.parametrize("on_error", ["error", "skip", "block"])
@pytest.mark.parametrize("preview", [None, 10])
def test_a_service_that_fails_has_its_on_error(serve, icap, kind, on_error, preview, caplog):
    service = both(fails(kind, ValueError("oops")), on_error=on_error)
    client = serve({"a": service, "b": nothing}).client()
    answer = client.ask(icap.respmod("/respmod", "Allow: 204", body=BODY, preview=preview))
    assert answer.status == {"error": 500, "skip": 204, "block": 200}[on_error]
    assert ("X-Mark" in str(answer.http)) is False
    assert "service 'a' failed" in caplog.text
    assert "oops" in caplog.text
    assert client.ask(icap.options()).status == 200, "the connection is kept"


@pytest.mark.parametrize("kind", ["plain", "coroutine", "thread"])
@pytest.mark.parametrize(
    ("on_error", "status", "told"),
    [("error", 500, "down"), ("block", 200, "down"), ("skip", 204, None)],
)
def test_a_service_that_cannot_decide_says_so(serve, icap, kind, on_error, status, told, caplog):
    unable = UnableError("it is down" + "!" * 10_000, icap_headers={"X-Outcome": "down"})
    client = serve({"a": both(fails(kind, unable), on_error=on_error)}).client()
    answer = client.ask(icap.reqmod("/reqmod", "Allow: 204"))
    assert (answer.status, dict(answer.fields).get("X-Outcome")) == (status, told)
    (record,) = [each for each in caplog.records if each.name == "zcadapt.icap"]
    assert record.getMessage().startswith("service 'a' cannot decide on <REQMOD ")
    assert "it is down!" in record.getMessage()
    assert record.exc_info is None
    assert len(record.getMessage()) < 1000
    assert client.ask(icap.options()).status == 200, "the connection is kept"


class OddError(UnableError):
    def __init__(self):  # and not that of its class
        Exception.__init__(self, "odd")

    def __str__(self):
        raise ZeroDivisionError


@pytest.mark.parametrize(("on_error", "status"), [("error", 500), ("block", 200), ("skip", 204)])
def test_what_a_plugin_makes_of_it_does_not_matter(serve, icap, on_error, status, caplog):
    client = serve({"a": both(fails("plain", OddError()), on_error=on_error)}).client()
    assert client.ask(icap.reqmod("/reqmod", "Allow: 204")).status == status
    assert "service 'a' cannot decide on <REQMOD 'http://example.com/a'>: odd" in caplog.text
    assert client.ask(icap.options()).status == 200, "the connection is kept"


def test_the_answer_500_has_the_istag_of_the_endpoint(serve, icap):
    client = serve({"a": both(fails("plain", ValueError()))}).client()
    expected = client.ask(icap.options())["ISTag"]
    answer = client.ask(icap.reqmod())
    assert answer.first == "ICAP/1.0 500 Server Error"
    assert answer["ISTag"] == expected


@pytest.mark.parametrize("answer", ["no", 0, False, object()], ids=repr)
def test_nonsense_is_a_failure(ask, icap, answer):
    service = both(lambda request: answer, on_error="block")
    assert ask(icap.reqmod("/reqmod", "Allow: 204"), {"a": service}).status == 200


def test_a_service_that_takes_too_long_has_its_on_error(ask, icap, caplog):
    @both(timeout=0.05, on_error="skip")
    async def slow(request):
        await asyncio.Event().wait()

    assert ask(icap.reqmod("/reqmod", "Allow: 204"), {"a": slow}).status == 204
    assert "service 'a' took too long" in caplog.text


def test_a_thread_that_takes_too_long_is_not_waited_for(ask, icap):
    go_on = threading.Event()

    @both(timeout=0.05, on_error="skip")
    @blocking
    def slow(request):
        go_on.wait(10)

    try:
        assert ask(icap.reqmod("/reqmod", "Allow: 204"), {"a": slow}).status == 204
    finally:
        go_on.set()


class Stubborn:
    """A service that does not end when it is cancelled, until it is let go."""

    methods, preview, version, timeout = ("REQMOD", "RESPMOD"), 0, "", 0.05

    def __init__(self, on_error, answer=None):
        self.on_error = on_error
        self.answer = answer
        self.event = asyncio.Event()
        self.ended = 0

    async def adapt(self, request):
        while not self.event.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.event.wait()
        self.ended += 1
        return self.answer


@pytest.mark.parametrize("on_error", ["error", "skip", "block"])
@pytest.mark.parametrize("body", [None, BODY])
def test_a_service_that_does_not_end_is_left_behind(
    serve, icap, on_error, body, caplog, monkeypatch
):
    monkeypatch.setattr(exchange, "CLEANUP", 0.1)
    asked = []

    @both
    async def witness(request):
        asked.append(request)
        return modify(set_headers={"X-Witness": "1"})

    running = serve({"a": (stubborn := Stubborn(on_error)), "b": witness})
    client = running.client()
    answer = client.ask(icap.reqmod("/reqmod", body=body))
    assert answer.status == {"error": 500, "skip": 200, "block": 200}[on_error]
    assert (b"X-Witness" in (answer.http or b"")) == (on_error == "skip")
    assert client.ask(icap.options()).status == 200
    assert "service 'a' was cancelled and goes on" in caplog.text
    running.call(stubborn.event.set)
    running.wait_for(lambda: not running.tasks())
    assert stubborn.ended == 1
    assert len(asked) == (on_error == "skip"), "who was left behind asks nobody"
    assert client.ask(icap.options()).status == 200, "nor does it answer"


def test_who_was_left_behind_does_not_answer_in_the_place_of_another(serve, icap, monkeypatch):
    monkeypatch.setattr(exchange, "CLEANUP", 0.1)
    go_on = asyncio.Event()

    @both
    async def witness(request):
        await go_on.wait()
        return modify(set_headers={"X-Witness": "1"})

    stubborn = Stubborn("skip", modify(set_headers={"X-Late": "1"}))
    running = serve({"a": stubborn, "b": witness})
    client = running.client()
    client.send(icap.reqmod())
    running.wait_for(lambda: len(running.tasks()) == 2)
    running.call(stubborn.event.set)
    running.wait_for(lambda: len(running.tasks()) == 1)
    running.call(go_on.set)
    answer = client.answer()
    assert b"X-Witness" in answer.http
    assert b"X-Late" not in answer.http


def test_the_cleanup_of_who_was_left_behind_takes_nobodys_time(serve, icap, monkeypatch):
    """Whatever it does later, the one who is asked in its place is not disturbed."""
    monkeypatch.setattr(exchange, "CLEANUP", 0.1)
    first, second, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def wait_for(event):
        while not event.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await event.wait()

    @both(timeout=0.05, on_error="skip")
    def stubborn(request):
        async def pieces():
            try:
                await wait_for(first)
                yield b"late"
            finally:
                await wait_for(second)

        return modify(body=pieces())

    @both
    async def guard(request):
        await go_on.wait()
        return block(request)

    running = serve({"a": stubborn, "b": guard})
    client = running.client()
    client.send(icap.reqmod(body=b"hello"))
    running.wait_for(lambda: len(running.tasks()) == 2)
    running.call(first.set)
    start = running.server.now
    running.wait_for(lambda: running.server.now > start + 1)
    running.call(go_on.set)
    assert client.answer().http.startswith(b"HTTP/1.1 403 ")
    running.call(second.set)
    running.wait_for(lambda: not running.tasks())


@pytest.mark.parametrize("error", [SystemExit, GeneratorExit, KeyboardInterrupt, None])
@pytest.mark.parametrize("where", ["service", "maker"])
def test_whatever_is_raised_the_client_gets_an_answer(serve, icap, error, where):
    """None: the service cancels the task that asked it."""

    async def fail():
        if error is not None:
            raise error
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    @both
    async def broken(request):
        if where == "service":
            await fail()

        async def pieces():
            await fail()
            yield b""

        return modify(body=pieces())

    running = serve({"a": broken})
    client = running.client()
    assert client.ask(icap.reqmod(body=b"hello")).status == 500
    assert client.ask(icap.options()).status == 200


def test_who_observes_may_raise_anything(serve, icap, caplog):
    def observer(request, won):
        raise SystemExit

    client = serve({"a": nothing}, observer=observer).client()
    for _ in range(2):
        assert client.ask(icap.reqmod("/reqmod", "Allow: 204")).status == 204
    assert "who observes decisions failed" in caplog.text


def test_what_a_service_hands_over_stands_in_no_log(serve, icap, caplog):
    @both(on_error="skip")
    def pieces_of_text(request):
        async def pieces():
            yield (await request.body.read()).decode()

        return modify(body=pieces())

    @both(on_error="skip")
    def cookie(request):
        return request.http.request.headers["cookie"]

    @both(on_error="skip")
    async def later_cookie(request):
        return request.http.request.headers["cookie"]

    client = serve({"a": pieces_of_text, "b": cookie, "c": later_cookie}).client()
    request = b"POST http://e.example/ HTTP/1.1\r\nCookie: sid=s3cr3t\r\n\r\n"
    client.ask(icap.reqmod(body=b"password=hunter2", request=request))
    assert "is not an answer" in caplog.text
    assert "hunter2" not in caplog.text
    assert "s3cr3t" not in caplog.text


def test_the_clock_of_a_service_stands_still_while_it_waits_for_the_client(serve, icap):
    @both(timeout=0.3)
    async def patient(request):
        await request.body.read()

    client = serve({"a": patient}).client()
    request = icap.respmod("/respmod", "Allow: 204", body=BODY, chunk=200)
    client.send(request[:400])
    client.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        client.more()
    client.socket.settimeout(10)
    client.send(request[400:])
    assert client.answer().status == 204


def test_a_service_that_is_cancelled_from_within_fails_like_any_other(ask, icap):
    @both(on_error="block")
    async def cancelled(request):
        raise asyncio.CancelledError

    answer = ask(icap.reqmod("/reqmod", "Allow: 204"), {"a": cancelled})
    assert answer.http.startswith(b"HTTP/1.1 403 ")


# The order


def test_the_first_opinion_wins_in_the_order_of_names_the_empty_one_first(ask, icap):
    def named(name):
        return both(lambda request: allow(icap_headers={"X-Who": name}))

    services = {name: named(name or "empty") for name in ("b", "a", "", "10-z")}
    answer = ask(icap.reqmod("/reqmod", "Allow: 204"), services)
    assert answer["X-Who"] == "empty"


def test_asynchronous_and_plain_services_keep_their_order(ask, icap):
    order = []

    def plain(name):
        return both(lambda request: order.append(name))

    def coroutine(name):
        async def service(request):
            await asyncio.sleep(0)
            order.append(name)

        return both(service)

    services = {"c": plain("c"), "a": coroutine("a"), "b": plain("b"), "d": coroutine("d")}
    assert ask(icap.reqmod("/reqmod", "Allow: 204"), services).status == 204
    assert order == ["a", "b", "c", "d"]


def test_who_observes_is_told_each_decision(serve, icap):
    told = []

    def observer(request, won):
        told.append((request.method, won and won.candidate.name, won and won.answer.reason))
        raise RuntimeError("observers may fail")

    client = serve({"a": denied}, observer=observer).client()
    client.ask(icap.reqmod())
    client.ask(icap.reqmod("/echo"))
    assert told == [("REQMOD", "a", "because"), ("REQMOD", None, None)]


# Trailers


def with_trailers(icap, *fields):
    return icap.respmod("/respmod", *fields, body=BODY, end=b"0\r\nX-Sum: 1\r\n\r\n")


def test_trailers_go_back_where_the_client_allows_and_announces_them(ask, icap):
    answer = ask(with_trailers(icap, "Allow: trailers", "Trailer: X-Sum"), {"a": nothing})
    assert answer["Trailer"] == "X-Sum"
    assert answer.trailers == b"X-Sum: 1\r\n"
    assert answer.body == BODY


@pytest.mark.parametrize("fields", [(), ("Trailer: X-Sum",), ("Allow: trailers",)])
def test_trailers_stay_away_where_the_client_does_not_allow_them(ask, icap, fields):
    answer = ask(with_trailers(icap, *fields), {"a": nothing})
    assert (answer["Trailer"], answer.trailers, answer.body) == (None, b"", BODY)


# Who asks


def test_the_request_tells_who_asks(ask, icap):
    seen = []

    @both
    def look(request):
        seen.append((request.client_ip, request.user, request.groups, request.args["m"]))

    answer = ask(
        icap.reqmod(
            "/reqmod?m=1",
            "Allow: 204",
            "X-Client-IP: 192.0.2.7",
            "X-Authenticated-User: TG9jYWw6Ly9hbm4=",
            "X-Authenticated-Groups: V2luTlQ6Ly9ET01BSU4vc3RhZmY=",
        ),
        {"a": look},
    )
    assert answer.status == 204
    assert seen == [("192.0.2.7", "ann", ("DOMAIN/staff",), "1")]


def test_what_has_no_meaning_to_the_server_is_there_for_services(ask, icap):
    seen = []

    @both
    def look(request):
        seen.append(dict(request.headers.pairs))

    told = {
        "Authorization": "Basic YTpi",
        "Proxy-Authorization": "Basic YTpi",
        "From": "ann@example.com",
        "Referer": "http://example.com/",
        "User-Agent": "test/1",
        "X-Client-Port": "4711",
        "X-Server-IP": "192.0.2.8",
        "X-Next-Services": "a, b",
    }
    fields = [f"{name}: {value}" for name, value in told.items()]
    answer = ask(icap.reqmod("/reqmod", "Allow: 204", *fields), {"a": look})
    assert (answer.status, [name for name, _ in answer.fields]) == (
        204,
        ["ISTag", "Date", "Encapsulated"],
    )
    assert len(seen) == 1
    assert told.items() <= seen[0].items()


def test_a_service_may_say_for_how_long_its_answer_is_true(ask, icap):
    """RFC 3507, 5: caching directives of a REQMOD stand in the ICAP head."""

    @both
    def friendly(request):
        return allow(icap_headers={"Cache-Control": "max-age=60"})

    answer = ask(icap.reqmod("/reqmod", "Allow: 204"), {"a": friendly})
    assert answer["Cache-Control"] == "max-age=60"


@pytest.mark.parametrize("service", [nothing, marked])
def test_hop_by_hop_headers_and_challenges_come_back_as_they_came(ask, icap, service):
    response = (
        b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nVia: 1.1 a\r\n"
        b'WWW-Authenticate: Basic realm="x"\r\nProxy-Authenticate: Basic\r\n'
        b"Cache-Control: max-age=9\r\nExpires: 0\r\n\r\n"
    )
    answer = ask(icap.respmod(response=response, body=BODY), {"a": service})
    mark = b"X-Mark: 1\r\n" if service is marked else b""
    assert answer.http == response[:-2] + mark + b"\r\n"


@pytest.mark.parametrize("status", [200, 302, 403, 407, 503])
def test_a_request_may_be_answered_with_any_final_status(ask, icap, status):
    @both
    def answers(request):
        return zcadapt.respond(status, body=b"x")

    answer = ask(icap.reqmod(), {"a": answers})
    assert answer.first == "ICAP/1.0 200 OK"
    assert answer.http.startswith(b"HTTP/1.1 %d " % status)
