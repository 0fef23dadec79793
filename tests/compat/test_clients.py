"""How many clients there may be, what they share, and whose server that is."""
# ruff: noqa: N815 - as handlers are written

import contextlib
import resource
import socket
import socketserver
import threading
import time

import pytest
from peers import DEADLINE, NOT_NEEDED, Peer, chunks, request

from zcadapt.compat import clients, pyicap
from zcadapt.compat.clients import Clients, clients_of
from zcadapt.icap.settings import ICAPSettings

LEAVE = pyicap.BaseICAPRequestHandler.no_adaptation_required
ASKED = ("RESPMOD", "echo", None, "Allow: 204")


class Some:
    """A server, as far as its clients are concerned."""

    def __init__(self, **settings):
        self.icap_settings = ICAPSettings(**settings)

    process_request = None


@pytest.fixture
def few_files():
    """Let the program have only so many files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield lambda files: resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_clients_of_a_server_are_the_same_each_time():
    server = Some()
    assert clients_of(server) is clients_of(server)
    assert clients_of(server) is not clients_of(Some())


def test_settings_that_are_something_else_are_told():
    server = Some()
    server.icap_settings = {"block": []}
    with pytest.raises(TypeError, match=r"icap_settings of Some is an ICAPSettings, not {'block'"):
        clients_of(server).settings  # noqa: B018 - it raises


# How many


def test_there_is_room_for_so_many():
    some = Clients(Some(connections=2))
    assert [some.come() for _ in range(3)] == [True, True, False]
    some.go()
    some.go()
    assert some.come()


@pytest.mark.parametrize(("files", "most"), [(200, 100), (300, 172)])
def test_files_are_left_for_others(few_files, files, most):
    some = Clients(Some(connections=1000))
    few_files(files)
    assert [some.come() for _ in range(200)] == [True] * most + [False] * (200 - most)


def test_so_many_in_a_row_can_be_turned_away(monkeypatch):
    monkeypatch.setattr(clients, "MOST_TURNED_AWAY", 2)
    some = Clients(Some())
    for _ in range(5):
        ours, theirs = socket.socketpair()
        theirs.shutdown(socket.SHUT_WR)
        theirs.settimeout(DEADLINE)
        with ours, theirs:
            some.turn_away(ours)
            assert theirs.recv(100).startswith(b"ICAP/1.0 503 ")


@pytest.mark.parametrize(
    ("seconds", "size", "settings"),
    [(0.2, 1, {}), (DEADLINE * 10, 10_000, {"drain_bytes": 100_000})],
)
def test_who_is_turned_away_and_goes_on_is_cut_off(monkeypatch, seconds, size, settings):
    monkeypatch.setattr(clients, "TURNED_AWAY", seconds)
    ours, theirs = socket.socketpair()
    some = Clients(Some(**settings))
    thread = threading.Thread(target=some.turn_away, args=(ours,), daemon=True)
    with ours, theirs:
        thread.start()
        assert theirs.recv(1000).startswith(b"ICAP/1.0 503 ")
        theirs.settimeout(0.01)
        until = time.monotonic() + DEADLINE
        while thread.is_alive() and time.monotonic() < until:
            with contextlib.suppress(TimeoutError):
                theirs.send(bytes(size))
        assert not thread.is_alive()


# What they share


class Watched(int):
    """Room that must not change but under its lock."""

    disk = None

    def __sub__(self, other):
        assert self.disk._lock.locked()
        return type(self)(int(self) - other)

    def __add__(self, other):
        assert self.disk._lock.locked()
        return type(self)(int(self) + other)


def test_the_disk_is_taken_from_by_one_after_the_other():
    some = Clients(Some(spool_bytes=100))
    Watched.disk = some.disk
    assert some.disk is Watched.disk
    some.disk.room = Watched(some.disk.room)
    some.disk.take(70)
    some.disk.give(20)
    assert some.disk.room == 50


# A server of another kind


@pytest.mark.parametrize("kind", [socketserver.ThreadingTCPServer, socketserver.TCPServer])
def test_a_handler_serves_in_any_server_of_socketserver(kind):
    class Handler(pyicap.BaseICAPRequestHandler):
        echo_RESPMOD = LEAVE

        def log_message(self, *args):
            pass

    with kind(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        with Peer(server.server_address[1]) as peer:
            assert peer.ask(*ASKED) == NOT_NEEDED
            with Peer(server.server_address[1]) as other:
                other.send(request("RESPMOD", "echo", chunks(b"hello")))
                assert other.answer().endswith(chunks(b"hello"))
        server.shutdown()
        thread.join(DEADLINE)
