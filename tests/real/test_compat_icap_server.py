"""A program written for icap_server serves c-icap-client, and a Squid."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from programs import free_port, listens, program, ready, running

from .browser import Browser
from .icap_servers import Server
from .origin import content, digest
from .squid import Settings

PROGRAM = Path(__file__).parent / "icap_server_program.py"
SIZES = [0, 1, 4096, 4097, 300_000]


@pytest.fixture(scope="module")
def server(folder):
    """The program; in REQMOD and RESPMOD it is asked as ``change``."""
    port, output = free_port(), folder / "icap_server.output"
    with running([sys.executable, PROGRAM, str(port)], output) as process:
        ready(process, lambda: listens(port), output)
        yield Server(process.pid, port, None, "change", "change", output)


@pytest.fixture(scope="module")
def squids(server, new_squid):
    """Two Squids: one asks ``change``, with all that it can; the other asks who changes nothing."""
    plain = Settings(preview=False, partial=False, persistent=False)
    lines = plain.lines(server._replace(reqmod="echo", respmod="leave"))
    with (
        new_squid("icap_server-change", Settings().lines(server)) as changing,
        new_squid("icap_server-leave", lines) as leaving,
    ):
        yield changing, leaving


@pytest.fixture
def changed(squids):
    """A browser behind the Squid that asks ``change``."""
    with squids[0].content():
        yield Browser(squids[0])


@pytest.fixture
def left(squids):
    """A browser behind the one that asks ``echo`` and ``leave``."""
    with squids[1].content():
        yield Browser(squids[1])


def as_client(server, service, *options):
    """Return (status, what is told) of a c-icap-client."""
    command = [program("c-icap-client", "c-icap"), "-i", "127.0.0.1", "-p", str(server.port)]
    command += ["-s", service, "-v", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    told = done.stdout + done.stderr
    return told, re.search(r"ICAP/1\.0 (\d+)", told)


def test_c_icap_client_is_told_what_is_served(server):
    told, _ = as_client(server, "echo")
    assert "Allow 204: Yes" in told
    assert re.search(r"Methods: (REQMOD, RESPMOD|RESPMOD, REQMOD)", told)


# It cannot read a body that is the answer to a preview, unless it is asked for the rest first.


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["reqmod", "respmod"])
@pytest.mark.parametrize("preview", ["-nopreview", "-w 10"])
def test_c_icap_client_gets_what_is_changed_whole(server, tmp_path, size, kind, preview):
    before, after = tmp_path / "before", tmp_path / "after"
    before.write_bytes(content(size))
    how = ["-req", "http://x/", "-method", "POST"] if kind == "reqmod" else ["-resp", "http://x/"]
    options = ["-f", before, "-o", after, *how, *preview.split()]
    told, status = as_client(server, "change", *options)
    assert status[1] == "200"
    assert "X-Adapted: yes" in told
    assert (after.read_bytes() if after.exists() else b"") == content(size).swapcase()


@pytest.mark.parametrize("options", ["", "-nopreview", "-206"])
def test_c_icap_client_is_told_that_nothing_is_changed(server, tmp_path, options):
    before = tmp_path / "before"
    before.write_bytes(content(10_000))
    how = ["-f", before, "-req", "http://x/", "-method", "POST", *options.split()]
    assert as_client(server, "echo", *how)[1][1] == "204"


@pytest.mark.parametrize("size", SIZES)
def test_the_origin_gets_what_is_changed(changed, origin, size):
    answer = changed.fetch(origin.url("/digest"), "POST", content(size))
    assert origin.seen[0].headers["X-Adapted"] == "yes"
    assert json.loads(answer.body.swapcase()) == digest(content(size).swapcase())


@pytest.mark.parametrize("path", ["/bytes/60000", "/chunked/60000", "/bytes/0", "/status/204"])
def test_the_browser_gets_what_is_changed(changed, origin, path):
    answer = changed.fetch(origin.url(path))
    assert answer.headers["X-Adapted"] == "yes"
    size = int(path.rpartition("/")[2]) if "status" not in path else 0
    assert answer.body == content(size).swapcase()


def test_a_handler_may_answer_in_the_place_of_the_origin(changed, origin):
    answer = changed.fetch(origin.url("/digest?refuse"))
    assert (answer.status, origin.seen) == (403, [])
    assert answer.body == b"we do not want this"


@pytest.mark.parametrize("size", SIZES)
def test_request_lines_are_printed_and_nothing_is_changed(left, origin, server, size):
    url = origin.url(f"/digest?{size}")
    assert left.fetch(url, "POST", content(size)).json() == digest(content(size))
    assert f"POST {url} HTTP/1.1\n" in server.output.read_text()


@pytest.mark.parametrize("path", ["/bytes/60000", "/chunked/3000000", "/status/204"])
def test_the_browser_gets_what_is_not_changed(left, origin, path):
    size = int(path.rpartition("/")[2]) if "status" not in path else 0
    assert left.fetch(origin.url(path)).body == content(size)
