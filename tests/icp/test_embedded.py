"""A program that is no server of ours answers a datagram, or has a thread that does."""

import asyncio
import contextlib
import inspect
import io
import os
import signal
import socket
import subprocess
import sys
import threading
from socketserver import ThreadingMixIn
from urllib.request import urlopen
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import open_files
from zope.component import getGlobalSiteManager, provideUtility
from zope.interface import provider

from zcadapt import blocking
from zcadapt.icp import (
    ICPSettings,
    Opcode,
    build,
    embedded,
    handle_request,
    parse_reply,
    start_server,
)
from zcadapt.icp.seldom import Seldom
from zcadapt.interfaces import IICPPolicy, IICPQueryPolicy

URL = "http://example.com/foo"
QUERY = build(URL, request_number=0xDEADBEEF, sender="192.0.2.7")


def hit(url):
    return "ICP_OP_HIT"


@pytest.fixture
def provide():
    """Register a policy under a name, for everybody, until the test ends."""
    with contextlib.ExitStack() as stack:

        def provide(policy, name=""):
            provideUtility(policy, IICPPolicy, name)
            stack.callback(getGlobalSiteManager().unregisterUtility, policy, IICPPolicy, name)

        yield provide


class Cache:
    """A cache that asks, from a thread as any other."""

    def __init__(self, sock):
        self.sock = sock

    def answer(self):
        return parse_reply(self.sock.recv(65535)).answer

    def ask(self, datagram=QUERY):
        self.sock.send(datagram)
        return self.answer()


@pytest.fixture
def cache_of():
    """Return a cache that asks a server, from an address."""
    with contextlib.ExitStack() as stack:

        def cache_of(server, host="127.0.0.1"):
            sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            sock.settimeout(5)
            sock.bind((host, 0))
            sock.connect(("127.0.0.1", server.address[1]))
            return Cache(sock)

        yield cache_of


@pytest.fixture
def server():
    with start_server("127.0.0.1", 0) as server:
        yield server


# One datagram


def test_whom_it_is_given_is_asked_about_the_url():
    seen = []

    def checker(url):
        seen.append(url)
        return "ICP_OP_DENIED"

    reply = parse_reply(handle_request(QUERY, checker))
    assert seen == [URL]
    assert (reply.answer, reply.url, reply.request_number) == ("ICP_OP_DENIED", URL, 0xDEADBEEF)
    assert str(reply.sender) == "192.0.2.7"


def test_no_opinion_is_a_miss():
    assert parse_reply(handle_request(QUERY, lambda url: None)).answer == "ICP_OP_MISS"


def test_without_one_the_registered_policies_are_asked(provide):
    assert parse_reply(handle_request(QUERY)).answer == "ICP_OP_MISS"
    provide(hit)
    assert parse_reply(handle_request(QUERY)).answer == "ICP_OP_HIT"


@pytest.mark.parametrize("datagram", [QUERY[:-1], QUERY[:24], QUERY + b"\0", b"\1\7" + QUERY[2:]])
def test_a_broken_query_is_an_error(datagram):
    reply = parse_reply(handle_request(datagram, hit))
    assert (reply.answer, reply.request_number) == ("ICP_OP_ERR", 0xDEADBEEF)


@pytest.mark.parametrize("opcode", [each for each in (*Opcode, 99) if each != Opcode.ICP_OP_QUERY])
def test_what_is_no_query_has_no_reply(opcode):
    assert handle_request(bytes([opcode]) + QUERY[1:], hit) == b""


@pytest.mark.parametrize("size", [0, 1, 19, 20])
def test_what_is_shorter_than_any_reply_has_none(size):
    assert handle_request(QUERY[:size], hit) == b""


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda tail: QUERY[:20] + tail))
def test_no_reply_is_longer_than_its_datagram_or_has_a_reply(datagram):
    reply = handle_request(datagram, hit)
    assert len(reply) <= len(datagram)
    assert handle_request(reply, hit) == b""


