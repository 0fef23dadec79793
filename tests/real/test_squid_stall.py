"""Squid 5.7 stops a response after 64 KB until its answer begins; a scanner works all the same."""

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


@pytest.fixture(scope="session")
def huge():
    return digest(content(HUGE))


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


def is_kept_back(status, come, whole, size):
    """Whether the page came, or a broken download: one byte, and one for each 48 KB."""
    return status == 403 or (not whole and come <= 1 + (size - 65_535) // 49_152)


def fetch_infected(browser, url):
    """Return (status, size, whole) of what came, if anything did."""
    try:
        status, (come, _), whole = fetch(browser, url)
    except (http.client.HTTPException, ConnectionError):
        return 0, 0, False
    return status, come, whole


@pytest.mark.parametrize("kind", ["bytes", "chunked"])
@SIZES
def test_what_is_not_never_arrives(squid, browser, url, kind, size):
    squid.forgiven = CUT
    found = fetch_infected(browser, url(f"/{kind}/{size}?respmod=find"))
    assert is_kept_back(*found, size), found


def test_the_largest_arrives_as_well(browser, url, huge):
    assert fetch(browser, url(f"/bytes/{HUGE}?respmod=scan")) == (200, huge, True)


def test_nor_does_the_largest_if_it_is_not_clean(squid, browser, url):
    squid.forgiven = CUT
    found = fetch_infected(browser, url(f"/bytes/{HUGE}?respmod=find"))
    assert is_kept_back(*found, HUGE), found


@SIZES
def test_twenty_at_once(squid, browser, url, size):
    squid.forgiven = CUT

    def clean(number):
        return fetch(browser, url(f"/bytes/{size}?respmod=scan&n={number}"))

    def infected(number):
        return fetch_infected(browser, url(f"/bytes/{size}?respmod=find&n={number}"))

    whole = 200, digest(content(size)), True
    with ThreadPoolExecutor(20) as pool:
        some = [pool.submit(infected if at % 4 == 0 else clean, at) for at in range(20)]
        found = [each.result() for each in some]
    assert [each for at, each in enumerate(found) if at % 4 and each != whole] == []
    assert [each for each in found[::4] if not is_kept_back(*each, size)] == []


def test_the_log_says_so(ours, browser, url):
    fetch(browser, url("/bytes/1000000?respmod=scan"))
    assert "sends nothing more of a response before its answer begins" in ours.output.read_text()
