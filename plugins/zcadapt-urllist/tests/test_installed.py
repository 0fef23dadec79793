"""The plugin as a user has it: installed, found, at work behind a real Squid."""

import http.client
import importlib.util
import json
import re
import tempfile
from pathlib import Path

import pytest
from installation import Installation, wheel
from programs import until

PLUGIN = Path(__file__).parent.parent
ROOT = PLUGIN.parent.parent

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not (ROOT / "setup.cfg").exists(), reason="needs the sources of zcadapt"),
]

SETTINGS = """\
[icap]
listen = ["127.0.0.1:0"]
[icp]
listen = ["127.0.0.1:0"]

[services."10-friends"]
use = "urllist"
[services."10-friends".lists.friends]
sources = ["{folder}/friends"]
action = "allow"

[services."20-lists"]
use = "urllist"
[services."20-lists".lists.ads]
sources = ["{folder}/ads.urls"]
category = "advertising"
[services."20-lists".lists.late]
sources = ["{folder}/late"]
icp = "DENIED"
"""


def machinery():
    spec = importlib.util.spec_from_file_location(
        "machinery", Path(__file__).with_name("machinery.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


m = machinery()


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    wheels = [wheel(project, folder) for project in (ROOT, PLUGIN)]
    return Installation(tmp_path_factory.mktemp("installation"), wheels)


@pytest.fixture
def folder():
    """A folder that another user can enter."""
    with tempfile.TemporaryDirectory(prefix="zcadapt-") as place:
        Path(place).chmod(0o755)
        yield Path(place)


@pytest.fixture
def settings(installation, folder):
    (folder / "friends").write_text(f"{m.FRIEND}\n")
    (folder / "ads").write_text("blocked.example\n")
    (folder / "late").write_text("# nothing yet\n")
    build(installation, folder)
    file = folder / "zcadapt.toml"
    file.write_text(SETTINGS.format(folder=folder))
    return file


def build(installation, folder):
    installation.run("zcadapt", "urllist", "build", folder / "ads", "--output", folder / "ads.urls")


def test_installed_it_is_found_and_has_no_problems(installation):
    listed = json.loads(installation.run("zcadapt", "plugins", "--json"))
    assert [row["name"] for row in listed["icap"]] == ["urllist"]
    assert listed["icp"] == []
    assert installation.run("zcadapt", "check") == "The installation: no problems\n"


def test_its_instances_are_services_and_policies(installation, settings):
    assert installation.run("zcadapt", "check", settings) == f"{settings}: no problems\n"
    listed = json.loads(installation.run("zcadapt", "plugins", "--json", "--config", settings))
    assert [row["name"] for row in listed["icap"]] == ["10-friends", "20-lists"]
    assert [row["name"] for row in listed["icp"]] == ["10-friends", "20-lists"]


class Browser:
    """A client of Squid."""

    def __init__(self, port):
        self.port = port

    def fetch(self, url, method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, url, headers=headers)
        response = connection.getresponse()
        found = response.status, response.read().decode()
        connection.close()
        return found


def test_it_works_behind_a_squid(installation, settings, folder):
    with (
        installation.serve("--strict", "--config", settings) as served,
        m.origin() as port,
        tempfile.TemporaryDirectory(prefix="zcadapt-") as place,
        m.squid(Path(place), served["icap"][1]) as proxy,
    ):
        browser = Browser(proxy)
        hello = f"http://127.0.0.1:{port}/"
        assert browser.fetch(hello) == (200, "hello")
        status, page = browser.fetch("http://WWW.Blocked.Example.:80/a?b")
        assert status == 403
        assert "blocked.example is on the list advertising." in page
        assert browser.fetch("blocked.example:443", "CONNECT")[0] == 403
        log = Path(place, "icap.log")
        until(lambda: "|ICAP_SAT|advertising\n" in log.read_text(), "it is logged")
        log = Path(place, "access.log")
        logged = re.compile(r"/a\?\|advertising\|([a-z0-9]{12})\n")
        until(lambda: logged.search(log.read_text()), "with its number")
        assert logged.search(log.read_text())[1] in page
        assert browser.fetch(f"http://{m.FRIEND}:{port}/") == (200, "hello")

        query = ("zcadapt", "query", "--server", f"127.0.0.1:{served['icp'][1]}")
        assert "ICP_OP_MISS_NOFETCH" in installation.run(*query, "http://blocked.example/")
        assert "ICP_OP_MISS_NOFETCH" not in installation.run(*query, hello)

        # Both kinds of files are taken up while requests go on.
        (folder / "late").write_text("127.0.0.1\n")
        until(lambda: browser.fetch(hello)[0] == 403, "the new list")
        assert "ICP_OP_DENIED" in installation.run(*query, hello)
        (folder / "late").write_text("# nothing again\n")
        until(lambda: browser.fetch(hello)[0] == 200, "the new list")
        (folder / "ads").write_text("127.0.0.1\n")
        build(installation, folder)
        until(lambda: browser.fetch(hello)[0] == 403, "the new list")
