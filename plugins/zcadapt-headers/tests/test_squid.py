"""At work behind a real Squid, over http and over https that Squid opens up."""

import importlib.util
import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

REAL = Path(__file__).parent.parent.parent.parent / "tests" / "real"
if not REAL.exists():
    pytest.skip("needs the source of zcadapt beside it", allow_module_level=True)


def real(name):
    """Return a module of the core's own tests with Squid, which are no package to import."""
    if "zcadapt_real" not in sys.modules:
        load("zcadapt_real", REAL / "__init__.py", [str(REAL)])
    full = f"zcadapt_real.{name}"
    return sys.modules.get(full) or load(full, REAL / f"{name}.py")


def load(name, path, places=None):
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=places)
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


origin_module, squid_module = real("origin"), real("squid")
Authority, Browser = real("authority").Authority, real("browser").Browser
HOST, content, digest = origin_module.HOST, origin_module.content, origin_module.digest

SETTINGS = f"""
[services.zz-headers]
[[services.zz-headers.rules]]
set = {{ X-Tenant = "ours" }}
remove = ["X-Debug"]
when = {{ hosts = ["{HOST}"], paths = ["/bytes", "/digest"], clients = ["127.0.0.0/8"] }}
replace = [{{ header = "User-Agent", pattern = "^(\\\\w+)/.*", by = "\\\\1" }}]

[[services.zz-headers.rules]]
to = "response"
remove = ["X-Unwanted"]
add = {{ X-Seen-By = "zcadapt" }}
when = {{ paths = ["/bytes", "/status"], status = ["2xx"], methods = ["GET"] }}
"""


CHAIN = """\
icap_service first reqmod_precache icap://127.0.0.1:{port}/echo bypass=off
adaptation_service_chain both first reqmod
adaptation_access both allow all
"""


def squid_lines(port, *, chained):
    """Return lines of squid.conf; `chained`: requests go to another service first."""
    server = SimpleNamespace(port=port, reqmod="zz-headers", respmod="respmod")
    lines = squid_module.Settings().lines(server) + "adaptation_send_client_ip on\n"
    if chained:
        lines = lines.replace("adaptation_access reqmod allow all\n", CHAIN.format(port=port))
    return lines


@pytest.fixture(scope="module", params=[False, True], ids=["alone", "chained"])
def scene(serving, tmp_path_factory, request):
    """Return an origin, and a browser behind a Squid that asks the plugin."""
    folder = tmp_path_factory.mktemp("squid")
    origins, authority = Authority(folder, "origins"), Authority(folder, "squid")
    certificate = origins.certificate(HOST)
    with (
        origin_module.Origin(certificate=certificate).running() as origin,
        serving(SETTINGS, folder / "log") as port,
        tempfile.TemporaryDirectory(prefix="zcadapt-") as place,  # where nobody may enter
    ):
        lines = squid_lines(port, chained=request.param)
        squid = squid_module.Squid(Path(place), authority, origins, lines)
        with squid.running():
            yield SimpleNamespace(origin=origin, squid=squid, browser=Browser(squid))


@pytest.fixture(params=["http", "https"])
def fetch(request, scene):
    """Return how to fetch a path; Squid must be content with what it was answered."""

    def fetch(path, *args, **headers):
        return scene.browser.fetch(scene.origin.url(path, request.param), *args, **headers)

    scene.origin.seen.clear()
    with scene.squid.content():
        yield fetch


def test_the_origin_gets_the_new_headers_and_the_body(fetch, scene):
    answer = fetch(
        "/digest", "POST", content(300_000), X_Debug="1", X_Tenant="mine", User_Agent="curl/7"
    )
    assert answer.json() == digest(content(300_000))
    headers = scene.origin.seen[0].headers
    assert headers.get_all("X-Tenant") == ["ours"]
    assert headers["X-Debug"] is None
    assert headers["User-Agent"] == "curl"


@pytest.mark.parametrize("size", [0, 1000, 300_000])
def test_the_browser_gets_the_new_headers_and_the_body(fetch, size):
    answer = fetch(f"/bytes/{size}")
    assert answer.body == content(size)
    assert answer.headers["X-Unwanted"] is None
    assert answer.headers["X-Seen-By"] == "zcadapt"


def test_what_no_rule_is_for_passes_as_it_is(fetch, scene):
    answer = fetch("/echo", "POST", b"hello", X_Debug="1", User_Agent="curl/7")
    assert (answer.body, answer.headers["X-Unwanted"]) == (b"hello", "yes")
    headers = scene.origin.seen[0].headers
    assert (headers["X-Debug"], headers["X-Tenant"], headers["User-Agent"]) == ("1", None, "curl/7")


@pytest.mark.parametrize(
    ("path", "args", "method"),
    [("/bytes/300000", (), "RESPMOD"), ("/digest", ("POST", content(300_000)), "REQMOD")],
)
def test_squid_is_answered_206_and_keeps_its_bodies(fetch, scene, path, args, method):
    url = f"{path}?{os.urandom(4).hex()}"
    answer = fetch(url, *args)
    assert (answer.json() == digest(content(300_000))) if args else answer.body == content(300_000)

    def statuses():
        logged = [line.split("|") for line in scene.squid.lines("icap") if url in line]
        # In the chain another service is asked about requests too, and changes nothing.
        return {status for _, asked, status, *_ in logged if asked == method} - {"204"}

    assert squid_module.until(statuses, lambda: scene.squid.lines("icap")) == {"206"}
