"""For how long a client is waited for, and what then."""

import contextlib
import select
import threading

import pytest

from zcadapt import blocking, reqmod, respmod, respond
from zcadapt.icap import patience


def service(function=None):
    return respmod(reqmod(function or (lambda request: None)))


def page(request):
    return respond(200, body=b"x" * int(request.args["size"]))


def patient(**settings):
    """Settings with all patience, but for what is named."""
    whole = {"idle_timeout": 60, "head_timeout": 60, "read_timeout": 60, "write_timeout": 60}
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

    client = serve({"a": service(read)}, **patient(read_timeout=0.3, head_timeout=0.3)).client()
    client.send(icap.reqmod(body=b"x" * 1000)[:cut])
    answer = client.answer()
    assert answer.first == "ICAP/1.0 408 Request Timeout"
    assert client.is_closed_by_server()
    assert "silent for" in caplog.text or "the heads of a request" in caplog.text


def test_a_head_that_comes_byte_by_byte_is_not_waited_for_forever(serve):
    client = serve(**patient(head_timeout=0.5)).client()
    client.send(b"OPTIONS icap://h/")
    trickle(client, b"x")
    assert client.answer().status == 408


def test_a_service_may_think_for_longer_than_a_client_may_be_silent(serve, icap):
    done = threading.Event()

    @blocking
    def think(request):
        done.wait(10)

    running = serve({"a": service(think)}, **patient(read_timeout=0.3, idle_timeout=0.3))
    client = running.client()
    client.send(icap.reqmod("/reqmod", "Allow: 204"))
    later(running, 0.8)
    done.set()
    assert client.answer().status == 204


def later(running, seconds):
    """Wait until so much time has passed for the server."""
    running.wait_for(lambda: running.server.now > running.loop.time() - 0.3)
    start = running.server.now
    running.wait_for(lambda: running.server.now > start + seconds)


def test_who_has_waited_long_for_an_answer_is_idle_from_then_on(serve, icap):
    done = threading.Event()

    @blocking
    def think(request):
        done.wait(10)

    running = serve({"a": service(think)}, **patient(idle_timeout=1.2))
    client = running.client()
    client.send(icap.reqmod("/reqmod", "Allow: 204"))
    later(running, 1.5)
    done.set()
    assert client.answer().status == 204
    later(running, 0.5)
    assert client.ask(icap.options()).status == 200


def test_who_was_idle_for_long_has_all_the_time_to_take_its_last_answer(serve, icap, caplog):
    """Of one of these sizes the system takes all but what may wait in the server."""
    sizes = range(0, 6_000_000, 500_000)
    running = serve({"a": service(page)}, **patient(write_timeout=1.2))
    clients = [running.client(SO_RCVBUF=4096) for _ in sizes]
    later(running, 1.5)
    for client, size in zip(clients, sizes, strict=True):
        client.send(icap.reqmod(f"/reqmod?size={size}", "Connection: close"))
    running.wait_for(lambda: running.server.counters.requests == len(sizes))
    later(running, 0.5)
    assert "taken nothing of its answer" not in caplog.text


def test_a_client_that_takes_nothing_of_its_answer_is_cut_off(serve, icap, caplog):
    running = serve({"a": service()}, **patient(write_timeout=0.5, stall_timeout=0.1))
    client = running.client(SO_RCVBUF=4096)
    client.socket.settimeout(0.2)
    with pytest.raises((TimeoutError, ConnectionError)):
        client.send(icap.respmod(body=b"x" * 100_000) * 500)
    running.wait_for(lambda: running.server.connections == 0)
    assert "taken nothing of its answer" in caplog.text


def test_a_client_that_sends_on_and_takes_nothing_is_cut_off(serve, icap, caplog):
    """What it sends is no sign that it reads."""
    running = serve({"a": service()}, **patient(write_timeout=0.6, stall_timeout=0.1))
    client = running.client(SO_RCVBUF=4096)
    client.send(icap.respmod(body=b"x" * 8_000_000)[:-5])
    with pytest.raises(ConnectionError):
        send_forever(client, b"1\r\nx\r\n" * 1000)
    running.wait_for(lambda: running.server.connections == 0)
    assert "taken nothing of its answer" in caplog.text


def test_clients_that_never_take_a_last_answer_are_cut_off(serve, icap):
    """Of one of these sizes the system takes all but what may wait in the server."""

    running = serve({"a": service(page)}, **patient(write_timeout=0.3))
    for size in range(0, 6_000_000, 200_000):
        client = running.client(SO_RCVBUF=4096)
        client.send(icap.reqmod(f"/reqmod?size={size}", "Connection: close"))
    running.wait_for(lambda: running.server.counters.requests == 30)
    running.wait_for(lambda: running.server.connections == 0)


def trickle(client, byte):
    """Send `byte` again and again, until something comes."""
    while not select.select([client.socket], [], [], 0.05)[0]:
        client.send(byte)


def send_forever(client, data):
    while True:
        client.send(data)


def test_a_body_that_trickles_ends_somewhere(serve, icap, caplog):
    async def read(request):
        await request.body.read()

    client = serve({"a": service(read)}, **patient(request_timeout=0.6)).client()
    client.send(icap.reqmod(body=b"x" * 1000)[:-5])
    trickle(client, b"1\r\nx\r\n")
    assert client.answer().status == 408
    assert "not answered in" in caplog.text


def test_an_answer_that_is_read_in_a_trickle_ends_somewhere(serve, icap):
    running = serve({"a": service(page)}, **patient(request_timeout=0.6, write_timeout=60))
    client = running.client(SO_RCVBUF=4096)
    client.send(icap.reqmod("/reqmod?size=20000000"))
    while running.server.connections:
        with contextlib.suppress(ConnectionResetError):
            client.socket.recv(1)


def test_who_has_been_told_all_may_take_it_slowly(serve, icap, monkeypatch):
    """Not even a client that broke the framing loses the answers before."""
    monkeypatch.setattr(patience, "LINGER", 0.3)
    sizes = range(0, 6_000_000, 200_000)
    running = serve({"a": service(page)}, **patient())
    clients = [running.client(SO_RCVBUF=4096) for _ in sizes]
    for client, size in zip(clients, sizes, strict=True):
        client.send(icap.reqmod(f"/reqmod?size={size}") + b"rubbish\r\n\r\n")
    running.wait_for(lambda: running.server.counters.requests == len(sizes))
    start = running.server.now
    running.wait_for(lambda: running.server.now > start + 1)
    for client, size in zip(clients, sizes, strict=True):
        assert len(client.answer().body or b"") == size
        assert client.answer().status == 400
        assert client.is_closed_by_server()


def test_who_has_been_told_all_and_is_silent_is_let_go(serve, monkeypatch):
    monkeypatch.setattr(patience, "LINGER", 0.3)
    running = serve(**patient())
    client = running.client()
    client.send(b"rubbish\r\n\r\n")
    assert client.answer().status == 400
    running.wait_for(lambda: running.server.connections == 0)


def test_who_has_been_told_all_may_not_send_forever(serve, icap, monkeypatch):
    monkeypatch.setattr(patience, "LINGER_MOST", 0.5)
    client = serve(**patient(), drain_bytes=1000).client()
    client.send(icap.reqmod("/nosuch", body=b"x" * 2000)[:-5])
    assert client.answer().status == 404
    with pytest.raises(ConnectionError):
        send_forever(client, b"x" * 1000)
