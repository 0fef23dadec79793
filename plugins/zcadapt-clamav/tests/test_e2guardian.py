"""A real e2guardian, with the lines of the how-to page about it, has us scan downloads."""

import contextlib
import getpass
import grp
import gzip
import os
import re
import shutil
import tempfile
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from programs import as_nobody, free_port, listens, program, ready, running, until

PAGE = "e2guardian"
CONF = Path("/etc/e2guardian")
#: What gives it a place of its own; such lines of its own configuration are left out.
OURS = """\
filterip = 127.0.0.1
filterports = {port}
icapport = {icap}
httpworkers = 20
daemonuser = '{user}'
daemongroup = '{group}'
loglocation = '{folder}/access.log'
pidfilename = '{folder}/pid'
filecachedir = '{folder}'
"""
LEFT_OUT = ("transparenthttpsport", "checkip")
SQUID = """\
http_port 127.0.0.1:{port}
http_access allow all
cache deny all
visible_hostname squid.test
pinger_enable off
netdb_filename none
pid_filename {folder}/squid.pid
coredump_dir {folder}
cache_log {folder}/cache.log
access_log none
shutdown_lifetime 0 seconds
"""
NOISE = b"noise " * 20_000


class Origin(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        coding, body = self.server.files[self.path]
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        if coding:
            self.send_header("Content-Encoding", coding)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Be silent."""


@pytest.fixture(scope="module")
def origin(eicar):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    server.files = {
        "/clean": (None, b"hello"),
        "/large-clean": (None, NOISE),
        "/infected": (None, eicar),
        "/large-infected": (None, NOISE + eicar),
        "/huge-infected": (None, eicar.rjust(21_000_000)),
        "/packed-infected": ("gzip", gzip.compress(eicar)),
    }
    server.got = []
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


class E2Guardian:
    """A running one: its ports, and its log."""

    def __init__(self, folder):
        self.folder = folder
        self.port, self.icap = free_port(), free_port()

    def log(self):
        return (self.folder / "access.log").read_text()


@pytest.fixture(scope="module")
def new_e2guardian(shown):
    """How to run one with the page's lines, the server being at a port."""

    @contextlib.contextmanager
    def run(icap):
        path = program("e2guardian", "e2guardian")
        with tempfile.TemporaryDirectory(prefix="zcadapt-") as place:
            folder = Path(place)
            proxy = E2Guardian(folder)
            configured(proxy, shown, icap)
            command = [path, "-N", "-c", folder / "etc" / "e2guardian.conf"]
            output = folder / "output"
            with running(command, output, cwd=folder, **as_nobody(folder)) as process:
                ready(process, lambda: listens(proxy.port), output)
                try:
                    yield proxy
                finally:
                    process.kill()  # told to end, it waits for connections that nobody uses

    return run


def configured(proxy, shown, icap):
    """Write its configuration: that of the package, with the page's lines and OURS."""
    etc = proxy.folder / "etc"
    shutil.copytree(CONF, etc)
    for path in etc.rglob("*"):
        if path.is_file() and b"/etc/e2guardian" in (data := path.read_bytes()):
            path.write_bytes(data.replace(b"/etc/e2guardian", bytes(etc)))
    user = "nobody" if os.getuid() == 0 else getpass.getuser()
    group = grp.getgrgid(os.getgid()).gr_name if os.getuid() else "nogroup"
    ours = OURS.format(
        port=proxy.port, icap=proxy.icap, user=user, group=group, folder=proxy.folder
    )
    (scanner,) = shown(PAGE, "contentscanner = ")
    conf = etc / "e2guardian.conf"
    assert f"#{scanner}" in (CONF / "e2guardian.conf").read_text()
    names = [*LEFT_OUT, *re.findall(r"(?m)^\w+", ours)]
    lines = re.sub(rf"(?m)^({'|'.join(names)}) *=.*$", "", conf.read_text())
    conf.write_text(f"{lines}\n{ours}{scanner.replace('/etc/e2guardian', str(etc))}\n")
    (url,) = shown(PAGE, "icapurl = ")
    assert "127.0.0.1:1344" in url
    icapscan = etc / "contentscanners" / "icapscan.conf"
    old = icapscan.read_text()
    new = url.replace("127.0.0.1:1344", f"127.0.0.1:{icap}")
    icapscan.write_text(re.sub(r"(?m)^icapurl = .*$", new, old))


@pytest.fixture(scope="module")
def server(serving):
    with serving(PAGE) as server:
        yield server


@pytest.fixture(scope="module")
def e2guardian(server, new_e2guardian):
    with new_e2guardian(server[0]) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def squid(e2guardian, shown):
    """The port of a Squid with the page's lines, in front of it."""
    path, port = program("squid", "squid-openssl"), free_port()
    (lines,) = shown(PAGE, "icap_enable on")
    lines = lines.replace("127.0.0.1:11344", f"127.0.0.1:{e2guardian.icap}")
    with tempfile.TemporaryDirectory(prefix="zcadapt-") as place:
        folder = Path(place)
        base = SQUID.format(port=port, folder=folder)
        (folder / "squid.conf").write_text(f"{base}{lines}\n")
        command = [path, "-N", "-n", f"zc{port}", "-f", folder / "squid.conf"]
        output = folder / "output"
        with running(command, output, cwd=folder, **as_nobody(folder)) as process:
            ready(process, lambda: listens(port), output)
            yield port


def fetch(port, origin, path, body=None):
    """Return what comes through the proxy at a port."""
    proxies = {"http": f"http://127.0.0.1:{port}"}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies))
    url = f"http://127.0.0.1:{origin.server_address[1]}{path}"
    with opener.open(url, body, timeout=20) as answer:
        return answer.read()