@pytest.mark.parametrize("nonsense", ["ICP_OP_QUERY", "HIT", 2, [], b"ICP_OP_HIT"])
def test_nonsense_is_an_error(nonsense):
    assert parse_reply(handle_request(QUERY, lambda url: nonsense)).answer == "ICP_OP_ERR"


def test_an_exception_is_an_error_and_is_logged_once(monkeypatch, caplog):
    def broken(url):
        raise LookupError("the database is away")

    monkeypatch.setattr(embedded, "_seldom_failed", Seldom())
    for _ in range(3):
        assert parse_reply(handle_request(QUERY, broken)).answer == "ICP_OP_ERR"
    (record,) = caplog.records
    assert "broken" in record.getMessage()
    assert "the database is away" in caplog.text


# A server


def test_it_tells_that_it_has_started(capsys):
    with start_server("localhost", 0) as server:
        told = f"info: ICP server started\n\tAddress: localhost\n\tPort: {server.address[1]}\n"
        assert capsys.readouterr().out == told


def test_without_a_host_it_listens_on_any(capsys, cache_of):
    with start_server(port=0) as server:
        assert server.address[0] == "0.0.0.0"
        assert cache_of(server).ask() == "ICP_OP_MISS"
    assert "\tAddress: any\n" in capsys.readouterr().out


def test_a_closed_output_does_no_harm(monkeypatch, cache_of):
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    with start_server("127.0.0.1", 0) as server:
        assert cache_of(server).ask() == "ICP_OP_MISS"


def test_an_output_that_nobody_reads_does_no_harm(monkeypatch, cache_of):
    reading, writing = os.pipe()
    os.close(reading)
    lost = os.fdopen(writing, "w", buffering=1)
    monkeypatch.setattr(sys, "stdout", lost)
    with start_server("127.0.0.1", 0) as server:
        assert cache_of(server).ask() == "ICP_OP_MISS"
    with pytest.raises(BrokenPipeError):
        lost.close()


def test_if_nothing_is_said_it_is_the_port_of_icp():
    assert inspect.signature(start_server).parameters["port"].default == 3130


def test_to_start_one_is_no_change_for_those_who_register():
    program = """
from zcadapt.icp import start_server
from zope.component import getGlobalSiteManager

based = getGlobalSiteManager().utilities._v_subregistries
before = list(based)
with start_server('127.0.0.1', 0):
    print(list(based) == before)
"""
    assert told_by(program) == "True"


