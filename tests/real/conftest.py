import contextlib
import functools
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from . import icap_servers, squid_pages
from .authority import Authority
from .browser import Browser
from .origin import HOST, Origin
from .squid import ALL_SETTINGS, Squid

# Imported here, they would act in other tests.
collect_ignore = ["services.py", "page_services.py", "page_policies.py"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("real")


@pytest.fixture(scope="session")
def origins(folder):
    """The authority that origins have their certificates from."""
    return Authority(folder, "origins")


@pytest.fixture(scope="session")
def authority(folder):
    """The authority that is Squid."""
    return Authority(folder, "squid")


@pytest.fixture(scope="session")
def running_origin(origins):
    with Origin(certificate=origins.certificate(HOST)).running() as origin:
        yield origin


@pytest.fixture
def origin(running_origin):
    running_origin.seen.clear()
    return running_origin


@pytest.fixture(scope="session")
def server(folder):
    """The ICAP server."""
    start = icap_servers.BY_NAME[os.environ.get("ZCADAPT_REAL_SERVER", "zcadapt")]
    with start(folder) as server:
        yield server


@pytest.fixture
def ours(server):
    """The ICAP server, which must be zcadapt: c-icap has no such services."""
    if server.icp_port is None:
        pytest.skip("needs the services of zcadapt")
    return server


@pytest.fixture(scope="session")
def new_squid(folder, authority, origins):
    """How to run a Squid with further lines in its squid.conf."""

    @contextlib.contextmanager
    def run(name, lines):
        # Not in `folder`, where another user cannot enter; but what it wrote is kept there.
        with tempfile.TemporaryDirectory(prefix="zcadapt-") as place:
            squid = Squid(Path(place), authority, origins, lines)
            try:
                with squid.running():
                    yield squid
            finally:
                (folder / name).mkdir()
                for file in squid.folder / "squid.conf", *squid.folder.glob("*.log"):
                    shutil.copy(file, folder / name)

    return run


@pytest.fixture(scope="session")
def squid_with(server, new_squid):
    """How to get the running Squid that has these settings, one for the whole session."""
    running = {}
    with contextlib.ExitStack() as stack:

        def squid_with(settings):
            if settings not in running:
                squid = new_squid(str(settings), settings.lines(server))
                running[settings] = stack.enter_context(squid)
            return running[settings]

        yield squid_with
        for squid in running.values():
            squid.process.terminate()  # all at once: each takes a second or two


@pytest.fixture(params=ALL_SETTINGS, ids=str)
def settings(request):
    return request.param


@pytest.fixture
def squid(settings, squid_with):
    """A Squid in front of the ICAP server, which must be content after the test."""
    squid = squid_with(settings)
    with squid.content():
        yield squid


@pytest.fixture
def browser(squid):
    return Browser(squid)


@pytest.fixture(params=["http", "https"])
def url(request, origin):
    """How to make the URL of a path: for http, and for https that Squid opens up."""
    return functools.partial(origin.url, scheme=request.param)


@pytest.fixture(scope="session")
def page_server(folder):
    """A zcadapt with what the how-to pages for Squid speak of."""
    endpoints = squid_pages.blocks("squid", "toml")["toml-chain"]
    with squid_pages.serving(folder / "pages", "page_services", endpoints) as server:
        yield server


@pytest.fixture(scope="session")
def page_squid(authority, origins):
    """How to run a Squid with lines of a how-to page."""
    return functools.partial(squid_pages.squid, authority, origins)
