"""Browsers and origins that go away in the middle leave nothing behind, and harm nobody else."""

import contextlib
import http.client

import pytest
from programs import open_files, until

from .browser import reset
from .origin import LARGE, content
from .squid import EXTREMES

pytestmark = [
    pytest.mark.parametrize("settings", EXTREMES, ids=str),
    pytest.mark.usefixtures("nothing_left"),
]
LEAVE = pytest.mark.parametrize("leave", [http.client.HTTPConnection.close, reset])


@pytest.fixture
def nothing_left(ours, squid, browser, origin):
    """The ICAP server ends with the files and sockets it began with, and still serves."""

    def alright():
        return browser.fetch(origin.url("/echo"), "POST", content(2000)).body == content(2000)

    assert alright()
    before = open_files(ours.pid)
    # What a transaction ends with when there is nobody left to adapt for.
    squid.forgiven = {"ICAP_ERR_GONE"}
    yield
    assert alright()
    until(lambda: open_files(ours.pid) <= before, lambda: f"{open_files(ours.pid)} <= {before}")


@LEAVE
@pytest.mark.parametrize("query", ["", "?respmod=stream"])
def test_a_browser_leaves_in_the_middle_of_a_download(squid, browser, url, leave, query):
    target = url(f"/bytes/{LARGE}{query}")
    with browser.connected(target) as connection:
        browser.ask(connection, target)
        with contextlib.closing(connection.getresponse()) as response:
            assert response.read(10_000)
            leave(connection)
    squid.adaptations(target)


@LEAVE
@pytest.mark.parametrize("query", ["", "?reqmod=stream", "?reqmod=scan", "?reqmod=scan_in_thread"])
def test_a_browser_leaves_in_the_middle_of_an_upload(squid, browser, url, leave, query):
    target = url(f"/digest{query}")
    with browser.connected(target) as connection:
        browser.ask(connection, target, "POST", Content_Length="1000000")
        connection.send(content(300_000))
        leave(connection)
    squid.adaptations(target, 1)


@LEAVE
def test_a_browser_leaves_while_a_service_thinks(ours, browser, url, leave):
    target = url("/bytes/1000?reqmod=wait")  # where a RESPMOD waits Squid lets it wait
    before = ours.output.stat().st_size

    def says(words):
        return until(lambda: f"{words}: {target}" in ours.output.read_text()[before:], words)

    with browser.connected(target) as connection:
        browser.ask(connection, target)
        assert says("waiting for")
        leave(connection)
    assert says("no longer waiting for")


@pytest.mark.parametrize("query", ["", "?respmod=headers", "?respmod=stream", "?respmod=scan"])
def test_an_origin_leaves_in_the_middle_of_a_download(squid, browser, url, query):
    target = url(f"/abort/50000{query}")
    with contextlib.suppress(http.client.IncompleteRead):
        assert len(browser.fetch(target).body) < 50_000
    squid.adaptations(target)
