"""How many are served, who waits for whom, and how it ends."""
# ruff: noqa: N802, N815 - as handlers are written

import contextlib
import signal
import socketserver
import ssl
import subprocess
import sys
import threading
import time

import pytest
from peers import DEADLINE, RESPONSE, Peer, chunks, request
from programs import free_port, listens, until

from zcadapt.compat import blocking_server, pyicap
from zcadapt.icap.settings import ICAPSettings

LEAVE = pyicap.BaseICAPRequestHandler.no_adaptation_required
NOT_NEEDED = b"ICAP/1.0 204 No Modifications Needed\r\n*\r\nEncapsulated: null-body=0\r\n\r\n"
LAST = NOT_NEEDED.replace(b"Encaps", b"Connection: close\r\nEncaps")
ASKED = ("RESPMOD", "echo", None, "Allow: 204")


class Gate:
    """A method that waits until it may answer."""

    def __init__(self):
        self.entered, self.opened = threading.Semaphore(0), threading.Event()

    def method(self):
        def answer(handler):
            self.entered.release()
            assert self.opened.wait(DEADLINE)
            handler.no_adaptation_required()

        return answer


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.opened.set()


# Many


def test_many_are_served_at_once_with_threads(serve, gate):
    served = serve(echo_RESPMOD=gate.method())
    peers = [served.connect() for _ in range(20)]
    for peer in peers:
        peer.send(request(*ASKED))
    for _ in peers:
        assert gate.entered.acquire(timeout=DEADLINE)
    gate.opened.set()
    assert [peer.answer() for peer in peers] == [NOT_NEEDED] * 20


def test_more_than_the_settings_say_are_told_so(serve, gate):
    served = serve(echo_RESPMOD=gate.method(), settings=ICAPSettings(connections=2))
    peers = [served.connect() for _ in range(2)]
    for peer in peers:
        peer.send(request(*ASKED))
        assert gate.entered.acquire(timeout=DEADLINE)
    third = served.connect()
    third.send(request("RESPMOD", "echo", chunks(bytes(30_000_000))))
    answer = third.rest()
    assert answer.startswith(b"ICAP/1.0 503 Service Overloaded\r\nISTag: ")
    assert answer.endswith(b"\r\nConnection: close\r\nEncapsulated: null-body=0\r\n\r\n")
    gate.opened.set()
    assert [peer.answer() for peer in peers] == [NOT_NEEDED] * 2
    peers[0].socket.close()
    until(lambda: served.server._clients < 2, "there is room again")
    assert served.connect().ask(*ASKED) == NOT_NEEDED


def test_too_many_more_are_cut_off(serve, gate, monkeypatch):
    monkeypatch.setattr(blocking_server, "MOST_TURNED_AWAY", 0)
    served = serve(echo_RESPMOD=gate.method(), settings=ICAPSettings(connections=1))
    peer = served.connect()
    peer.send(request(*ASKED))
    assert gate.entered.acquire(timeout=DEADLINE)
    assert served.connect().rest() == b""


# One after the other


def test_without_threads_a_client_that_waits_has_its_turn(serve):
    served = serve(echo_RESPMOD=LEAVE, threads=False)
    first = served.connect()
    assert first.ask(*ASKED) == NOT_NEEDED
    assert first.ask(*ASKED) == NOT_NEEDED  # nobody waits: it stays
    second = served.connect()
    assert second.ask(*ASKED) == NOT_NEEDED
    assert first.rest() == b""


def test_without_threads_who_is_answered_while_another_waits_is_told_to_go(serve, gate):
    served = serve(echo_RESPMOD=gate.method(), threads=False)
    first = served.connect()
    first.send(request(*ASKED))
    assert gate.entered.acquire(timeout=DEADLINE)
    second = served.connect()
    second.send(request(*ASKED))
    gate.opened.set()
    assert first.rest() == LAST
    assert second.answer() == NOT_NEEDED


def test_without_threads_who_connects_and_asks_nothing_makes_room(serve, monkeypatch):
    monkeypatch.setattr(blocking_server, "FIRST", 0.1)
    served = serve(echo_RESPMOD=LEAVE, threads=False)
    silent = served.connect()
    assert served.connect().ask(*ASKED) == NOT_NEEDED
    assert silent.rest() == b""


# The end


@pytest.mark.parametrize("threads", [True, False])
def test_shutdown_lets_go_of_who_asks_nothing(serve, threads):
    served = serve(echo_RESPMOD=LEAVE, threads=threads)
    peer = served.connect()
    assert peer.ask(*ASKED) == NOT_NEEDED
    served.server.shutdown()
    assert peer.rest() == b""


@pytest.mark.parametrize("threads", [True, False])
def test_shutdown_leaves_who_is_served_its_answer(serve, gate, threads):
    served = serve(echo_RESPMOD=gate.method(), threads=threads)
    peer = served.connect()
    peer.send(request(*ASKED))
    assert gate.entered.acquire(timeout=DEADLINE)
    threading.Timer(0.1, gate.opened.set).start()
    served.server.shutdown()
    assert peer.rest() == LAST


