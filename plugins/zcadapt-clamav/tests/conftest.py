"""A real clamd of our own: its signatures, its life, and services that ask it."""

import asyncio
import contextlib
import hashlib
import io
import signal
import socket
import subprocess
import tarfile
from pathlib import Path

import pytest
from programs import free_port, program, until

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
        path = program("clamd", "clamav-daemon")
        with (self.folder / "output").open("ab") as output:
            self.process = subprocess.Popen(
                [path, "-c", str(self.folder / "clamd.conf")], stdout=output, stderr=output
            )
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
