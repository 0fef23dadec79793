"""What services decide is what the origin and the browser get."""

import pytest

from .origin import LARGE, content, digest
from .squid import EXTREMES

pytestmark = pytest.mark.usefixtures("ours")
SIZES = pytest.mark.parametrize("size", [1, 1024, 2000, 300_000])


@pytest.mark.parametrize("scan", ["scan", "scan_in_thread"])
@SIZES
def test_an_upload_that_is_scanned_arrives_as_it_is(browser, url, scan, size):
    answer = browser.fetch(url(f"/digest?reqmod={scan}"), "POST", content(size))
    assert answer.json() == digest(content(size))


@pytest.mark.parametrize("scan", ["scan", "scan_in_thread"])
@pytest.mark.parametrize("size", [1, 1024, 2000, 60_000])
def test_a_download_that_is_scanned_arrives_as_it_is(browser, url, scan, size):
    assert browser.fetch(url(f"/bytes/{size}?respmod={scan}")).body == content(size)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_refused_request_never_reaches_the_origin(browser, origin, url, method):
    answer = browser.fetch(url("/digest?reqmod=refuse"), method)
    assert answer.status == 403
    assert (b"we do not want this" in answer.body) == (method != "HEAD")
    assert not origin.seen


@pytest.mark.parametrize("method", ["reqmod", "respmod"])
@pytest.mark.parametrize(
    ("accept", "kind"),
    [("text/html,*/*;q=0.8", "text/html"), ("application/json", "application/json")],
)
def test_who_is_refused_is_told_why_in_the_wanted_form(browser, url, method, accept, kind):
    answer = browser.fetch(url(f"/digest?{method}=refuse"), Accept=accept)
    assert answer.headers.get_content_type() == kind
    assert answer.headers["X-Decision-ID"].encode() in answer.body
    assert (answer.headers["Cache-Control"], b"refuse" in answer.body) == ("no-store", True)


def test_an_upload_is_refused_before_all_of_it_has_come(browser, origin, url):
    target = url("/digest?reqmod=refuse")
    with browser.connected(target) as connection:
        browser.ask(connection, target, "POST", Content_Length="1000000")
        connection.send(content(1_000_000)[:100_000])
        assert (browser.answer(connection).status, origin.seen) == (403, [])


def test_what_is_found_in_an_upload_never_reaches_the_origin(browser, origin, url):
    answer = browser.fetch(url("/digest?reqmod=find"), "POST", content(1_000_000))
    assert b"found in 1000000 bytes" in answer.body
    assert not origin.seen


@pytest.mark.parametrize("size", [1, 60_000])
def test_what_is_found_in_a_download_never_reaches_the_browser(browser, url, size):
    answer = browser.fetch(url(f"/bytes/{size}?respmod=find"))
    assert answer.status == 403
    assert f"found in {size} bytes".encode() in answer.body


@pytest.mark.parametrize("path", ["/bytes/300000", "/chunked/300000", "/status/204"])
def test_a_refused_response_never_reaches_the_browser(browser, url, path):
    answer = browser.fetch(url(f"{path}?respmod=refuse"))
    assert answer.status == 403
    assert b"we do not want this" in answer.body


@pytest.mark.parametrize("size", [0, 1000, 300_000])
def test_the_origin_gets_the_new_headers_and_the_old_body(browser, origin, url, size):
    answer = browser.fetch(
        url("/digest?reqmod=headers"), "POST", content(size), X_Unwanted="yes", X_Other="yes"
    )
    assert answer.json() == digest(content(size))
    headers = origin.seen[0].headers
    assert [headers[name] for name in ("X-Adapted", "X-Unwanted", "X-Other")] == [
        "yes",
        None,
        "yes",
    ]


@pytest.mark.parametrize("path", ["/bytes/0", "/bytes/1000", "/bytes/300000", "/chunked/300000"])
def test_the_browser_gets_the_new_headers_and_the_old_body(browser, url, path):
    answer = browser.fetch(url(f"{path}?respmod=headers"))
    assert answer.body == content(int(path.rpartition("/")[2]))
    headers = answer.headers
    assert [headers[name] for name in ("X-Adapted", "X-Unwanted")] == ["yes", None]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("HEAD", "/bytes/1000", 200), ("GET", "/status/204", 204), ("GET", "/status/304", 304)],
)
def test_an_answer_without_a_body_gets_new_headers(browser, url, method, path, status):
    answer = browser.fetch(url(f"{path}?respmod=headers"), method)
    assert (answer.status, answer.headers["X-Adapted"], answer.body) == (status, "yes", b"")


@pytest.mark.parametrize("size", [0, 1000, 300_000])
def test_the_origin_gets_the_new_body(browser, url, size):
    answer = browser.fetch(url("/digest?reqmod=body"), "POST", content(size))
    assert answer.json() == digest(b"another body")


@pytest.mark.parametrize("path", ["/bytes/0", "/bytes/1000", "/bytes/300000", "/chunked/300000"])
def test_the_browser_gets_the_new_body(browser, url, path):
    answer = browser.fetch(url(f"{path}?respmod=body"))
    assert (answer.headers["Content-Length"], answer.body) == ("12", b"another body")


@SIZES
def test_the_origin_gets_the_body_as_it_is_made(browser, url, size):
    answer = browser.fetch(url("/digest?reqmod=stream"), "POST", content(size))
    assert answer.json() == digest(content(size).swapcase())


@SIZES
@pytest.mark.parametrize("kind", ["bytes", "chunked"])
def test_the_browser_gets_the_body_as_it_is_made(browser, url, kind, size):
    answer = browser.fetch(url(f"/{kind}/{size}?respmod=stream"))
    assert answer.body == content(size).swapcase()


def test_both_ways_can_be_adapted_in_one_exchange(browser, origin, url):
    answer = browser.fetch(url("/echo?reqmod=headers&respmod=stream"), "POST", content(200_000))
    assert origin.seen[0].headers["X-Adapted"] == answer.headers["X-Adapted"] == "yes"
    assert answer.body == content(200_000).swapcase()


@pytest.mark.parametrize("settings", EXTREMES, ids=str)
def test_a_large_upload_is_streamed(browser, url):
    answer = browser.fetch(url("/digest?reqmod=stream"), "PUT", content(LARGE))
    assert answer.json() == digest(content(LARGE).swapcase())


@pytest.mark.parametrize("settings", EXTREMES, ids=str)
def test_a_large_download_is_streamed(browser, url):
    answer = browser.fetch(url(f"/bytes/{LARGE}?respmod=stream"))
    assert digest(answer.body) == digest(content(LARGE).swapcase())


@pytest.mark.parametrize("settings", EXTREMES, ids=str)
def test_a_large_upload_is_scanned(browser, url):
    answer = browser.fetch(url("/digest?reqmod=scan"), "PUT", content(LARGE))
    assert answer.json() == digest(content(LARGE))
