"""Over the wire: beside other services, with clients that are slow, and what a failure is like."""

import socket
import time
from contextlib import ExitStack
from itertools import product

import pytest
from zcadapt_clamav import ClamAV

from zcadapt import respmod
from zcadapt.testing import respmod_request

URL = "http://www.example.com/file"
HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n"
ASKED = b"GET http://www.example.com/file HTTP/1.1\r\nHost: www.example.com\r\n\r\n"
HEAD = (
    b"RESPMOD icap://127.0.0.1/respmod ICAP/1.0\r\nHost: 127.0.0.1\r\nAllow: 204\r\n"
    b"Encapsulated: req-hdr=0, res-hdr=%d, res-body=%d\r\n\r\n"
) % (len(ASKED), len(ASKED + HTTP))


@respmod
async def reader(request):
    await request.body.read()


@respmod
async def keeper(request):
    (await request.body.file()).close()


@pytest.mark.parametrize("before", [reader, keeper], ids=["read", "file"])
@pytest.mark.parametrize("previews", [*product([4096, 0], [None, 0, 10, 100])])
def test_what_another_service_has_read_is_scanned(clamd, zcadapt_server, eicar, before, previews):
    wanted, shown = previews
    scanner = ClamAV({"clamd": [clamd.socket], "preview": wanted})
    client = zcadapt_server({"05-before": before, "10-clamav": scanner}).client()
    answer = client.ask(respmod_request(URL, body=eicar, preview=shown))
    assert answer.headers["X-Clamav-Outcome"] == "infected"
    assert client.ask(respmod_request(URL, body=b"", preview=shown)).status == 204
    assert client.ask(respmod_request(URL, status=304)).status == 204
    assert scanner.counters == {"infected": 1}


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.mark.parametrize("connections", [1, 10])
def test_clients_that_fall_silent_hold_nobody_up(
    fake_clamd, zcadapt_server, evil, until_true, connections
):
    scanner = ClamAV({"clamd": [fake_clamd.socket], "connections": connections})
    # No answer begins early because of the silence: the whole of it is to be seen.
    server = zcadapt_server({"10-clamav": scanner}, settings={"icap": {"drip_after": 0}})
    with ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(server.icap)) for _ in range(12)]
        for each in silent:
            each.sendall(HEAD + ASKED + HTTP + chunk(bytes(70_000)))
        until_true(lambda: fake_clamd.streams, "their bodies are on their way")
        begin = time.monotonic()
        assert server.client().ask(respmod_request(URL, body=b"innocent")).status == 204
        assert time.monotonic() - begin < 2
        for each in silent:
            each.sendall(chunk(evil) + b"0\r\n\r\n")
            each.settimeout(10)
            assert b"X-Clamav-Outcome: infected\r\n" in each.recv(4096)
    assert scanner.counters == {"clean": 1, "infected": 12}


def test_a_failure_says_what_it_is_and_that_it_is_no_fault_of_the_code(
    tmp_path, zcadapt_server, caplog
):
    scanner = ClamAV({"clamd": [str(tmp_path / "nobody")], "patience": 0})
    answer = zcadapt_server({"10-clamav": scanner}).client().ask(respmod_request(URL, body=b"x"))
    assert answer.status == 500
    assert answer.headers["X-Clamav-Outcome"] == "down"
    told = [each for each in caplog.records if "<RESPMOD" in each.getMessage()]
    assert len(told) == 1
    assert not told[0].exc_info
    assert f"clamd cannot be reached: {tmp_path / 'nobody'}" in told[0].getMessage()
