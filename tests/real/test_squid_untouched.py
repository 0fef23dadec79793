"""What no service has an opinion about passes through Squid to the byte."""

import gzip
from concurrent.futures import ThreadPoolExecutor

import pytest

from .origin import LARGE, content, digest
from .squid import EXTREMES

SIZES = [0, 1, 1023, 1024, 1025, 65_535, 65_536, 1_000_000]


@pytest.mark.parametrize("size", SIZES)
def test_downloads_arrive_as_they_are(browser, url, size):
    answer = browser.fetch(url(f"/bytes/{size}"))
    assert (answer.status, answer.body) == (200, content(size))


@pytest.mark.parametrize("size", SIZES)
def test_uploads_arrive_as_they_are(browser, url, size):
    answer = browser.fetch(url("/digest"), "POST", content(size))
    assert answer.json() == digest(content(size))


@pytest.mark.parametrize("settings", EXTREMES, ids=str)
def test_a_large_download_arrives_as_it_is(browser, url):
    answer = browser.fetch(url(f"/bytes/{LARGE}"))
    assert digest(answer.body) == digest(content(LARGE))


@pytest.mark.parametrize("settings", EXTREMES, ids=str)
def test_a_large_upload_arrives_as_it_is(browser, url):
    answer = browser.fetch(url("/digest"), "PUT", content(LARGE))
    assert answer.json() == digest(content(LARGE))


@pytest.mark.parametrize("size", [0, 1, 1024, 300_000])
def test_a_chunked_download_arrives_as_it_is(browser, url, size):
    answer = browser.fetch(url(f"/chunked/{size}"))
    assert (answer.status, answer.body) == (200, content(size))


@pytest.mark.parametrize("size", [1, 1024, 300_000])
def test_a_chunked_upload_arrives_as_it_is(browser, url, size):
    chunks = [content(size)[start : start + 700] for start in range(0, size, 700)]
    assert browser.fetch(url("/digest"), "POST", chunks).json() == digest(content(size))


def test_a_body_comes_and_goes_in_the_same_exchange(browser, url):
    answer = browser.fetch(url("/echo"), "POST", content(200_000))
    assert answer.body == content(200_000)


def test_a_compressed_body_stays_compressed(browser, url):
    answer = browser.fetch(url("/gzip/100000"), Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.body) == content(100_000)


def test_the_answer_to_head_tells_the_length_and_has_no_body(browser, url):
    answer = browser.fetch(url("/bytes/100000"), "HEAD")
    assert (answer.status, answer.headers["Content-Length"], answer.body) == (200, "100000", b"")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_an_answer_may_have_no_content(browser, url, method):
    answer = browser.fetch(url("/status/204"), method)
    assert (answer.status, answer.body) == (204, b"")


def test_what_the_browser_has_is_not_sent_again(browser, url):
    answer = browser.fetch(url("/bytes/1000"), If_None_Match='"1000"')
    assert (answer.status, answer.headers["ETag"], answer.body) == (304, '"1000"', b"")


def test_a_part_is_sent_as_a_part(browser, url):
    answer = browser.fetch(url("/bytes/100000"), Range="bytes=70-90069")
    assert answer.headers["Content-Range"] == "bytes 70-90069/100000"
    assert (answer.status, answer.body) == (206, content(100_000)[70:90_070])


def test_a_slow_origin_is_waited_for(browser, url):
    assert browser.fetch(url("/dribble/100000")).body == content(100_000)


def test_a_browser_that_asks_before_it_sends_is_told_to_go_on(browser, url):
    body = content(100_000)
    with browser.connected(url("/digest")) as connection:
        browser.ask(
            connection, url("/digest"), "POST", Content_Length="100000", Expect="100-continue"
        )
        assert connection.sock.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.send(body)
        assert browser.answer(connection).json() == digest(body)


def test_a_connection_serves_one_exchange_after_the_other(browser, url):
    with browser.connected(url("/")) as connection:
        for size in 10, 100_000, 2000:
            body = content(size)
            answer = browser.fetch_on(connection, url("/echo"), "POST", body)
            assert answer.body == body
            assert browser.fetch_on(connection, url(f"/bytes/{size}")).body == body


def test_fifty_are_served_at_once(browser, url):
    def exchange(number):
        body = content(number * 3000)
        down = browser.fetch(url(f"/bytes/{len(body)}"))
        both = browser.fetch(url("/echo"), "POST", body)
        return down.body == both.body == body

    with ThreadPoolExecutor(50) as pool:
        assert all(pool.map(exchange, range(50)))
