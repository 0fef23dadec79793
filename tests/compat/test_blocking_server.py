"""How many are served, who waits for whom, and how it ends."""
# ruff: noqa: N802, N815 - as handlers are written

import contextlib
import os
import resource
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time

import pytest
from peers import DEADLINE, NOT_NEEDED, RESPONSE, Peer, chunks, request
from programs import free_port, listens, until

from zcadapt.compat import clients, pyicap
from zcadapt.compat.clients import clients_of
from zcadapt.icap.settings import ICAPSettings

LEAVE = pyicap.BaseICAPRequestHandler.no_adaptation_required
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
    until(lambda: clients_of(served.server)._count < 2, "there is room again")
    assert served.connect().ask(*ASKED) == NOT_NEEDED


def test_too_many_more_are_cut_off(serve, gate, monkeypatch):
    monkeypatch.setattr(clients, "MOST_TURNED_AWAY", 0)
    served = serve(echo_RESPMOD=gate.method(), settings=ICAPSettings(connections=1))
    peer = served.connect()
    peer.send(request(*ASKED))
    assert gate.entered.acquire(timeout=DEADLINE)
    assert served.connect().rest() == b""


def test_who_cannot_be_accepted_waits_for_files(serve, caplog):
    class Server(socketserver.ThreadingMixIn, pyicap.ICAPServer):
        tries = 0

        def get_request(self):
            self.tries += 1
            return super().get_request()

    class Handler(pyicap.BaseICAPRequestHandler):
        echo_RESPMOD = LEAVE

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Server(("127.0.0.1", 0), Handler) as server, socket.socket() as sock:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        free = os.dup(0)
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
        try:
            sock.connect(server.server_address)
            until(lambda: server.tries >= 2, "it has been tried again")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        sock.settimeout(DEADLINE)
        sock.sendall(request(*ASKED, "Connection: close"))
        assert sock.recv(1000).startswith(b"ICAP/1.0 204 ")
        server.shutdown()
        assert server.tries <= 5
    assert caplog.text.count("no client can be accepted: [Errno 24]") == 1


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
    monkeypatch.setattr(clients, "FIRST", 0.1)
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


class Loop:
    """A server whose clients are served as programs do that run until they are interrupted."""

    def __init__(self, method):
        kinds = (socketserver.ThreadingMixIn, pyicap.ICAPServer)
        methods = {"echo_RESPMOD": method, "other_RESPMOD": LEAVE}
        handler = type("Handler", (pyicap.BaseICAPRequestHandler,), methods)
        self.server = type("Server", kinds, {})(("127.0.0.1", 0), handler)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with contextlib.suppress(ValueError):  # it listens no more
            while True:
                self.server.handle_request()

    def connect(self):
        return Peer(self.server.server_address[1])


def test_server_close_ends_a_loop_of_requests(gate):
    loop = Loop(gate.method())
    with loop.connect() as asking, loop.connect() as idle:
        assert idle.ask("RESPMOD", "other", None, "Allow: 204") == NOT_NEEDED
        asking.send(request(*ASKED))
        assert gate.entered.acquire(timeout=DEADLINE)
        closing = threading.Thread(target=loop.server.server_close, daemon=True)
        closing.start()
        assert idle.rest() == b""
        gate.opened.set()
        assert asking.rest() == LAST
        closing.join(DEADLINE)
        loop.thread.join(DEADLINE)
    assert not closing.is_alive()
    assert not loop.thread.is_alive()


def test_who_comes_after_the_end_of_a_loop_that_goes_on_is_let_go():
    loop = Loop(LEAVE)
    with loop.connect() as peer:
        assert peer.ask(*ASKED) == NOT_NEEDED
        clients_of(loop.server).leave(for_ever=True)
        assert peer.rest() == b""
        with loop.connect() as other:
            assert other.rest() == b""
    loop.server.server_close()


def test_requests_can_be_handled_after_a_shutdown(serve):
    served = serve(echo_RESPMOD=LEAVE)
    served.server.shutdown()
    served.thread.join(DEADLINE)
    served.thread = threading.Thread(target=served.server.handle_request)
    served.thread.start()
    peer = served.connect()
    for _ in range(2):
        assert peer.ask(*ASKED) == NOT_NEEDED
    served.thread.join(DEADLINE)
    served.thread = threading.Thread(target=served.server.serve_forever, args=(0.02,))
    served.thread.start()


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
        server.icap_settings = ICAPSettings(idle_timeout=0.1)
        threading.Thread(target=server.handle_request).start()
        with Peer(server.server_address[1]) as peer:
            assert peer.rest() == b""


def test_what_a_server_calls_its_own_is_its_own():
    class Server(socketserver.ThreadingMixIn, pyicap.ICAPServer):
        def __init__(self, address, handler, settings):
            self.settings = self.disk = self.tags = self.leave = self.clients = settings
            super().__init__(address, handler)

    class Handler(pyicap.BaseICAPRequestHandler):
        def setup(self):
            super().setup()
            for name in ("line", "head", "text", "command", "phrase", "tag", "icap", "method"):
                setattr(self, f"_{name}", None)

        def _echo(self):
            self.send_enc_error(403, body=self.server.settings)

        def echo_RESPMOD(self):
            self._echo()

        _add = _close = _forget = _take = _refuse = _said = _unchanged = _send_error = None

    with Server(("127.0.0.1", 0), Handler, b"mine") as server:
        threading.Thread(target=server.handle_request).start()
        with Peer(server.server_address[1]) as peer:
            for _ in range(2):
                assert peer.ask().endswith(chunks(b"mine"))


def test_settings_that_are_something_else_are_told_at_once():
    kind = type("Server", (pyicap.ICAPServer,), {"icap_settings": {"connections": 2}})
    with pytest.raises(TypeError, match=r"icap_settings of Server is an ICAPSettings, not {'conn"):
        kind(("127.0.0.1", 0), pyicap.BaseICAPRequestHandler)


def test_processes_are_refused():
    kind = type("Server", (socketserver.ForkingMixIn, pyicap.ICAPServer), {})
    with pytest.raises(TypeError, match="ForkingMixIn is not supported"):
        kind(("127.0.0.1", 0), pyicap.BaseICAPRequestHandler)


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
        icap_settings = ICAPSettings(stall_timeout=0.1)

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
