"""A real clamd of our own: its signatures, its life, and services that ask it."""

import asyncio
import contextlib
import hashlib
import io
import os
import re
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest
from pages import DOCS, blocks
from programs import ENDING_WITH_US, free_port, program, ready, running, until

from zcadapt.testing import decide

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
EVIL = b"evil bytes number one"
LATER = b"evil bytes that are known a little later"
#: What clamd calls them; it marks signatures that are not its makers'.
NAMES = {EICAR: "Eicar-Test-Signature.UNOFFICIAL", EVIL: "Test.Evil.One.UNOFFICIAL"}

CONF = """\
LocalSocket {folder}/clamd.sock
TCPSocket {port}
TCPAddr 127.0.0.1
DatabaseDirectory {folder}/db
TemporaryDirectory {folder}/tmp
LogFile {folder}/clamd.log
Foreground yes
AlertEncrypted yes
AlertExceedsMax yes
"""


class Clamd:
    """A clamd with signatures for EICAR and two files; `lines` end its clamd.conf."""

    def __init__(self, folder, lines):
        self.folder = folder
        self.port = free_port()
        self.socket = str(folder / "clamd.sock")
        self.process = None
        for name in "db", "tmp":
            (folder / name).mkdir()
        (folder / "clamd.conf").write_text(CONF.format(folder=folder, port=self.port) + lines)
        self.publish(1)
        digest = hashlib.sha256(EVIL).hexdigest()
        (folder / "db" / "evil.hsb").write_text(f"{digest}:{len(EVIL)}:Test.Evil.One\n")

    def publish(self, version):
        """Write the database that has a version, as sigtool --unsigned does."""
        signatures = b"Eicar-Test-Signature:0:*:" + EICAR.hex().encode() + b"\n"
        head = f"ClamAV-VDB:01 Jan 2026 00-00 +0000:{version}:1:90:X:X:test:1767225600"
        info = f"{head}\ndaily.ndb:{len(signatures)}:{hashlib.sha256(signatures).hexdigest()}\n"
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz", format=tarfile.USTAR_FORMAT) as tar:
            files = {"COPYING": b"-\n", "daily.info": info.encode(), "daily.ndb": signatures}
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        new = self.folder / "new"
        new.write_bytes(head.ljust(512).encode() + packed.getvalue())
        new.rename(self.folder / "db" / "daily.cud")

    def learn(self):
        """Get a signature for LATER."""
        digest = hashlib.md5(LATER, usedforsecurity=False).hexdigest()
        (self.folder / "db" / "later.hdb").write_text(f"{digest}:{len(LATER)}:Test.Later\n")

    def start(self):
        command = [*ENDING_WITH_US, program("clamd", "clamav-daemon")]
        command += ["-c", str(self.folder / "clamd.conf")]
        with (self.folder / "output").open("ab") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output)
        until(self.answers, f"clamd answers; {self.folder}/output may tell why")

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            Path(self.socket).unlink(missing_ok=True)
            self.process = None

    def answers(self):
        return self.ask(b"zPING\0") == b"PONG\0"

    def ask(self, command):
        with socket.socket(socket.AF_UNIX) as sock, contextlib.suppress(OSError):
            sock.settimeout(10)
            sock.connect(self.socket)
            sock.sendall(command)
            return sock.makefile("rb").read()
        return b""

    def reload(self, done="Activating the newly loaded database"):
        """Load the database anew, and wait until that is done."""
        before = self.log().count(done)
        assert self.ask(b"zRELOAD\0") == b"RELOADING\0"
        until(lambda: self.log().count(done) > before, "it reloads")

    def log(self):
        return (self.folder / "clamd.log").read_text()

    @contextlib.contextmanager
    def paused(self):
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


