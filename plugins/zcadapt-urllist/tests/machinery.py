"""What the test of the whole needs: an installation, a Squid, an origin server, patience."""

import contextlib
import http.server
import os
import pwd
import random
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import venv
from pathlib import Path

import pytest

SOMETIMES_HERE = "/usr/sbin:/usr/local/sbin"
PATIENCE = 30
FRIEND = "good.blocked.example"

CONFIGURATION = """\
http_port 127.0.0.1:{port}
http_access allow all
visible_hostname squid.test
dns_nameservers 127.0.0.1
hosts_file {folder}/hosts
pinger_enable off
netdb_filename none
cache deny all
pid_filename {folder}/squid.pid
coredump_dir {folder}
cache_log {folder}/cache.log
access_log stdio:{folder}/access.log
logformat icap %ru|%icap::to|%{{X-Attribute}}icap::<h
icap_log stdio:{folder}/icap.log icap
shutdown_lifetime 0 seconds
icap_enable on
icap_service urllist reqmod_precache bypass=off icap://127.0.0.1:{icap}/reqmod
adaptation_access urllist allow all
"""


class Installation:
    """A virtual environment, and the commands in it."""

    def __init__(self, folder, *wheels):
        self.folder = folder
        venv.create(folder, with_pip=True)
        self.run("pip", "install", "--quiet", *wheels)

    def run(self, name, *args):
        """Return what a command prints on standard output."""
        command = [self.folder / "bin" / name, *map(str, args)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment(), cwd=self.folder
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextlib.contextmanager
    def serve(self, settings):
        """Serve, and give the ports by protocol."""
        command = [self.folder / "bin" / "zcadapt", "serve", "--strict", "--config", settings]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=self.folder, env=environment()
        ) as process:
            try:
                yield ports(process)
            finally:
                process.terminate()
        assert process.returncode == 0


def environment():
    """Return an environment in which nothing of this checkout is found by chance."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}


def wheel(project, folder):
    """Return the wheel of a project, built from a copy so that nothing is left behind."""
    copy = folder / "source" / project.name
    ignored = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "tests")
    shutil.copytree(project, copy, ignore=ignored)
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", folder, copy]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(folder, done.stdout.splitlines()[-1].rpartition(" ")[2])


def ports(process):
    """Return the ports of the start-up report, which ends with ``ready``."""
    found = {}
    for line in process.stdout:
        if line == "ready\n":
            return found
        if told := re.fullmatch(r"(icap|icp) \S+:(\d+)\n", line):
            found[told[1]] = int(told[2])
    raise AssertionError("the server has ended by itself")


def until(condition):
    """Return the first true value of `condition()`."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, "nothing has happened"
        time.sleep(0.05)
    return value


@contextlib.contextmanager
def origin():
    """Run a server that says hello to everybody; give its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def squid(folder, icap):
    """Run a Squid that asks the server at port `icap`; give its port."""
    found = shutil.which("squid", path=f"{os.environ.get('PATH', '')}:{SOMETIMES_HERE}")
    if found is None:
        missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        missing("squid is not installed (Debian package squid-openssl)")
    port = free_port()
    (folder / "squid.conf").write_text(CONFIGURATION.format(port=port, folder=folder, icap=icap))
    (folder / "hosts").write_text(f"127.0.0.1 {FRIEND}\n")
    more = {}
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        more = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    command = [found, "-N", "-n", f"zcul{port}", "-f", folder / "squid.conf"]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, **more)
    try:
        until(lambda: listens(port))
        yield port
    finally:
        process.kill()
        process.wait()


def free_port():
    """Return a port of 127.0.0.1 that nobody listens on and no client is given by chance."""
    while True:
        port = random.randrange(12000, 32000)
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
