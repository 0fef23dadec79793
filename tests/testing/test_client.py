"""The client asks as clients do, and reads every kind of answer."""

import socket
import threading

import pytest

from zcadapt import block, modify, reqmod, respmod, respond
from zcadapt.testing import TRANSCRIPTS, Client, Server, reqmod_request, respmod_request

BODY = b"Hello, world! " * 1000


@respmod(preview=4)
@reqmod(preview=4)
async def scanner(request):
    if b"EICAR" in await request.body.read():
        return block(request, reason="a virus", icap_headers={"X-Virus-ID": "Eicar"})
    return None


@respmod(preview=4)
@reqmod(preview=4)
def marker(request):
    return modify(set_headers={"X-Mark": "1"})


@respmod
def shouter(request):
    async def pieces():
        async for piece in request.body:
            yield piece.upper()

    return modify(body=pieces())


@pytest.fixture(scope="module")
def server():
    services = {"avscan": scanner, "mark": marker, "shout": shouter}
    with Server(services) as server:
        yield server


@pytest.fixture
def client(server):
    with Client(*server.icap) as client:
        yield client


def test_a_message_that_stays_as_it_is(client):
    answer = client.ask(reqmod_request("http://a/", endpoint="avscan"))
    assert (answer.status, answer.request, answer.response, answer.body) == (204, None, None, None)
    assert answer.headers["istag"]


def test_a_request_that_is_changed(client):
    answer = client.ask(reqmod_request("http://a/b", headers={"Cookie": "c"}, endpoint="mark"))
    assert answer.status == 200
    assert answer.request.target == "http://a/b"
    assert answer.request.headers["x-mark"] == "1"
    assert answer.body is None


@pytest.mark.parametrize("size", [0, 1, 4, 5, len(BODY)])
@pytest.mark.parametrize("preview", [None, 0, 4, len(BODY)])
def test_the_body_of_an_answer_is_whole_however_it_comes(client, size, preview):
    """Behind 206 there is none of it: the client has it already."""
    body = BODY[:size]
    answer = client.ask(respmod_request("http://a/", body=body, preview=preview, endpoint="mark"))
    assert answer.response.headers["x-mark"] == "1"
    assert (answer.status, answer.body) == (206, body)


@pytest.mark.parametrize("preview", [None, 0, 4])
def test_a_new_body_is_read(client, preview):
    asked = respmod_request("http://a/", body=BODY, preview=preview, endpoint="shout")
    answer = client.ask(asked)
    assert (answer.status, answer.body) == (200, BODY.upper())


@pytest.mark.parametrize("preview", [None, 4])
def test_what_is_blocked(client, preview):
    asked = reqmod_request(
        "http://a/", method="PUT", body=b"12345 EICAR", preview=preview, endpoint="avscan"
    )
    answer = client.ask(asked)
    assert (answer.status, answer.response.status) == (200, 403)
    assert answer.headers["x-virus-id"] == "Eicar"
    assert b"a virus" in answer.body


def test_a_large_body_goes_both_ways_at_once(client):
    body = BODY * 1000
    answer = client.ask(respmod_request("http://a/", body=body, endpoint="shout"))
    assert answer.body == body.upper()


def test_an_answer_may_come_before_the_body_is_sent():
    denies = reqmod(lambda _: respond(403, body="no"))
    with Server({"a": denies}, settings={"icap": {"drain_bytes": 0}}) as server:
        asked = reqmod_request("http://a/", method="PUT", body=bytes(20_000_000))
        assert server.client().ask(asked).body == b"no"


def test_several_questions_on_one_connection(client):
    assert client.options("mark").headers["methods"] == "REQMOD, RESPMOD"
    for _ in range(3):
        assert client.ask(reqmod_request("http://a/", endpoint="avscan")).status == 204
    assert client.ask(reqmod_request("http://a/", endpoint="unknown")).status == 404


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_every_real_client_can_be_played(server, name):
    clean = server.client().play(name, b"clean")
    assert clean.status in {200, 204}
    if name.endswith("-options"):
        assert "REQMOD" in clean.headers["methods"]
        return
    found = server.client().play(name, b"a EICAR")
    if found.body is not None:
        assert (found.response.status, found.headers["x-virus-id"]) == (403, "Eicar")
    marked = server.client().play(name, b"clean", endpoint="mark")
    assert (marked.request or marked.response).headers["x-mark"] == "1"


def test_bytes_of_any_kind_can_be_sent(client):
    client.send(b"nonsense\r\n\r\n")
    assert client.answer().status == 400


def test_an_answer_that_ends_too_early_is_told():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.sendall(
                    b"ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, null-body=9\r\n\r\n"
                )

        thread = threading.Thread(target=answer)
        thread.start()
        with Client(*listener.getsockname()) as client, pytest.raises(EOFError):
            client.answer()
        thread.join()


def test_a_server_that_says_nothing_is_not_waited_for_without_end():
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        Client(*listener.getsockname(), timeout=0.05) as client,
        pytest.raises(TimeoutError),
    ):
        client.options()
