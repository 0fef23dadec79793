"""For how long a client is waited for, and what then."""

import threading

import pytest

from zcadapt import blocking, reqmod, respmod


def service(function=None):
    return respmod(reqmod(function or (lambda request: None)))


def patient(**settings):
    """Settings with all patience, but for what is named."""
    whole = {"idle_timeout": 60, "read_timeout": 60, "write_timeout": 60}
    return {**whole, **settings}


def test_a_client_that_asks_nothing_for_too_long_is_let_go(serve, icap):
    running = serve(**patient(idle_timeout=0.3))
    client, silent = running.client(), running.client()
    client.ask(icap.options())
    assert client.is_closed_by_server()
    assert silent.is_closed_by_server()


@pytest.mark.parametrize("cut", [10, 100, 280, 500])
def test_a_client_that_falls_silent_in_a_request_is_told_408(serve, icap, cut, caplog):
    async def read(request):
        await request.body.read()

    client = serve({"a": service(read)}, **patient(read_timeout=0.3)).client()
    client.send(icap.reqmod(body=b"x" * 1000)[:cut])
    answer = client.answer()
    assert answer.first == "ICAP/1.0 408 Request Timeout"
    assert client.is_closed_by_server()
    assert "silent for" in caplog.text


def test_a_head_that_comes_byte_by_byte_is_not_waited_for_forever(serve):
    client = serve(**patient(read_timeout=0.5)).client()
    client.socket.settimeout(0.05)
    for byte in b"OPTIONS icap://h/" + b"x" * 1000:
        client.send(bytes([byte]))
        try:
            client.more()
        except TimeoutError:
            continue
        break
    client.socket.settimeout(10)
    assert client.answer().status == 408


def test_a_service_may_think_for_longer_than_a_client_may_be_silent(serve, icap):
    done = threading.Event()

    @blocking
    def think(request):
        done.wait(10)

    running = serve({"a": service(think)}, **patient(read_timeout=0.3, idle_timeout=0.3))
    client = running.client()
    client.send(icap.reqmod("/reqmod", "Allow: 204"))
    running.wait_for(lambda: running.server.now > running.loop.time() - 0.1)
    start = running.server.now
    running.wait_for(lambda: running.server.now > start + 0.8)
    done.set()
    assert client.answer().status == 204


def test_a_client_that_takes_nothing_of_its_answer_is_cut_off(serve, icap, caplog):
    running = serve({"a": service()}, **patient(write_timeout=0.5, stall_timeout=0.1))
    client = running.client(SO_RCVBUF=4096)
    client.socket.settimeout(0.2)
    with pytest.raises((TimeoutError, ConnectionError)):
        client.send(icap.respmod(body=b"x" * 100_000) * 500)
    running.wait_for(lambda: running.server.connections == 0)
    assert "taken nothing of its answer" in caplog.text


def test_a_client_that_never_takes_a_last_short_answer_is_cut_off(serve, icap):
    running = serve({"a": service()}, **patient(write_timeout=0.3))
    client = running.client(SO_RCVBUF=4096)
    client.send(icap.respmod("/respmod", "Connection: close", body=b"x" * 4_000_000)[:-5])
    running.wait_for(lambda: running.server.connections == 0)
