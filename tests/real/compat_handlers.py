"""What a program for pyicap or icapserver does for Squid and c-icap-client, on its own or mounted.

Its services are echo, copy, whole and scan: see pyicap_program.py.
"""

import concurrent.futures
import contextlib
import json
import os
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

HERE = Path(__file__).parent
SERVICES = "echo", "copy", "whole", "scan"
#: Nothing, as much as the preview, and more than a socket holds.
SIZES = [0, 1024, 300_000]
LARGE = 10_000_000

MOUNTS = """\
from zope.component import provideUtility
from zcadapt.interfaces import IICAPService
from {module} import ICAPHandler
from zcadapt.compat.{package} import service_of
for name in {services}:
    provideUtility(service_of(ICAPHandler, name), IICAPService, name)
"""


@contextlib.contextmanager
def alone(folder, package):
    """Run the program; it says where it listens by doing so."""
    port, output = free_port(), folder / f"{package}.output"
    command = [sys.executable, HERE / f"{package}_program.py", str(port)]
    with running(command, output) as process:
        ready(process, lambda: listens(port), output)
        yield Server(process.pid, port, None, "copy", "copy", output)


@contextlib.contextmanager
def mounted(folder, package):
    """Run zcadapt with the services of the program."""
    text = MOUNTS.format(module=f"{package}_program", package=package, services=SERVICES)
    (folder / f"mounts_{package}.py").write_text(text)
    port, output = free_port(), folder / f"mounted-{package}.output"
    command = [sys.executable, "-m", "zcadapt", "serve", "--load", f"mounts_{package}"]
    command += ["--icap", f"127.0.0.1:{port}", "--icp", "127.0.0.1:0"]
    path = os.pathsep.join([str(HERE), str(folder), os.environ.get("PYTHONPATH", "")])
    with running(command, output, env={**os.environ, "PYTHONPATH": path}, cwd=folder) as process:
        ready(process, lambda: listens(port), output)
        yield Server(process.pid, port, None, "copy", "copy", output)


