"""What the page about Squid tells is so: its lines are given to a Squid, and tried."""

import http.client

import pytest

from zcadapt.config import Address
from zcadapt.runtime.squid import squid_conf

from .browser import Browser
from .origin import content
from .squid import understands
from .squid_pages import FRONT, PAGES, blocks, forward, logged, placed, shows

PAGE = blocks("squid")
UPDATES = "www.updates.example"
RESPMOD = "adaptation_access zcadapt_respmod allow all\n"


def test_the_lines_are_those_that_are_printed():
    printed = squid_conf([Address("127.0.0.1", 1344)], []).splitlines()
    assert PAGE["squid-forward"].splitlines() == [line for line in printed if line[0] != "#"]


@pytest.mark.parametrize(
    ("page", "name"),
    [(page, name) for page in PAGES for name in blocks(page) if name != "squid-bump"],
)
def test_what_a_page_shows_is_understood(tmp_path, page, name):
    told = understands(tmp_path, PAGE["squid-forward"] + blocks(page)[name])
    assert (told.returncode, "ERROR" in told.stderr) == (0, False), told.stderr
    assert "WARNING" not in told.stderr, told.stderr


@pytest.fixture(scope="module")
def squid(page_server, page_squid):
    lines = placed(PAGE["squid-logs"], {"/var/log/squid/": "{folder}/page-"})
    with page_squid(forward(page_server, {RESPMOD: PAGE["squid-access"]}), FRONT + lines) as squid:
        yield squid


@pytest.fixture
def fetch(squid):
    return Browser(squid).fetch


def test_what_is_allowed_passes_and_both_logs_of_squid_say_how(squid, fetch, origin):
    url = origin.url("/bytes/1000")
    assert fetch(url).body == content(1000)
    assert logged(squid, "page-access", url).endswith(f" 127.0.0.1 - TCP_MISS/200 GET {url} - -")
    assert " ICAP_ECHO/204 REQMOD " in logged(squid, "page-icap", url)


def test_the_number_of_a_block_is_on_the_page_and_in_three_logs(page_server, squid, fetch, origin):
    answer = fetch(origin.url("/bytes/1?blocked"))
    number = answer.headers["X-Decision-ID"]
    assert (answer.status, number.encode() in answer.body) == (403, True)
    assert logged(squid, "page-access", number).endswith(f"?blocked - {number}")
    assert " ICAP_SAT/200 REQMOD " in logged(squid, "page-icap", "?blocked")
    line = f"blocked {number}: client 127.0.0.1, user '', GET '{origin.url('/bytes/1')}', "
    assert f"{line}service '10-rule', reason 'a rule'" in page_server.output.read_text()


def test_a_failure_is_an_error_page_of_squids(page_server, squid, fetch, origin):
    answer = fetch(origin.url("/bytes/1?fails"))
    assert (answer.status, answer.headers["X-Squid-Error"]) == (500, "ERR_ICAP_FAILURE 0")
    assert b"ICAP protocol error." in answer.body
    assert " ERR_ICAP_FAILURE " in logged(squid, "page-access", "?fails")
    assert " ICAP_ERR_OTHER/500 REQMOD " in logged(squid, "page-icap", "?fails")
    assert "service '20-broken' failed for <REQMOD 'http://origin" in page_server.output.read_text()


def test_what_is_denied_to_the_services_is_not_seen_by_them(fetch, origin):
    exempt = f"http://{UPDATES}:{origin.port()}/bytes/1?infected"
    assert fetch(exempt).body == content(1)
    assert fetch(origin.url("/bytes/1?infected")).status == 403


def test_what_is_found_in_a_large_response_is_told(page_server, fetch, origin):
    with pytest.raises(http.client.IncompleteRead):
        fetch(origin.url("/bytes/100000?infected"))
    for said in (
        "sends nothing more of a response before its answer begins",
        "is broken off: service '50-clamav' decided so (found) after its answer had begun",
    ):
        assert said in page_server.output.read_text()
        assert shows("troubleshooting", said)
