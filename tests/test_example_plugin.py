"""The example plugin, really built, installed, consulted and uninstalled."""

import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import venv
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.timeout(600)


class Installation:
    """A virtual environment, and the commands in it."""

    def __init__(self, folder):
        self.folder = folder
        venv.create(folder, with_pip=True)

    def run(self, name, *args):
        """Return what a command prints on standard output."""
        done = subprocess.run(
            [self.folder / "bin" / name, *args],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=environment(),
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def serve(self, *args):
        """Serve, give the addresses by protocol, and see that it ends as it should."""
        with subprocess.Popen(
            [self.folder / "bin" / "zcadapt", "serve", *args],
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=environment(),
        ) as process:
            try:
                yield addresses(report_of(process))
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


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    example = wheel(ROOT / "plugins" / "zcadapt-example", folder)
    return wheel(ROOT, folder), example


@pytest.fixture(scope="session")
def installation(tmp_path_factory, wheels):
    installation = Installation(tmp_path_factory.mktemp("installation"))
    installation.run("pip", "install", "--quiet", *map(str, wheels))
    return installation


@pytest.fixture
def served(installation):
    """Return the addresses of a server with the plugin, by protocol."""
    with installation.serve("--icap", "127.0.0.1:0", "--icp", "127.0.0.1:0") as found:
        yield found


def report_of(process):
    """Return the lines of the start-up report, which ends with ``ready``."""
    lines = []
    for line in process.stdout:
        if line == "ready\n":
            return lines
        lines.append(line)
    raise AssertionError("the server has ended by itself")


def addresses(report):
    found = (re.fullmatch(r"(icap|icp) (\S+):(\d+)\n", line) for line in report)
    return {each[1]: (each[2], int(each[3])) for each in found if each}


def icap(address, method, path, *heads):
    """Return the whole answer about a message that has these heads and no body."""
    names = ["req-hdr", "res-hdr"] if method == "RESPMOD" else ["req-hdr"]
    encapsulated, offset = [], 0
    for name, head in zip(names, heads, strict=True):
        encapsulated.append(f"{name}={offset}")
        offset += len(head)
    sent = (
        f"{method} icap://here/{path} ICAP/1.0\r\nHost: here\r\nConnection: close\r\n"
        f"Allow: 204\r\nEncapsulated: {', '.join(encapsulated)}, null-body={offset}\r\n\r\n"
    )
    with socket.create_connection(address, 30) as sock:
        sock.sendall(sent.encode() + b"".join(heads))
        return sock.makefile("rb").read()


def opcode(address, url):
    """Return the opcode that answers an ICP query (RFC 2186)."""
    payload = b"\0" * 4 + url.encode() + b"\0"
    query = struct.pack("!BBHIIII", 1, 2, 20 + len(payload), 0xDEADBEEF, 0, 0, 0) + payload
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(30)
        sock.connect(address)
        sock.send(query)
        reply = sock.recv(4096)
    assert reply[4:8] == b"\xde\xad\xbe\xef"
    assert reply[20:] == url.encode() + b"\0"
    return reply[0]


def get(url):
    return f"GET {url} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def test_it_is_listed(installation):
    listed = json.loads(installation.run("zcadapt", "plugins", "--json"))
    assert [(row["name"], row["methods"]) for row in listed["icap"]] == [
        ("10-block-hosts", ["REQMOD"]),
        ("50-add-header", ["RESPMOD"]),
    ]
    assert [row["name"] for row in listed["icp"]] == ["baz", "foo"]
    assert {row["distribution"] for row in listed["icap"] + listed["icp"]} == {"zcadapt-example"}


def test_it_has_no_problems(installation):
    assert installation.run("zcadapt", "check") == "The installation: no problems\n"


@pytest.mark.parametrize(
    ("path", "answer"), [("", 3), ("bar", 3), ("foo", 2), ("baz", 21), ("foo/baz", 21)]
)
def test_its_policies_answer(served, path, answer):
    assert opcode(served["icp"], f"http://example.com/{path}") == answer


def test_a_host_is_blocked(served):
    answer = icap(served["icap"], "REQMOD", "reqmod", get("http://www.blocked.example/"))
    assert answer.startswith(b"ICAP/1.0 200 OK\r\n")
    assert b"HTTP/1.1 403 Forbidden\r\n" in answer
    assert b"This host is blocked." in answer


def test_other_hosts_are_left_alone(served):
    answer = icap(served["icap"], "REQMOD", "reqmod", get("http://example.com/"))
    assert answer.startswith(b"ICAP/1.0 204 ")


def test_a_header_is_added_to_a_response(served):
    response = b"HTTP/1.1 304 Not Modified\r\nServer: x\r\n\r\n"
    answer = icap(served["icap"], "RESPMOD", "respmod", get("http://example.com/"), response)
    assert answer.startswith(b"ICAP/1.0 200 OK\r\n")
    assert b"\r\nX-Adapted-By: zcadapt-example\r\n" in answer
    assert b"HTTP/1.1 304 Not Modified\r\nServer: x\r\n" in answer


def test_settings_reach_it(installation, tmp_path):
    settings = tmp_path / "zcadapt.toml"
    settings.write_text(
        '[icap]\nlisten = ["127.0.0.1:0"]\n[icp]\nlisten = []\n'
        '[services."10-block-hosts"]\nhosts = ["example.com"]\n'
    )
    with installation.serve("--config", str(settings)) as found:
        answer = icap(found["icap"], "REQMOD", "reqmod", get("http://example.com/"))
    assert b"403 Forbidden" in answer


def test_its_own_tests_pass(installation):
    """Also its README, whose examples are run."""
    installation.run("pip", "install", "--quiet", "pytest")
    folder = ROOT / "plugins" / "zcadapt-example"
    copy = installation.folder / "plugin-tests"
    shutil.copytree(folder / "tests", copy)
    shutil.copy(folder / "README.rst", copy)
    installation.run("python", "-m", "pytest", "-q", "--doctest-glob=README.rst", str(copy))


@pytest.fixture
def uninstalled(installation, wheels):
    """Return the installation without the plugin, which is there again for other tests."""
    installation.run("pip", "uninstall", "--quiet", "--yes", "zcadapt-example")
    yield installation
    installation.run("pip", "install", "--quiet", "--no-deps", str(wheels[1]))


def test_uninstalled_it_is_gone(uninstalled):
    listed = json.loads(uninstalled.run("zcadapt", "plugins", "--json"))
    assert listed == {"icap": [], "icp": [], "plugins": []}
    with uninstalled.serve("--icap", "127.0.0.1:0", "--icp", "127.0.0.1:0") as found:
        assert opcode(found["icp"], "http://example.com/foo") == 3
        answer = icap(found["icap"], "REQMOD", "reqmod", get("http://www.blocked.example/"))
    assert answer.startswith(b"ICAP/1.0 204 ")
