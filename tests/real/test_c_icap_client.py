"""c-icap-client, the client of another ICAP server, is served in all its modes."""

import re
import subprocess

import pytest
from programs import program

from .origin import content

URL = "http://origin.test/some/file"
KINDS = pytest.mark.parametrize("kind", ["reqmod", "respmod"])
SIZES = pytest.mark.parametrize("size", [0, 1, 1023, 1024, 1025, 200_000])
# Without -no204 it allows 204 outside of a preview, too; with -206 it allows 206. It cannot read a
# body that is the answer to a preview: whoever answers at once does so to -nopreview here.


@pytest.fixture
def client(server):
    """How to run c-icap-client; what it prints is returned."""

    def run(service, *options):
        command = [program("c-icap-client", "c-icap"), "-i", "127.0.0.1", "-p", str(server.port)]
        command += ["-s", service, "-v", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout + done.stderr

    return run


@pytest.fixture
def adapted(server, client, tmp_path):
    """How to have a body adapted; the status, the HTTP head and the body are returned."""

    def adapt(kind, body, options="", service=None, query=""):
        before, after = tmp_path / "before", tmp_path / "after"
        before.write_bytes(body)
        how = ["-req", f"{URL}?{query}", "-method", "POST"]
        if kind == "respmod":
            how = ["-resp", f"{URL}?{query}"]
        service = service or getattr(server, kind)
        told = client(service, "-f", before, "-o", after, *how, *options.split())
        status = int(re.search(r"ICAP/1\.0 (\d+)", told)[1])
        return (
            status,
            told.partition("MOD HEADERS")[2],
            after.read_bytes() if after.exists() else None,
        )

    return adapt


def test_options_tell_what_is_served(client):
    told = client("echo")
    assert "Allow 204: Yes" in told
    assert re.search(r"Methods: (REQMOD, RESPMOD|RESPMOD, REQMOD)", told)


@KINDS
@SIZES
@pytest.mark.parametrize(
    ("options", "status"),
    [
        ("", 204),
        ("-no204", 204),
        ("-nopreview", 204),
        ("-nopreview -no204", 200),
        ("-206", 204),
        ("-w 10", 204),
    ],
)
@pytest.mark.parametrize("service", ["echo", None])
def test_what_is_untouched_comes_back_where_204_is_not_allowed(
    ours, adapted, kind, size, options, status, service
):
    body = content(size)
    answer = adapted(kind, body, options, service=service)
    assert (answer[0], answer[2]) == (status, body if status == 200 else None)


@KINDS
@pytest.mark.parametrize("service", ["echo", None])
def test_a_large_file_comes_back_as_it_was(adapted, kind, service):
    body = content(50_000_000)
    status, _, back = adapted(kind, body, "-nopreview -no204", service=service)
    assert (status, back == body) == (200, True)


@KINDS
@SIZES
@pytest.mark.parametrize(
    ("options", "status"),
    [
        ("", 200),
        ("-nopreview", 200),
        ("-nopreview -no204", 200),
        ("-nopreview -206", 206),
    ],
)
def test_new_headers_go_without_the_body_where_206_is_allowed(
    ours, adapted, kind, size, options, status
):
    answer = adapted(kind, content(size), options, query=f"{kind}=headers")
    assert "X-Adapted: yes" in answer[1]
    assert (answer[0], answer[2]) == (status, content(size))


@KINDS
@SIZES
@pytest.mark.parametrize("preview", ["-nopreview", "-w 10", ""])
def test_a_new_body_comes_as_it_is_made(ours, adapted, kind, size, preview):
    status, _, back = adapted(kind, content(size), preview, query=f"{kind}=stream")
    assert (status, back) == (200, content(size).swapcase())


@KINDS
@pytest.mark.parametrize("preview", ["-nopreview", "-w 10"])
@pytest.mark.parametrize("scan", ["scan", "scan_in_thread"])
def test_what_is_scanned_comes_back_as_it_was(ours, adapted, kind, preview, scan):
    body = content(1_000_000)
    status, _, back = adapted(kind, body, f"-no204 {preview}", query=f"{kind}={scan}")
    assert (status, back) == (200, body)


@KINDS
@pytest.mark.parametrize(("verdict", "reason"), [("refuse", b"want"), ("find", b"in 200000 bytes")])
def test_a_block_page_comes_instead(ours, adapted, kind, verdict, reason):
    status, head, back = adapted(kind, content(200_000), "-nopreview", query=f"{kind}={verdict}")
    assert (status, "403 Forbidden" in head, reason in back) == (200, True, True)
