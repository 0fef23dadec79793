"""What the page about Squid tells of a server that is down, slow, or fails, is so."""

import pytest
from programs import free_port

from .browser import Browser
from .icap_servers import Server
from .origin import content, digest
from .squid_pages import adjusted, blocks, forward, logged

PAGE = blocks("squid")
OPTIONAL = {"bypass=off": "bypass=on"}
LIMITED = {"icap_service_failure_limit -1\n": ""}


def impatient():
    """Return the time-outs of the page, but shorter: a test waits for no minute."""
    return adjusted(PAGE["squid-timeouts"], {"1 minute": "1 second"})


@pytest.fixture
def nobody(tmp_path):
    """Where no server is."""
    return Server(0, free_port(), None, "reqmod", "respmod", tmp_path)


def test_where_the_server_is_down_users_get_an_error_page(page_squid, nobody, origin):
    with page_squid(forward(nobody)) as squid:
        answer = Browser(squid).fetch(origin.url("/bytes/10"))
        assert (answer.status, answer.headers["X-Squid-Error"]) == (500, "ERR_ICAP_FAILURE 0")
        down = "essential ICAP service is down after an options fetch failure: "
        down += f"icap://127.0.0.1:{nobody.port}/reqmod [down,!opt]"
        assert logged(squid, "cache", down)


def test_with_bypass_all_passes_unseen_where_it_is_down(page_squid, nobody, origin):
    with page_squid(forward(nobody, OPTIONAL)) as squid:
        assert Browser(squid).fetch(origin.url("/bytes/10?blocked")).body == content(10)
        assert logged(squid, "cache", "optional ICAP service is down after an options fetch ")


class TestOptional:
    @pytest.fixture(scope="module")
    @staticmethod
    def squid(page_server, page_squid):
        with page_squid(impatient() + forward(page_server, OPTIONAL)) as squid:
            yield squid

    @pytest.mark.parametrize(("what", "status"), [("fails", 500), ("slow", 0)])
    def test_a_request_passes_unseen(self, squid, origin, what, status):
        url = origin.url(f"/bytes/10?{what}")
        assert Browser(squid).fetch(url).body == content(10)
        assert logged(squid, "icap", f"{url}|REQMOD|{status}|ICAP_ECHO|")

    @pytest.mark.parametrize(("size", "passes"), [(50_000, True), (100_000, False)])
    def test_a_body_that_squid_no_longer_has_is_not_bypassed(self, squid, origin, size, passes):
        answer = Browser(squid).fetch(origin.url("/digest?late&fails"), "POST", content(size))
        if passes:
            assert answer.json() == digest(content(size))
        else:
            assert (answer.status, answer.headers["X-Squid-Error"]) == (500, "ERR_ICAP_FAILURE 0")


def test_after_more_than_ten_failures_squid_asks_no_more(page_server, page_squid, origin):
    with page_squid(impatient() + forward(page_server, LIMITED)) as squid:
        fetch = Browser(squid).fetch
        assert fetch(origin.url("/bytes/1?slow")).status == 500
        assert {fetch(origin.url("/bytes/1?fails")).status for _ in range(10)} == {500}
        assert fetch(origin.url("/bytes/1")).status == 500
        assert logged(squid, "cache", "suspending ICAP service for too many failures")
        assert logged(squid, "cache", "essential ICAP service is suspended: icap://127.0.0.1:")
        assert logged(squid, "cache", "/reqmod [down,susp,fail11]")