def test_server_close_waits_for_who_is_served_and_for_nobody_else(serve, gate):
    served = serve(echo_RESPMOD=gate.method(), other_RESPMOD=LEAVE)
    asking, idle = served.connect(), served.connect()
    assert idle.ask("RESPMOD", "other", None, "Allow: 204") == NOT_NEEDED
    asking.send(request(*ASKED))
    assert gate.entered.acquire(timeout=DEADLINE)
    served.server.shutdown()
    threading.Timer(0.1, gate.opened.set).start()
    served.server.server_close()
    assert gate.opened.is_set()
    assert (asking.rest(), idle.rest()) == (LAST, b"")


def test_it_can_serve_again(serve):
    served = serve(echo_RESPMOD=LEAVE)
    served.server.shutdown()
    served.thread.join(DEADLINE)
    served.thread = threading.Thread(target=served.server.serve_forever, args=(0.02,))
    served.thread.start()
    peer = served.connect()
    for _ in range(2):
        assert peer.ask(*ASKED) == NOT_NEEDED


def test_its_address_can_be_had_again_at_once(serve):
    served = serve(echo_RESPMOD=LEAVE)
    served.connect().ask(*ASKED)
    served.server.shutdown()
    served.server.server_close()
    with pyicap.ICAPServer(("127.0.0.1", served.port), pyicap.BaseICAPRequestHandler):
        pass


PROGRAM = """
import socketserver, sys
from zcadapt.compat.pyicap import *
class Server(socketserver.ThreadingMixIn, ICAPServer): pass
class Handler(BaseICAPRequestHandler):
    def echo_RESPMOD(self):
        self.no_adaptation_required()
server = Server((b"", int(sys.argv[1])), Handler)
try:
    while 1:
        server.handle_request()
except KeyboardInterrupt:
    print("Finished")
"""


def test_a_program_that_is_interrupted_does_not_wait_for_who_asks_nothing():
    port = free_port()
    command = [sys.executable, "-c", PROGRAM, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        until(lambda: listens(port), "it listens")
        with Peer(port) as peer:
            assert peer.ask(*ASKED) == NOT_NEEDED
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=DEADLINE)
            assert peer.rest() == b""
    assert (process.returncode, output) == (0, b"Finished\n")
    assert b'"RESPMOD /echo ICAP/1.0" 204 -\n' in errors


# As its users have it


def test_a_subclass_may_have_more_to_hand_to_its_handlers(serve):
    class Server(socketserver.ThreadingMixIn, pyicap.ICAPServer):
        def __init__(self, address, handler, words):
            self.words = words
            pyicap.ICAPServer.__init__(self, address, handler)

        def verify_request(self, request, client_address):
            return True

    class Handler(pyicap.BaseICAPRequestHandler):
        def filter_REQMOD(self):
            self.send_enc_error(403, body=self.server.words)

    with Server(("127.0.0.1", 0), Handler, b"no") as server:
        threading.Thread(target=server.handle_request).start()
        with Peer(server.server_address[1]) as peer:
            assert peer.ask("REQMOD", "filter").endswith(chunks(b"no"))


def test_settings_may_be_those_of_an_instance(serve):
    with pyicap.ICAPServer(("127.0.0.1", 0), pyicap.BaseICAPRequestHandler) as server:
        server.settings = ICAPSettings(idle_timeout=0.1)
        threading.Thread(target=server.handle_request).start()
        with Peer(server.server_address[1]) as peer:
            assert peer.rest() == b""


def test_it_serves_over_tls(serve, tmp_path):
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=icap.test", "-addext", "subjectAltName=IP:127.0.0.1"]
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    command += ["-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificate, key)
    size = 5_000_000

    class Server(socketserver.ThreadingMixIn, pyicap.ICAPServer):
        settings = ICAPSettings(stall_timeout=0.1)

        def get_request(self):
            sock, address = super().get_request()
            return ours.wrap_socket(sock, server_side=True), address

    class Handler(pyicap.BaseICAPRequestHandler):
        def echo_RESPMOD(self):
            self.no_adaptation_required()

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        peer = Peer(server.server_address[1])
        theirs = ssl.create_default_context(cafile=certificate)
        peer.socket = theirs.wrap_socket(peer.socket, server_hostname="127.0.0.1")
        for _ in range(2):
            answer = peer.ask("RESPMOD", "echo", chunks(bytes(size)))
            assert (RESPONSE in answer, len(answer) > size) == (True, True)
        server.shutdown()
        with peer, contextlib.suppress(ssl.SSLError):  # it ends without a word of TLS
            assert peer.rest() == b""


def test_one_failure_outside_of_a_request_does_not_end_it(serve, caplog):
    class Handler(pyicap.BaseICAPRequestHandler):
        broken = True

        def setup(self):
            if type(self).broken:
                type(self).broken = False
                raise OSError("no")
            super().setup()

        echo_RESPMOD = LEAVE

    served = serve(Handler)
    assert served.connect().rest() == b""
    assert served.connect().ask(*ASKED) == NOT_NEEDED
    assert "OSError: no" in caplog.text


def test_a_server_that_has_been_told_to_end_waits_for_no_linger(serve):
    served = serve(echo_RESPMOD=LEAVE)
    peer = served.connect()
    assert peer.ask(*ASKED) == NOT_NEEDED
    begun = time.monotonic()
    served.server.shutdown()
    served.server.server_close()
    assert time.monotonic() - begun < 1