class FakeClamd:
    """Somebody at a socket who speaks as clamd does, and says what a test wants.

    Attributes:
        answer: what is said about a body; nothing: the connection is dropped.
        version: what is said to VERSION.
        streams: how many bodies have begun to come.
        at_once: the most of them at the same time.
    """

    def __init__(self, path):
        self.socket = str(path)
        self.answer = lambda body: b"stream: Test.Evil FOUND" if EVIL in body else b"stream: OK"
        self.version = b"ClamAV 1.4.6/27500/Mon Jan  5 09:25:01 2026"
        self.streams = self.at_once = self._now = 0
        self._counting = threading.Lock()
        self._server = socketserver.ThreadingUnixStreamServer(
            self.socket, self._converse, bind_and_activate=False
        )
        self._server.request_queue_size = 100
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def start(self):
        self._server.server_bind()
        self._server.server_activate()
        self._thread.start()

    def stop(self):
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            Path(self.socket).unlink()

    def _converse(self, sock, *_):
        with sock.makefile("rb") as file, contextlib.suppress(OSError, struct.error):
            command = b"".join(iter(lambda: file.read(1), b"\0"))
            if command == b"zINSTREAM":
                with self._counted():
                    answer = self.answer(self._body(file))
            else:
                answer = {b"zPING": b"PONG", b"zVERSION": self.version}[command]
            if answer:
                sock.sendall(answer + b"\0")

    @contextlib.contextmanager
    def _counted(self):
        with self._counting:
            self._now += 1
            self.streams += 1
            self.at_once = max(self.at_once, self._now)
        try:
            yield
        finally:
            with self._counting:
                self._now -= 1

    def _body(self, file):
        pieces = []
        while size := struct.unpack("!I", file.read(4))[0]:
            pieces.append(file.read(size))
        return b"".join(pieces)


@pytest.fixture
def new_fake_clamd(tmp_path):
    """How to have somebody who plays clamd, at a socket of this name."""
    with contextlib.ExitStack() as stack:

        def run(name="fake.sock"):
            fake = FakeClamd(tmp_path / name)
            fake.start()
            stack.callback(fake.stop)
            return fake

        yield run


@pytest.fixture
def fake_clamd(new_fake_clamd):
    return new_fake_clamd()


@pytest.fixture(scope="session")
def new_clamd(tmp_path_factory):
    """How to run a clamd with further lines in its clamd.conf."""

    @contextlib.contextmanager
    def run(lines=""):
        clamd = Clamd(tmp_path_factory.mktemp("clamd"), lines)
        try:
            clamd.start()
            yield clamd
        finally:
            clamd.stop()

    return run


@pytest.fixture(scope="session")
def shared_clamd(new_clamd):
    with new_clamd("StreamMaxLength 1M\nMaxThreads 4\n") as clamd:
        yield clamd


@pytest.fixture
def clamd(shared_clamd):
    """One that nothing is done to, and that takes 1 MiB."""
    return shared_clamd


@pytest.fixture
def own_clamd(new_clamd):
    """One to be stopped, paused and taught."""
    with new_clamd() as clamd:
        yield clamd


@pytest.fixture(scope="session")
def shown():
    """What stands in the blocks of a how-to page that begin so."""

    def shown(page, beginning):
        every = [text for _, text in blocks(DOCS / "howto" / f"{page}.rst")]
        return [text for text in every if text.startswith(beginning)]

    return shown


@pytest.fixture(scope="session")
def serving(shared_clamd, shown, tmp_path_factory):
    """How to serve what a how-to page has for zcadapt.toml, but for addresses and clamd's path."""

    @contextlib.contextmanager
    def serve(page, clamd=shared_clamd.socket):
        folder = tmp_path_factory.mktemp(page)
        (settings,) = shown(page, "[icap]")
        assert "/run/clamav/clamd.ctl" in settings
        settings = settings.replace("/run/clamav/clamd.ctl", clamd)
        (folder / "zcadapt.toml").write_text(settings)
        output = folder / "output"
        command = [sys.executable, "-m", "zcadapt", "serve", "--config", folder / "zcadapt.toml"]
        command += ["--icap", "127.0.0.1:0", "--no-icp"]
        environment = {**os.environ, "CACHE_DIRECTORY": str(folder), "PYTHONUNBUFFERED": "1"}

        def port():
            told = output.read_text()
            found = re.search(r"(?m)^icap 127\.0\.0\.1:(\d+)$", told)
            return int(found[1]) if found and "\nready\n" in told else None

        with running(command, output, env=environment, cwd=folder) as process:
            yield ready(process, port, output), output

    return serve


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Let each test remember what it finds in a place of its own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("CACHE_DIRECTORY", str(folder))
    return folder


async def ask(service, request):
    """Return what `service` decides about `request`, which is over then."""
    try:
        return await decide(service, request)
    finally:
        request.body.lose()


@pytest.fixture
def asked():
    """How to ask a service, with or without an event loop that runs."""

    def asked(service, request):
        return asyncio.run(ask(service, request))

    asked.awaited = ask
    return asked


@pytest.fixture(scope="session")
def until_true():
    return until


@pytest.fixture(scope="session")
def known():
    """What clamd finds, and under which name."""
    return NAMES


@pytest.fixture(scope="session")
def eicar():
    return EICAR


@pytest.fixture(scope="session")
def evil():
    return EVIL


@pytest.fixture(scope="session")
def later():
    return LATER
