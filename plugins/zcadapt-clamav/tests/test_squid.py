"""Behind a real Squid: uploads and downloads, clean and infected, in every coding."""

import contextlib
import gzip
import hashlib
import http.client
import json
import random
import re
import tempfile
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import brotli
import pytest
from backports import zstd
from installation import Installation, environment, wheel
from programs import as_nobody, free_port, listens, program, ready, running

PLUGIN = Path(__file__).parent.parent
NOISE = random.Random(3507).randbytes(12_000_000)
CODINGS = {
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda body: brotli.compress(body, quality=1),
    "zstd": zstd.compress,
}
SIZES = [200, 300_000, 5_000_000]

SQUID = """\
http_port 127.0.0.1:{port}
http_access allow all
visible_hostname squid.test
cache deny all
pinger_enable off
netdb_filename none
pid_filename {folder}/squid.pid
coredump_dir {folder}
cache_log {folder}/cache.log
access_log none
logformat icap %icap::rm %icap::Hs %icap::to %{{X-Clamav-Outcome}}icap::<h %icap::tr %ru
icap_log stdio:{folder}/icap.log icap
shutdown_lifetime 0 seconds
read_ahead_gap 64 MB
client_request_buffer_max_size 64 MB
icap_enable on
icap_preview_enable on
icap_206_enable on
icap_persistent_connections on
icap_service_failure_limit -1
icap_service reqmod reqmod_precache bypass=off icap://127.0.0.1:{icap}/reqmod
icap_service respmod respmod_precache bypass=off icap://127.0.0.1:{icap}/respmod
adaptation_access reqmod allow all
adaptation_access respmod allow all
force_request_body_continuation allow all
"""


class Origin(BaseHTTPRequestHandler):
    """Serves what the test has put into `files`; says the digest of what it is sent."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        coding, body = self.server.files[self.path]
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        if coding != "identity":
            self.send_header("Content-Encoding", coding)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(hashlib.sha256(body).digest())
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Be silent."""


