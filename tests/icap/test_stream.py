"""New bodies that are made bit by bit, of the old one or of anything else."""

import asyncio
import threading

import pytest

from zcadapt import modify, reqmod, respmod, respond
from zcadapt.icap import exchange

MIB = 1024 * 1024
BODY = b"All work and no play makes Jack a dull boy. " * 50


def both(function=None, **options):
    """A service for both methods."""
    return respmod(reqmod(function, **options)) if function else lambda f: both(f, **options)


@both
def marked(request):
    return modify(set_headers={"X-Mark": "1"})


async def upper(request):
    async for piece in request.body:
        yield piece.upper()


@both
def shouting(request):
    return modify(body=upper(request))


@pytest.mark.parametrize("size", [0, 10, 3 * MIB])
def test_a_new_body_is_made_of_the_old_one(ask, icap, size):
    body = (BODY * (size // len(BODY) + 1))[:size]
    answer = ask(icap.respmod(body=body), {"a": shouting})
    assert (answer.status, answer.body) == (200, body.upper())


def test_a_maker_that_reads_past_the_preview_gets_the_rest(serve, icap):
    client = serve({"a": shouting}).client()
    client.send(icap.respmod("/respmod", "Allow: 204, 206", body=BODY, preview=10))
    assert client.answer().status == 100
    client.send(icap.chunks(BODY[10:]) + icap.END)
    assert client.answer().body == BODY.upper()


@pytest.mark.parametrize("preview", [None, 10])
def test_a_maker_may_yield_before_it_reads(serve, icap, preview):
    @both
    def framed(request):
        async def pieces():
            yield b"<"
            yield b""
            async for piece in request.body:
                yield piece
            yield b">"

        return modify(body=pieces())

    client = serve({"a": framed}).client()
    client.send(icap.respmod(body=BODY, preview=preview))
    if preview:
        assert client.answer().status == 100
        client.send(icap.chunks(BODY[10:]) + icap.END)
    assert client.answer().body == b"<" + BODY + b">"


@pytest.mark.parametrize("preview", [None, 10])
def test_a_maker_that_never_reads_leaves_the_connection_in_sync(serve, icap, preview):
    @both
    def other(request):
        async def pieces():
            yield b"some"
            yield b"thing"

        return modify(body=pieces())

    client = serve({"a": other}).client()
    assert client.ask(icap.respmod(body=BODY, preview=preview)).body == b"something"
    assert client.ask(icap.options()).status == 200


def test_a_maker_may_have_read_all_before(ask, icap):
    @both
    async def twice(request):
        whole = await request.body.read()

        async def pieces():
            yield whole[:4]
            async for piece in request.body:
                yield piece

        return modify(body=pieces())

    assert ask(icap.respmod(body=BODY), {"a": twice}).body == b"All " + BODY


def test_a_maker_that_reads_again_what_it_has_used_is_told(serve, icap, caplog):
    @both
    def greedy(request):
        async def pieces():
            async for piece in request.body:
                yield piece
            async for piece in request.body:
                yield piece

        return modify(body=pieces())

    client = serve({"a": greedy}).client()
    client.send(icap.respmod(body=BODY))
    assert b"\r\n0\r\n\r\n" not in client.rest()
    assert "service 'a' failed" in caplog.text


@pytest.mark.parametrize("on_error", ["error", "skip", "block"])
def test_a_maker_that_fails_before_its_first_piece_has_its_on_error(ask, icap, on_error, caplog):
    @both(on_error=on_error)
    def broken(request):
        async def pieces():
            raise OSError("no disk")
            yield b""

        return modify(body=pieces())

    answer = ask(icap.respmod("/respmod", body=BODY), {"a": broken, "b": marked})
    assert answer.status == {"error": 500, "skip": 200, "block": 200}[on_error]
    if on_error == "skip":
        assert answer.body == BODY
        assert b"X-Mark" in answer.http
    if on_error == "block":
        assert answer.http.startswith(b"HTTP/1.1 403 ")
    assert "service 'a' failed" in caplog.text


def test_a_maker_that_fails_halfway_cuts_the_answer(serve, icap, caplog):
    @both(on_error="skip")
    def broken(request):
        async def pieces():
            yield b"so far"
            raise OSError("no disk")

        return modify(body=pieces())

    client = serve({"a": broken}).client()
    client.send(icap.respmod(body=BODY))
    assert not client.rest().endswith(b"0\r\n\r\n")
    assert "service 'a' failed" in caplog.text


@pytest.mark.parametrize("body", ["text", 3, ["list"]], ids=repr)
def test_a_body_that_is_none_is_a_failure_of_its_service(ask, icap, body, caplog):
    @both(on_error="skip")
    def nonsense(request):
        return modify(body=body)

    assert ask(icap.respmod("/respmod", "Allow: 204"), {"a": nonsense}).status == 204
    assert "service 'a' failed" in caplog.text


def test_a_maker_of_no_bytes_fails(ask, icap):
    @both(on_error="skip")
    def nonsense(request):
        async def pieces():
            yield "text"

        return modify(body=pieces())

    assert ask(icap.respmod("/respmod", "Allow: 204"), {"a": nonsense}).status == 204


def test_a_maker_may_yield_what_is_like_bytes_and_use_it_again(ask, icap):
    @both
    def buffered(request):
        async def pieces():
            buffer = bytearray(100_000)
            for number in range(5):
                buffer[:] = bytes([number]) * len(buffer)
                yield buffer

        return modify(body=pieces())

    expected = b"".join(bytes([number]) * 100_000 for number in range(5))
    assert ask(icap.respmod(body=b"x"), {"a": buffered}).body == expected


@pytest.mark.parametrize("begun", [False, True])
def test_a_maker_that_does_not_end_is_left_behind(serve, icap, begun, caplog, monkeypatch):
    monkeypatch.setattr(exchange, "CLEANUP", 0.1)
    event = asyncio.Event()

    @both(timeout=0.05, on_error="block")
    def stubborn(request):
        async def pieces():
            try:
                if begun:
                    yield b"so far"
                await asyncio.Event().wait()
            finally:
                await event.wait()

        return modify(body=pieces())

    running = serve({"a": stubborn})
    client = running.client()
    client.send(icap.respmod(body=BODY))
    if begun:
        assert not client.rest().endswith(icap.END)
    else:
        assert client.answer().http.startswith(b"HTTP/1.1 403 ")
        assert client.ask(icap.options()).status == 200
    assert "service 'a' was cancelled and goes on" in caplog.text
    running.call(event.set)
    running.wait_for(lambda: not running.tasks())


def test_a_maker_of_nothing_at_all_lets_others_have_their_turn(serve, icap):
    done = threading.Event()

    @reqmod
    def other(request):
        done.set()

    @respmod
    def idle(request):
        async def pieces():
            while not done.is_set():
                yield b""

        return modify(body=pieces())

    running = serve({"a": other, "b": idle})
    client = running.client()
    client.send(icap.respmod())
    assert running.client().ask(icap.reqmod("/reqmod", "Allow: 204")).status == 204
    assert client.answer().status == 200


@pytest.mark.parametrize("fails", [False, True])
def test_an_iterator_of_pieces_is_closed_in_the_end(serve, icap, fails):
    class Pieces:
        closed = 0

        def __aiter__(self):
            return self

        async def __anext__(self):
            if fails:
                raise OSError("no disk")
            raise StopAsyncIteration

        async def aclose(self):
            self.closed += 1

    pieces = Pieces()
    running = serve({"a": both(lambda request: modify(body=pieces))})
    running.client().ask(icap.respmod(body=BODY))
    assert pieces.closed == 1


def test_a_maker_has_its_time_for_each_piece(ask, icap):
    @both(timeout=0.05, on_error="block")
    def slow(request):
        async def pieces():
            await asyncio.Event().wait()
            yield b""

        return modify(body=pieces())

    assert ask(icap.respmod(), {"a": slow}).http.startswith(b"HTTP/1.1 403 ")


def test_a_response_made_bit_by_bit_to_a_request_carries_its_length_too(ask, icap):
    @reqmod
    def page(request):
        async def pieces():
            for _ in range(10):
                yield b"x" * 100_000

        return respond(200, body=pieces())

    answer = ask(icap.reqmod(), {"a": page}, body_memory=1000)
    assert b"Content-Length: 1000000\r\n" in answer.http
    assert answer.body == b"x" * 1_000_000
