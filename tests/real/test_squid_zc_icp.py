"""An application written for zc.icp is Squid's peer, and has a say in what it is sent."""

import sys
from pathlib import Path

import pytest
from programs import free_port, listens, ready, running

from .browser import Browser
from .test_squid_icp import CHOICES, ICP

APPLICATION = Path(__file__).parent / "zc_icp_application.py"


@pytest.fixture(scope="module", params=CHOICES)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def squid(kind, folder, new_squid):
    icp, http = free_port(), free_port()
    output = folder / f"zc_icp-{kind}.output"
    command = [sys.executable, "-u", APPLICATION, str(icp), str(http)]
    lines = ICP.format(own=free_port(), kind=kind, http=http, icp=icp)
    with running(command, output) as process:
        ready(process, lambda: listens(http), output)
        assert f"info: ICP server started\n\tAddress: 127.0.0.1\n\tPort: {icp}\n" in (
            output.read_text()
        )
        with new_squid(f"zc_icp-{kind}", lines) as squid:
            yield squid


@pytest.mark.parametrize("answer", [*CHOICES["parent"], None])
def test_squid_asks_the_thread_and_follows_its_policies(squid, origin, kind, answer):
    server, hierarchy = CHOICES[kind][answer or "MISS"]
    url = origin.url(f"/bytes/1000?icp={answer}" if answer else "/bytes/1000")
    with squid.content():
        served = Browser(squid).fetch(url).headers["X-Served-By"]
        assert served == ("application" if server == "peer" else "origin")
        assert squid.accesses(url)[0].hierarchy == hierarchy