def logged(proxy, path):
    """Wait for what its log says of a path."""
    lines = until(
        lambda: [each for each in proxy.log().splitlines() if f"{path}\t" in each], proxy.log
    )
    return lines[-1]


@pytest.mark.parametrize("path", ["/clean", "/large-clean"])
def test_a_clean_download_arrives_and_is_logged_as_scanned(e2guardian, origin, path):
    assert fetch(e2guardian.port, origin, path) == origin.files[path][1]
    assert "*SCANNED*" in logged(e2guardian, path)


@pytest.mark.parametrize("path", ["/infected", "/large-infected", "/packed-infected"])
def test_an_infected_download_never_arrives(server, e2guardian, origin, known, path):
    ((eicar, name), *_) = known.items()
    page = fetch(e2guardian.port, origin, path)
    assert b"<!DOCTYPE html" in page
    assert eicar not in page
    line = logged(e2guardian, path)
    assert "*INFECTED* * *DENIED* Virus or bad content detected. Unknown" in line
    assert f"GET 'http://127.0.0.1{path}', service '10-clamav'" in server[1].read_text()
    assert f"reason 'A virus was found: {name}'" in server[1].read_text()


def test_what_is_larger_than_it_keeps_is_not_scanned(server, e2guardian, origin):
    assert fetch(e2guardian.port, origin, "/huge-infected") == origin.files["/huge-infected"][1]
    assert "*SCANNED*" not in logged(e2guardian, "/huge-infected")
    assert "/huge-infected" not in server[1].read_text()


def test_an_upload_is_not_scanned(e2guardian, origin, eicar):
    fetch(e2guardian.port, origin, "/", eicar)
    assert origin.got.pop() == eicar


def test_a_squid_can_ask_it(squid, origin, eicar):
    assert fetch(squid, origin, "/clean") == b"hello"
    page = fetch(squid, origin, "/infected")
    assert b"<!DOCTYPE html" in page
    assert eicar not in page


def test_without_the_server_it_blocks_and_does_not_start(serving, new_e2guardian, origin):
    with serving(PAGE) as (port, _):
        starting = new_e2guardian(port)
        proxy = starting.__enter__()
    try:
        page = fetch(proxy.port, origin, "/clean")
        assert b"Could not perform content scan" in page
        assert "Error connecting to ICAP server" in logged(proxy, "/clean")
    finally:
        starting.__exit__(None, None, None)
    with (
        pytest.raises(pytest.fail.Exception, match="did not respond to OPTIONS request"),
        new_e2guardian(port),
    ):
        pass
