"""``zcadapt echo NAME`` prints each request line and adapts nothing."""

import re
import socket

import pytest

REQMOD = (
    b"REQMOD icap://here/avi ICAP/1.0\r\nHost: here\r\nAllow: 204\r\n"
    b"Encapsulated: req-hdr=0, null-body=%d\r\n\r\n%s"
)


@pytest.fixture
def served(start):
    """Return the process, and a connection to it."""
    process = start("echo", "avi", "--port", "0")
    where = re.fullmatch(r"icap://127\.0\.0\.1:(\d+)/avi\n", process.stderr.readline())
    with socket.create_connection(("127.0.0.1", int(where[1])), 10) as sock:
        yield process, sock


def ask(sock, head):
    sock.sendall(REQMOD % (len(head), head))
    lines = iter(sock.makefile("rb").readline, b"\r\n")
    return next(lines), list(lines)


def test_request_lines_are_printed_as_they_are_handled(served):
    process, sock = served
    for line in ["GET http://example.com/ HTTP/1.1", "CONNECT news.example:443 HTTP/1.1"]:
        status, _ = ask(sock, line.encode() + b"\r\nHost: x\r\n\r\n")
        assert status.startswith(b"ICAP/1.0 204 ")
        assert process.stdout.readline() == line + "\n"


def test_what_steers_a_terminal_is_not_printed_as_it_is(served):
    process, sock = served
    ask(sock, b"GET http://x/\x1b[2J\xff HTTP/1.1\r\nHost: x\r\n\r\n")
    assert process.stdout.readline() == "GET http://x/\\x1b[2J\\xff HTTP/1.1\n"


def test_other_names_are_not_served(served):
    _, sock = served
    sock.sendall(b"OPTIONS icap://here/other ICAP/1.0\r\nHost: here\r\n\r\n")
    assert sock.makefile("rb").readline().startswith(b"ICAP/1.0 404 ")


def test_plugins_are_not_consulted(served):
    _, sock = served
    sock.sendall(b"OPTIONS icap://here/lists ICAP/1.0\r\nHost: here\r\n\r\n")
    assert sock.makefile("rb").readline().startswith(b"ICAP/1.0 404 ")


def test_it_ends_when_it_is_told_to(served):
    process, sock = served
    sock.close()
    process.terminate()
    assert process.wait(20) == 0


def test_a_taken_address_is_told(invoke):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = invoke("echo", "avi", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 3
    assert "Address already in use" in result.output


def test_whoever_can_read_is_served(start, folder):
    process = start("echo", "avi", "--port", "0", closed=">/dev/full")
    where = re.fullmatch(r"icap://127\.0\.0\.1:(\d+)/avi\n", process.stderr.readline())
    with socket.create_connection(("127.0.0.1", int(where[1])), 10) as sock:
        for _ in range(2):
            status, _ = ask(sock, b"GET http://example.com/ HTTP/1.1\r\n\r\n")
            assert status.startswith(b"ICAP/1.0 204 ")
    process.terminate()
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert err.count("standard output cannot be written: No space left on device") == 1


def test_the_address_is_told_as_a_uri(start):
    process = start("echo", "a b", "--port", "0", "--host", "[::1]")
    assert re.fullmatch(r"icap://\[::1\]:\d+/a%20b\n", process.stderr.readline())


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["avi", "--port", "65536"],
        ["avi", "--port", "x"],
        ["avi", "--host", ""],
        ["avi", "--host", "a b"],
    ],
)
def test_a_wrong_command_line_is_told(invoke, args):
    assert invoke("echo", *args).exit_code == 2