@pytest.fixture(scope="module")
def origin():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    server.files, server.got = {}, []
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def large_clamd(new_clamd):
    """A clamd that takes what is served here."""
    with new_clamd("StreamMaxLength 20M\n") as clamd:
        yield clamd


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A new environment with zcadapt and the plugin."""
    folder = tmp_path_factory.mktemp("wheels")
    wheels = [wheel(project, folder) for project in (PLUGIN.parent.parent, PLUGIN)]
    return Installation(tmp_path_factory.mktemp("installed"), wheels)


@pytest.fixture(scope="module")
def server(large_clamd, installed, tmp_path_factory):
    """A zcadapt with this plugin: the file of its output, and its port."""
    folder = tmp_path_factory.mktemp("zcadapt")
    (folder / "zcadapt.toml").write_text(
        '[icap]\nlisten = ["127.0.0.1:0"]\n[icp]\nlisten = []\n'
        f'[services.clamav]\nclamd = ["{large_clamd.socket}"]\nversion_interval = 0.5\n'
        f'store = "{folder}/store/verdicts"\n'
    )
    output = folder / "output"
    command = installed.command("zcadapt", "serve", "--config", folder / "zcadapt.toml")
    unbuffered = {**environment(), "PYTHONUNBUFFERED": "1"}

    def port():
        found = re.search(r"(?m)^icap\b.*?127\.0\.0\.1:(\d+)", output.read_text())
        return int(found[1]) if found and "ready" in output.read_text() else None

    with running(command, output, env=unbuffered, cwd=folder) as process:
        yield output, ready(process, port, output)


@pytest.fixture(scope="module")
def proxy(server):
    """The port of a Squid in front of it."""
    path = program("squid", "squid-openssl")
    _, icap = server
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="zcadapt-") as place:
        folder = Path(place)
        (folder / "squid.conf").write_text(SQUID.format(port=port, folder=folder, icap=icap))
        command = [path, "-N", "-n", f"zc{port}", "-f", folder / "squid.conf"]
        output = folder / "output"
        with running(command, output, cwd=folder, **as_nobody(folder)) as process:
            ready(process, lambda: listens(port), output)
            yield port


@pytest.fixture
def is_found(server, origin, eicar, until_true):
    """How to see that a virus was found under a path, as the log says."""
    output, _ = server

    def is_found(path):
        url = f"http://127.0.0.1:{origin.server_address[1]}{path}"
        line = f"GET '{url}', service 'clamav', reason 'A virus was found: Eicar-Test-Signature."
        return until_true(lambda: line in output.read_text(), output.read_text)

    is_found.eicar = eicar
    return is_found


def fetch(proxy, origin, path, body=None, **headers):
    """Return (status, body) of what came through the proxy; None: it was broken off."""
    url = f"http://127.0.0.1:{origin.server_address[1]}{path}"
    connection = http.client.HTTPConnection("127.0.0.1", proxy, timeout=60)
    method = "GET" if body is None else "POST"
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    with contextlib.closing(connection):
        connection.request(method, url, body, names)
        try:
            response = connection.getresponse()
            return response.status, response.read()
        except (http.client.HTTPException, ConnectionError):
            return None


def served(origin, name, coding, body):
    path = f"/{name}-{coding}-{len(body)}"
    origin.files[path] = coding, CODINGS[coding](body)
    return path


EACH = [
    pytest.mark.parametrize("coding", list(CODINGS)),
    pytest.mark.parametrize("size", SIZES),
]


def test_it_is_listed_where_it_is_installed(installed):
    rows = json.loads(installed.run("zcadapt", "plugins", "--json"))["icap"]
    assert ("clamav", ["REQMOD", "RESPMOD"]) in [(row["name"], row["methods"]) for row in rows]


@EACH[0]
@EACH[1]
def test_a_clean_download_arrives_as_it_is(proxy, origin, coding, size):
    path = served(origin, "clean", coding, NOISE[:size])
    assert fetch(proxy, origin, path) == (200, origin.files[path][1])


@EACH[0]
@EACH[1]
def test_an_infected_download_never_arrives(proxy, origin, is_found, coding, size):
    path = served(origin, "infected", coding, NOISE[:size] + is_found.eicar)
    found = fetch(proxy, origin, path)
    assert is_found(path)  # it is for that alone that a download may be broken off
    if size < 60_000:  # decided before anything goes out
        assert found is not None
    if found is not None:
        status, body = found
        assert status == 403
        assert b"Eicar-Test-Signature.UNOFFICIAL" in body


@EACH[0]
@EACH[1]
def test_a_clean_upload_arrives(proxy, origin, coding, size):
    body = CODINGS[coding](NOISE[:size])
    origin.got.clear()
    assert fetch(proxy, origin, "/", body, Content_Encoding=coding) == (200, b"")
    assert origin.got == [hashlib.sha256(body).digest()]


@EACH[0]
@EACH[1]
def test_an_infected_upload_never_arrives(proxy, origin, eicar, coding, size):
    body = CODINGS[coding](NOISE[:size] + eicar)
    origin.got.clear()
    status, page = fetch(proxy, origin, "/", body, Content_Encoding=coding)
    assert status == 403
    assert b"Eicar-Test-Signature.UNOFFICIAL" in page
    assert not origin.got


@pytest.mark.parametrize("size", SIZES)
def test_a_form_is_taken_apart(proxy, origin, evil, size):
    kind = "multipart/form-data; boundary=XX"
    head = b'--XX\r\nContent-Disposition: form-data; name="f"; filename="%b"\r\n\r\n'
    clean = head % b"noise.bin" + NOISE[:size] + b"\r\n"
    infected = head % b"holidays.exe" + evil + b"\r\n"
    origin.got.clear()
    assert fetch(proxy, origin, "/", clean + b"--XX--\r\n", Content_Type=kind) == (200, b"")
    status, page = fetch(proxy, origin, "/", clean + infected + b"--XX--\r\n", Content_Type=kind)
    assert status == 403
    assert b"Test.Evil.One" in page
    assert b"holidays.exe" in page
    assert len(origin.got) == 1


def test_many_at_once_while_clamd_reloads(proxy, origin, is_found, large_clamd):
    bodies = [b"%d" % n + NOISE[:100_000] for n in range(40)]
    for number in range(0, 40, 4):
        bodies[number] += is_found.eicar
    paths = [served(origin, f"many-{n}", "gzip", body) for n, body in enumerate(bodies)]
    with ThreadPoolExecutor(10) as pool:
        fetching = [pool.submit(fetch, proxy, origin, path) for path in paths]
        for _ in range(3):
            large_clamd.reload()
        for number, (path, each) in enumerate(zip(paths, fetching, strict=True)):
            if number % 4:
                assert each.result() == (200, origin.files[path][1])
            else:
                assert each.result() is None or each.result()[0] == 403
                assert is_found(path)


def test_the_log_names_what_was_found(server, proxy, origin, is_found):
    path = served(origin, "told", "identity", is_found.eicar)
    fetch(proxy, origin, path)
    assert is_found(path)
    output, _ = server
    assert "WARNING zcadapt_clamav: infected: <RESPMOD 'http://127.0.0.1" in output.read_text()
    assert "Traceback" not in output.read_text()
