"""``zcadapt echo NAME`` prints each request line and adapts nothing."""

import json
import logging
import re
import socket
from urllib.parse import urlsplit

import pytest

from zcadapt.cli.echo import MOST

REQMOD = (
    b"REQMOD icap://here/avi ICAP/1.0\r\nHost: here\r\nAllow: 204\r\n"
    b"Encapsulated: req-hdr=0, null-body=%d\r\n\r\n%s"
)


@pytest.fixture(autouse=True)
def handlers():
    """A command that runs in this process leaves its handler."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = before, level


def started(process):
    """Return the URI that the first line on standard error tells."""
    fields = json.loads(process.stderr.readline())
    assert fields["message"] == f"serving {fields['url']['full']}"
    return fields["url"]["full"]


def port(process):
    return urlsplit(started(process)).port


@pytest.fixture
def served(start):
    """Return the process, and a connection to it."""
    process = start("echo", "avi", "--port", "0")
    with socket.create_connection(("127.0.0.1", port(process)), 10) as sock:
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
    assert (result.exit_code, result.stdout) == (3, "")
    fields = json.loads(result.stderr)
    assert fields["log.level"] == "error"
    assert "Address already in use" in fields["message"]


def test_whoever_can_read_is_served(start, folder):
    process = start("echo", "avi", "--port", "0", closed=">/dev/full")
    with socket.create_connection(("127.0.0.1", port(process)), 10) as sock:
        for _ in range(2):
            status, _ = ask(sock, b"GET http://example.com/ HTTP/1.1\r\n\r\n")
            assert status.startswith(b"ICAP/1.0 204 ")
    process.terminate()
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0
    told = [json.loads(line) for line in err.splitlines()]
    (told,) = [fields["message"] for fields in told if fields["log.level"] == "warning"]
    assert told == "request lines are lost from now on: [Errno 28] No space left on device"


LONG = b"GET http://x/%s HTTP/1.1" % (b"a" * 50_000)


def fill(sock):
    """Ask about more than is kept for whoever reads standard output; return the number."""
    number = 2 * MOST // len(LONG)
    for _ in range(number):
        status, _ = ask(sock, LONG + b"\r\nHost: x\r\n\r\n")
        assert status.startswith(b"ICAP/1.0 204 ")
    return number


def messages(err):
    return [json.loads(line)["message"] for line in err.splitlines()]


def test_who_reads_slowly_holds_up_nobody_and_lines_left_out_are_counted(served):
    process, sock = served
    number = fill(sock)
    sock.close()
    process.terminate()
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    lines = out.splitlines()
    assert set(lines) == {LONG.decode()}
    assert "request lines are left out: standard output is read too slowly" in messages(err)
    # Where the pipe takes some in between, they are told in several parts.
    told = re.findall(
        r"^(\d+) request lines were left out$", "\n".join(messages(err)), re.MULTILINE
    )
    assert sum(map(int, told)) == number - len(lines)


def test_who_does_not_read_at_all_does_not_hold_up_the_end(served):
    process, sock = served
    fill(sock)
    sock.close()
    process.terminate()
    assert process.wait(20) == 0
    told = messages(process.stderr.read())
    assert "request lines that waited are lost: standard output is not read" in told


def test_after_a_while_lines_are_printed_again(served):
    process, sock = served
    again = LONG.replace(b"x", b"y")
    fill(sock)
    while (line := process.stdout.readline().rstrip()) == LONG.decode():
        ask(sock, again + b"\r\nHost: x\r\n\r\n")
    assert line == again.decode()


def test_a_closed_output_is_told_and_clients_are_served(start):
    process = start("echo", "avi", "--port", "0", closed=">&-")
    assert messages(process.stderr.readline()) == [
        "request lines are lost: standard output is closed"
    ]
    with socket.create_connection(("127.0.0.1", port(process)), 10) as sock:
        status, _ = ask(sock, b"GET http://example.com/ HTTP/1.1\r\n\r\n")
    assert status.startswith(b"ICAP/1.0 204 ")


def test_a_host_that_cannot_be_a_name_is_told(invoke):
    result = invoke("echo", "avi", "--host", "ex..ample")
    assert (result.exit_code, result.stdout) == (3, "")
    assert json.loads(result.stderr)["message"].startswith("cannot listen on ex..ample:1344 (ICAP)")


def test_the_address_is_told_as_a_uri(start):
    process = start("echo", "a b", "--port", "0", "--host", "[::1]")
    where = urlsplit(started(process))
    assert (where.scheme, where.hostname, where.path) == ("icap", "::1", "/a%20b")


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["avi", "--port", "65536"],
        ["avi", "--port", "x"],
        ["avi", "--host", ""],
        ["avi", "--host", "a b"],
        ["avi\udcff"],
    ],
)
def test_a_wrong_command_line_is_told(invoke, args):
    assert invoke("echo", *args).exit_code == 2


def test_every_line_on_standard_error_is_an_object_without_what_headers_say(served):
    process, sock = served
    ask(sock, b"GET http://x/ HTTP/1.1\r\nHost: x\r\nCookie: secret\r\n\r\n")
    sock.sendall(b"REQMOD icap://here/avi\x1b\xff ICAP/1.0\r\nAuthorization: secret\r\n\r\n")
    sock.makefile("rb").read(1)
    process.terminate()
    _, err = process.communicate(timeout=20)
    told = [json.loads(line) for line in err.splitlines()]
    assert any("400" in fields["message"] for fields in told)
    assert all(fields["@timestamp"] and fields["log.level"] for fields in told)
    assert "secret" not in err


def test_standard_error_may_be_full(start):
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = free.getsockname()[1]
    process = start("echo", "avi", "--port", str(number), closed="2>/dev/full")
    while True:  # nothing tells when it listens
        try:
            sock = socket.create_connection(("127.0.0.1", number), 10)
        except ConnectionRefusedError:
            assert process.poll() is None
            continue
        break
    with sock:
        assert ask(sock, b"GET http://x/ HTTP/1.1\r\n\r\n")[0].startswith(b"ICAP/1.0 204 ")
    process.terminate()
    assert process.wait(20) == 0
