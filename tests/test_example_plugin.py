"""The example plugin, really built, installed, consulted and uninstalled."""

import json
import shutil
import socket
import struct
from pathlib import Path

import pytest
from installation import Installation, wheel

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    example = wheel(ROOT / "plugins" / "zcadapt-example", folder)
    return wheel(ROOT, folder), example


@pytest.fixture(scope="session")
def installation(tmp_path_factory, wheels):
    return Installation(tmp_path_factory.mktemp("installation"), wheels)


@pytest.fixture
def served(installation):
    """Return the addresses of a server with the plugin, by protocol."""
    with installation.serve("--icap", "127.0.0.1:0", "--icp", "127.0.0.1:0") as found:
        yield found


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
        ("zzz-add-header", ["RESPMOD"]),
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
