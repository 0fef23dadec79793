"""Slow clients take no place from others, and code that hangs does not keep the server running."""

import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager

import pytest

from zcadapt.runtime.threads import Executor

SERVICES = """
import asyncio
import os
import threading
import zope.component
from zcadapt import blocking, reqmod, respond
from zcadapt.interfaces import IICAPService

def say(word):
    os.write(1, f"{word}\\n".encode())  # in one go: others may say something too

def provide(service):
    zope.component.provideUtility(service, IICAPService, service.__name__)

@provide
@reqmod
@blocking
def read(request):
    say("asked")
    return respond(200, body=request.body.read())

@provide
@reqmod
@blocking
def at_once(request):
    return respond(200, body=b"at once")

@provide
@reqmod
@blocking
def hang(request):
    say("asked")
    threading.Event().wait()

def hang_too():
    say("asked")
    threading.Event().wait()

@provide
@reqmod
async def hang_elsewhere(request):
    await asyncio.to_thread(hang_too)
"""


class Server:
    def __init__(self, process):
        self.process = process
        self.address = "127.0.0.1", int(self.line().rpartition(":")[2])

    def line(self):
        line = self.process.stdout.readline()
        assert line, "it has ended"
        return line.rstrip("\n")

    def wait_for(self, times, said):
        while times:
            times -= self.line() == said

    def ask(self, service, body=None):
        """Return a connection on which that was asked; of the body comes as much as is given."""
        head = b"PUT http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"
        part = b"null-body" if body is None else b"req-body"
        client = socket.create_connection(self.address, 10)
        client.sendall(
            b"REQMOD icap://h/%s ICAP/1.0\r\nHost: h\r\nEncapsulated: req-hdr=0, %s=%d\r\n\r\n%s"
            % (service, part, len(head), head)
        )
        if body is not None:
            send(client, body)
        return closing(client)


def send(client, piece):
    client.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))


def answer(client):
    """Return the answer, whose body is one chunk."""
    file = client.makefile("rb")
    assert file.readline() == b"ICAP/1.0 200 OK\r\n"
    while (line := file.readline()) != b"\r\n":
        fields = line
    size = int(fields.rpartition(b"=")[2])
    file.read(size)
    return file.read(int(file.readline(), 16))


@pytest.fixture
def serve(tmp_path):
    """Return what runs a server with these settings, as a process."""

    @contextmanager
    def serve(settings):
        (tmp_path / "blocking_rules.py").write_text(SERVICES)
        (tmp_path / "zcadapt.toml").write_text(f"[server]\ngrace = 0.1\n{settings}\n")
        command = [sys.executable, "-m", "zcadapt", "serve", "--icap", "127.0.0.1:0", "--no-icp"]
        command += ["--load", "blocking_rules", "--config", "zcadapt.toml"]
        with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield Server(process)
            finally:
                process.kill()

    return serve


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_slow_uploads_hold_up_nobody_else(serve, loop):
    with serve(f"threads = 2\nloop = '{loop}'") as server, ExitStack() as stack:
        slow = [stack.enter_context(server.ask(b"read", b"begun")) for _ in range(10)]
        server.wait_for(10, "asked")
        for _ in range(5):
            with server.ask(b"at_once") as quick:
                assert answer(quick) == b"at once"
            for client in slow:
                send(client, b"more")
        for number, client in enumerate(slow):
            send(client, b"%d" % number)
            client.sendall(b"0\r\n\r\n")
            assert answer(client) == b"begun" + b"more" * 5 + b"%d" % number


@pytest.mark.parametrize("service", [b"hang", b"hang_elsewhere", b"read"])
def test_a_thread_that_hangs_or_waits_does_not_outlive_the_grace(serve, service):
    with serve("") as server, server.ask(service, b"x"):
        server.wait_for(1, "asked")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(10) == 0


def test_what_has_not_begun_is_dropped_and_nobody_waits():
    with Executor(1) as executor:
        assert executor.submit(lambda: 1).result() == 1
    with pytest.raises(RuntimeError):
        executor.submit(lambda: 1)


def test_without_threads_it_is_an_exit_like_any_other():
    code = "from zcadapt.runtime.threads import leave; leave(3)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 3


def test_threads_without_work_make_no_difference():
    code = (
        "import asyncio, atexit; from zcadapt.threads import Threads\n"
        "from zcadapt.runtime.threads import leave\n"
        "asyncio.run(Threads().run(int)); atexit.register(print, 'in order'); leave(3)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert (done.returncode, done.stdout) == (3, b"in order\n")


def test_code_that_still_runs_is_left_alone():
    code = (
        "import asyncio, atexit, threading; from zcadapt.threads import Threads\n"
        "from zcadapt.runtime.threads import leave\n"
        "try: asyncio.run(asyncio.wait_for(Threads().run(threading.Event().wait), 0.05))\n"
        "except TimeoutError: pass\n"
        "atexit.register(print, 'too late'); leave(3)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert (done.returncode, done.stdout) == (3, b"")