def told_by(program):
    """Return the last line that a program prints, which ends well."""
    command = [sys.executable, "-X", "dev", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_policies_count_from_the_next_query(server, cache_of, provide):
    cache = cache_of(server)
    assert cache.ask() == "ICP_OP_MISS"
    provide(hit, "50-hit")
    assert cache.ask() == "ICP_OP_HIT"
    provide(lambda url: "ICP_OP_MISS_NOFETCH", "10-first")
    assert cache.ask() == "ICP_OP_MISS_NOFETCH"


def test_policies_may_be_asynchronous(server, cache_of, provide):
    async def policy(url):
        return "ICP_OP_HIT"

    provide(policy)
    assert cache_of(server).ask() == "ICP_OP_HIT"


def test_who_wants_the_query_gets_it_in_the_thread_of_the_server(server, cache_of, provide):
    seen = []

    @provider(IICPQueryPolicy)
    def policy(query):
        seen.append((query.url, str(query.peer), query.port, threading.current_thread().name))

    provide(policy)
    cache = cache_of(server)
    assert cache.ask() == "ICP_OP_MISS"
    assert seen == [(URL, *cache.sock.getsockname(), "ICP")]


def test_broken_datagrams_are_treated_as_by_the_server_of_serve(server, cache_of):
    cache = cache_of(server)
    cache.sock.send(QUERY[:20])
    cache.sock.send(bytes([2]) + QUERY[1:])
    assert cache.ask(QUERY[:-1]) == "ICP_OP_ERR"
    assert cache.ask() == "ICP_OP_MISS"


def test_several_can_run(server, cache_of):
    with start_server("127.0.0.1", 0) as other:
        assert cache_of(other).ask() == "ICP_OP_MISS"
    assert cache_of(server).ask() == "ICP_OP_MISS"


def test_only_who_is_allowed_is_answered(cache_of):
    with start_server("127.0.0.1", 0, settings=ICPSettings(allow=("127.0.0.2",))) as server:
        stranger = cache_of(server)
        stranger.sock.send(QUERY)
        assert cache_of(server, "127.0.0.2").ask() == "ICP_OP_MISS"
        stranger.sock.settimeout(0)
        with pytest.raises(BlockingIOError):
            stranger.answer()


@pytest.mark.parametrize(
    ("host", "port", "error"),
    [
        ("192.0.2.1", 0, OSError),
        ("127.0.0.1", 65536, OverflowError),
        ("127.0.0.1", -1, OverflowError),
    ],
)
def test_where_it_cannot_listen_its_caller_is_told(host, port, error, capsys):
    threads, files = set(threading.enumerate()), open_files(os.getpid())
    with pytest.raises(error):
        start_server(host, port)
    assert set(threading.enumerate()) <= threads
    assert open_files(os.getpid()) == files
    assert not capsys.readouterr().out


def test_where_there_is_no_room_for_a_thread_nothing_stays(capsys):
    files = open_files(os.getpid())
    threading.stack_size(1 << 62)
    try:
        with pytest.raises(RuntimeError, match="can't start new thread"):
            start_server("127.0.0.1", 0)
    finally:
        threading.stack_size(0)
    assert open_files(os.getpid()) == files


def test_ctrl_c_does_not_wait_for_a_look_up(monkeypatch):
    told, in_time, look_up = threading.Event(), [], socket.getaddrinfo

    def slow(*args, **how):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        in_time.append(told.wait(5))
        return look_up(*args, **how)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    monkeypatch.setattr(embedded, "PATIENCE", 60)
    threads, files = set(threading.enumerate()), open_files(os.getpid())
    with pytest.raises(KeyboardInterrupt):
        start_server("localhost", 0)
    told.set()
    for thread in set(threading.enumerate()) - threads:
        thread.join(5)
    assert in_time == [True]
    assert open_files(os.getpid()) == files


def test_an_address_that_is_taken_is_told(server):
    with pytest.raises(OSError, match="in use"):
        start_server(*server.address)


def test_its_representation_tells_where_it_listens(server):
    assert repr(server) == f"<RunningServer on 127.0.0.1 port {server.address[1]}>"


# Its end


def test_nothing_is_left_behind(cache_of, provide):
    async def policy(url):
        return "ICP_OP_HIT"

    provide(policy)
    threads, files = set(threading.enumerate()), open_files(os.getpid())
    server = start_server("localhost", 0)
    server.stop()
    assert set(threading.enumerate()) <= threads
    assert open_files(os.getpid()) == files
    with start_server(*server.address) as again:
        assert again.address == server.address
        assert cache_of(again).ask() == "ICP_OP_HIT"


def test_to_stop_it_again_is_harmless():
    server = start_server("127.0.0.1", 0)
    server.stop()
    server.stop()


def test_many_threads_may_stop_it_at_once():
    server = start_server("127.0.0.1", 0)
    stopping = [threading.Thread(target=server.stop) for _ in range(8)]
    for thread in stopping:
        thread.start()
    server.stop()
    for thread in stopping:
        thread.join()
    start_server(*server.address).stop()


def test_what_has_come_is_answered(server, cache_of):
    cache = cache_of(server)
    for _ in range(100):
        cache.sock.send(QUERY)
    server.stop()
    cache.sock.settimeout(0)
    assert [cache.answer() for _ in range(100)] == ["ICP_OP_MISS"] * 100


def test_a_policy_may_stop_it(server, cache_of, provide):
    def policy(url):
        server.stop()
        return "ICP_OP_HIT"

    provide(policy)
    assert cache_of(server).ask() == "ICP_OP_HIT"
    server.stop()
    start_server(*server.address).stop()


def test_a_policy_in_a_thread_of_its_own_may_stop_it(monkeypatch, server, cache_of, provide):
    stopped = threading.Event()

    @blocking
    def policy(url):
        server.stop()
        stopped.set()

    policy.timeout = 60
    monkeypatch.setattr(embedded, "GRACE", 0.05)
    provide(policy)
    cache_of(server).sock.send(QUERY)
    assert stopped.wait(embedded.PATIENCE - 1)
    start_server(*server.address).stop()


def test_the_times_are_those_that_are_documented():
    assert (embedded.GRACE, embedded.PATIENCE) == (1.0, 5.0)


def test_a_policy_that_is_interrupted_ends_it(monkeypatch, cache_of, provide):
    def policy(url):
        raise KeyboardInterrupt

    ended = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: ended.set())
    provide(policy)
    server = start_server("127.0.0.1", 0)
    cache_of(server).sock.send(QUERY)
    assert ended.wait(5)
    server.stop()
    start_server(*server.address).stop()