class CompatHandlers:
    """The tests of both packages; `package` is the name of one."""

    package: str

    @pytest.fixture(scope="class", params=[alone, mounted], ids=["alone", "mounted"])
    @classmethod
    def server(cls, request, folder):
        with request.param(folder, cls.package) as server:
            yield server

    @pytest.fixture(scope="class")
    @classmethod
    def squid_asking(cls, server, new_squid):
        """How to get the Squid that asks a service, one for all tests."""
        squids, stacks = {}, []

        def squid_asking(service, **settings):
            key = (service, *(f"{name}={value}" for name, value in settings.items()))
            if key not in squids:
                lines = Settings(**settings).lines(server._replace(reqmod=service, respmod=service))
                name = f"{server.output.stem}-{'-'.join(key)}"
                stacks.append(contextlib.ExitStack())
                squids[key] = stacks[-1].enter_context(new_squid(name, lines))
            return squids[key]

        yield squid_asking
        with concurrent.futures.ThreadPoolExecutor() as pool:  # each takes its time to end
            list(pool.map(contextlib.ExitStack.close, stacks))

    @pytest.fixture
    def browser(self, squid_asking):
        """How to browse behind that Squid, which must be content."""
        with contextlib.ExitStack() as stack:

            def browser(service, **settings):
                squid = squid_asking(service, **settings)
                stack.enter_context(squid.content())
                return Browser(squid)

            yield browser

    # Squid

    @pytest.mark.parametrize(
        ("service", "size"),
        [("echo", 0), ("echo", LARGE), *(("copy", size) for size in [*SIZES, LARGE])],
    )
    def test_the_origin_gets_what_goes_on(self, browser, origin, service, size):
        answer = browser(service).fetch(origin.url("/digest"), "POST", content(size))
        is_changed = service == "copy"
        assert origin.seen[0].headers["X-Adapted"] == ("yes" if is_changed else None)
        body = content(size).swapcase() if is_changed else content(size)
        assert json.loads(answer.body.swapcase() if is_changed else answer.body) == digest(body)

    @pytest.mark.parametrize(
        ("service", "path"),
        [
            ("echo", "status/204"),
            ("copy", "bytes/0"),
            ("copy", "bytes/60000"),
            ("copy", "chunked/60000"),
            ("copy", "status/204"),
        ],
    )
    def test_the_browser_gets_what_comes_back(self, browser, origin, service, path):
        size = int(path.partition("/")[2]) if "status" not in path else 0
        answer = browser(service).fetch(origin.url(f"/{path}"))
        assert answer.headers["X-Adapted"] == ("yes" if service == "copy" else None)
        assert answer.body == (content(size).swapcase() if service == "copy" else content(size))

    @pytest.mark.parametrize("kind", ["bytes", "chunked"])
    def test_a_long_response_passes_where_it_is_left_alone(self, browser, origin, kind):
        assert browser("echo").fetch(origin.url(f"/{kind}/{LARGE}")).body == content(LARGE)

    def test_a_page_can_stand_in_the_place_of_the_origin(self, browser, origin):
        answer = browser("copy").fetch(origin.url("/digest?refuse"))
        assert (answer.status, answer.headers["Content-Type"]) == (403, "text/html")
        assert answer.body.lower() == b"<p>we do not want this</p>"
        assert origin.seen == []

    def test_a_request_can_be_sent_elsewhere(self, browser, origin):
        answer = browser("copy").fetch(origin.url("/digest?elsewhere"))
        assert (answer.status, answer.headers["Location"]) == (307, "http://elsewhere.test/")

    def test_a_url_can_be_another(self, browser, origin):
        assert browser("copy").fetch(origin.url("/wrong"), "POST", b"a").status == 200
        assert [seen.path for seen in origin.seen] == ["/digest"]

    def test_a_body_can_be_longer(self, browser, origin):
        size = 60_000
        answer = browser("whole").fetch(origin.url("/digest"), "POST", content(size))
        assert origin.seen[0].headers["Content-Length"] == str(size + len("&and=more"))
        told = answer.body.removesuffix(b"&and=more")
        assert json.loads(told) == digest(content(size) + b"&and=more")

    @pytest.mark.parametrize("size", SIZES)
    @pytest.mark.parametrize("preview", [True, False])
    def test_what_has_been_scanned_goes_on(self, browser, origin, size, preview):
        answer = browser("scan", preview=preview).fetch(
            origin.url("/digest"), "POST", content(size)
        )
        assert answer.json() == digest(content(size))

    def test_what_has_been_found_does_not_go_on(self, browser, origin):
        body = content(50_000) + b"eicar"
        answer = browser("scan").fetch(origin.url("/digest"), "POST", body)
        assert (answer.status, answer.body) == (403, b"<p>not for you</p>")
        assert origin.seen == []

    # Squid 5.7 stalls: it is answered early then.

    @pytest.mark.parametrize("size", [100_000, LARGE])
    @pytest.mark.parametrize("kind", ["bytes", "chunked"])
    def test_a_response_that_has_been_scanned_comes_back(self, browser, origin, kind, size):
        assert browser("scan").fetch(origin.url(f"/{kind}/{size}")).body == content(size)

    def test_a_short_response_in_which_something_is_found_does_not(self, browser, origin):
        answer = browser("scan").fetch(origin.url("/echo"), "POST", b"no" * 500 + b"EICAR".lower())
        assert answer.status == 403

    def test_many_are_served_at_once(self, browser, origin):
        browser = browser("copy")

        def ask(size):
            answer = browser.fetch(origin.url("/digest"), "POST", content(size))
            return json.loads(answer.body.swapcase()) == digest(content(size).swapcase())

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            assert all(pool.map(ask, [size * 7 for size in range(64)]))

    # c-icap-client

    def ask(self, server, service, *options):
        command = [program("c-icap-client", "c-icap"), "-i", "127.0.0.1", "-p", str(server.port)]
        command += ["-s", service, "-v", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        told = done.stdout + done.stderr
        status = re.search(r"ICAP/1\.0 (\d+)", told)
        return told, status and status[1]

    def test_c_icap_client_is_told_what_is_served(self, server):
        told, _ = self.ask(server, "copy")
        assert "Allow 204: Yes" in told
        assert "Preview: 1024" in told
        assert re.search(r"Methods: (REQMOD, RESPMOD|RESPMOD, REQMOD)", told)

    @pytest.mark.parametrize("size", SIZES)
    @pytest.mark.parametrize("kind", ["reqmod", "respmod"])
    @pytest.mark.parametrize("preview", ["-nopreview", "-w 1024"])
    def test_c_icap_client_gets_what_is_changed(self, server, tmp_path, size, kind, preview):
        before, after = tmp_path / "before", tmp_path / "after"
        before.write_bytes(content(size))
        how = (
            ["-req", "http://x/", "-method", "POST"] if kind == "reqmod" else ["-resp", "http://x/"]
        )
        told, status = self.ask(server, "copy", "-f", before, "-o", after, *how, *preview.split())
        assert status == "200"
        assert "X-Adapted: yes" in told
        assert (after.read_bytes() if after.exists() else b"") == content(size).swapcase()

    @pytest.mark.parametrize("options", ["", "-nopreview"])
    @pytest.mark.parametrize("service", ["echo", "scan"])
    def test_c_icap_client_is_told_that_nothing_changes(self, server, tmp_path, service, options):
        before = tmp_path / "before"
        before.write_bytes(content(10_000))
        how = ["-f", before, "-req", "http://x/", "-method", "POST", *options.split()]
        assert self.ask(server, service, *how)[1] == "204"
