"""Squid 5.7 stops a response after 64 KB until its answer begins; a scanner works all the same."""

import contextlib
import hashlib
import http.client
from concurrent.futures import ThreadPoolExecutor

import pytest

from .origin import content, digest
from .squid import EXTREMES

pytestmark = [
    pytest.mark.parametrize("settings", EXTREMES, ids=str),
    pytest.mark.usefixtures("ours"),
]
SIZES = pytest.mark.parametrize("size", [100_000, 1_000_000, 10_000_000])
HUGE = 200_000_000
#: What ends a transaction whose answer was cut.
CUT = {"ICAP_ERR_OTHER", "ICAP_ERR_CLOSE"}


def fetch(browser, url):
    """Return (status, size, digest) of what came, and whether it was whole, in constant memory."""
    with browser.connected(url) as connection:
        browser.ask(connection, url)
        with connection.getresponse() as response:
            sha, size, whole = hashlib.sha256(), 0, True
            try:
                while piece := response.read(1 << 20):
                    sha.update(piece)
                    size += len(piece)
            except (http.client.IncompleteRead, ConnectionError) as error:
                size += len(getattr(error, "partial", b""))
                whole = False
            length = response.headers["Content-Length"]
            whole = whole and (length is None or int(length) == size)
            return response.status, [size, sha.hexdigest()], whole


@pytest.mark.parametrize("scan", ["scan", "scan_in_thread"])
@pytest.mark.parametrize("kind", ["bytes", "chunked"])
@SIZES
def test_what_is_clean_arrives_as_it_is(browser, url, kind, size, scan):
    found = fetch(browser, url(f"/{kind}/{size}?respmod={scan}"))
    assert found == (200, digest(content(size)), True)


@pytest.mark.parametrize("kind", ["bytes", "chunked"])
@SIZES
def test_what_is_not_never_arrives(squid, browser, url, kind, size):
    squid.forgiven = CUT
    status, (come, _), whole = (0, (0, ""), False)
    with contextlib.suppress(http.client.HTTPException, ConnectionError):
        status, (come, _), whole = fetch(browser, url(f"/{kind}/{size}?respmod=find"))
    assert status in (0, 403) or not whole
    assert status == 403 or come < 65536


def test_the_largest_arrives_as_well(browser, url):
    assert fetch(browser, url(f"/zeros/{HUGE}?respmod=scan"))[1][0] == HUGE


@pytest.mark.parametrize("size", [100_000, 10_000_000])
def test_twenty_at_once(squid, browser, url, size):
    squid.forgiven = CUT

    def one(number):
        wanted = "find" if number % 4 == 0 else "scan"
        try:
            return wanted, *fetch(browser, url(f"/bytes/{size}?respmod={wanted}&n={number}"))
        except (http.client.HTTPException, ConnectionError):
            return wanted, 0, None, False

    with ThreadPoolExecutor(20) as pool:
        for wanted, status, found, whole in pool.map(one, range(20)):
            if wanted == "scan":
                assert (status, found, whole) == (200, digest(content(size)), True)
            else:
                assert status == 403 or not whole


def test_the_log_says_so(ours, browser, url):
    fetch(browser, url("/bytes/1000000?respmod=scan"))
    assert "sends nothing more of a response before its answer begins" in ours.output.read_text()