def test_a_process_that_is_forked_leaves_it_to_its_parent():
    program = """
import os
import socket

from zcadapt.icp import build, parse_reply, start_server

server = start_server('127.0.0.1', 0)
(begun, begin), (ended, end) = os.pipe(), os.pipe()
if (child := os.fork()) == 0:
    os.write(begin, b'x')
    os.read(ended, 1)
    server.stop()
    start_server('127.0.0.1', 0).stop()
    os._exit(0)
os.read(begun, 1)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.settimeout(5)
    sock.connect(server.address)
    sock.send(build('http://x/'))
    answer = parse_reply(sock.recv(65535)).answer
server.stop()
start_server(*server.address).stop()
os.write(end, b'x')
print(answer, os.waitpid(child, 0)[1])
"""
    assert told_by(program) == "ICP_OP_MISS 0"


def test_an_asynchronous_policy_that_waits_is_given_up(server, cache_of, provide):
    begun = threading.Event()

    async def policy(url):
        begun.set()
        await asyncio.Event().wait()

    policy.timeout = 60
    provide(policy)
    cache_of(server).sock.send(QUERY)
    assert begun.wait(5)
    server.stop()
    start_server(*server.address).stop()


def test_a_policy_that_hangs_is_told(monkeypatch, cache_of, provide):
    begun, released = threading.Event(), threading.Event()

    def policy(url):
        begun.set()
        released.wait()

    provide(policy)
    server = start_server("127.0.0.1", 0)
    cache_of(server).sock.send(QUERY)
    assert begun.wait(5)
    with monkeypatch.context() as patched:
        patched.setattr(embedded, "PATIENCE", 0.05)
        with pytest.raises(TimeoutError, match="does not come back"):
            server.stop()
    released.set()
    server.stop()
    start_server(*server.address).stop()


def test_it_ends_with_its_program():
    program = """
import socket
from zcadapt.icp import build, parse_reply, start_server

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.connect(start_server('127.0.0.1', 0).address)
    sock.send(build('http://x/'))
    print(parse_reply(sock.recv(65535)).answer)
"""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("ICP_OP_MISS\n")


class ThreadingServer(ThreadingMixIn, WSGIServer):
    """A WSGI server with a thread for each request."""


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        """Nobody reads it."""


def test_threads_of_a_wsgi_server_start_and_stop_it(cache_of, provide):
    running = []

    def application(environ, start_response):
        if environ["PATH_INFO"] == "/start":
            running.append(start_server("127.0.0.1", 0))
        else:
            running[0].stop()
        start_response("204 No Content", [])
        return []

    provide(hit)
    with make_server("127.0.0.1", 0, application, ThreadingServer, Quiet) as wsgi:
        serving = threading.Thread(target=wsgi.serve_forever, args=(0.01,))
        serving.start()
        try:
            with urlopen(f"http://127.0.0.1:{wsgi.server_port}/start"):
                assert cache_of(running[0]).ask() == "ICP_OP_HIT"
            with urlopen(f"http://127.0.0.1:{wsgi.server_port}/stop"):
                start_server(*running[0].address).stop()
        finally:
            wsgi.shutdown()
            serving.join()
