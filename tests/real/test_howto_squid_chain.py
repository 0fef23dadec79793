"""What the page about Squid tells of chains, sets and routes is so."""

import pytest
from programs import free_port

from .browser import Browser
from .squid_pages import adjusted, blocks, forward, logged

PAGE = blocks("squid")


@pytest.fixture(scope="module")
def squid(page_server, page_squid):
    servers = {"192.0.2.1:1344": f"127.0.0.1:{free_port()}"}
    servers["192.0.2.2:1344"] = f"127.0.0.1:{page_server.port}"
    lines = adjusted(PAGE["squid-chain"], {"1344": page_server.port})
    lines += adjusted(PAGE["squid-set"], servers)
    with page_squid(f"icap_enable on\n{lines}") as squid:
        yield squid


def test_each_service_of_a_chain_changes_what_the_one_before_made(squid, origin):
    headers = Browser(squid).fetch(origin.url("/bytes/10")).headers
    assert (headers["X-Tenant"], headers["X-Tag"]) == ("ours", "seen")


def test_what_is_blocked_in_a_chain_goes_through_its_rest(squid, origin):
    answer = Browser(squid).fetch(origin.url("/bytes/10?infected"))
    assert (answer.status, answer.headers["X-Tag"]) == (403, "seen")


def test_another_server_of_a_set_is_asked_when_the_first_is_down(squid, origin):
    assert Browser(squid).fetch(origin.url("/bytes/10?blocked")).status == 403
    down = "essential ICAP service is down after an options fetch failure: icap://127.0.0.1:"
    assert logged(squid, "cache", down).endswith("/reqmod [down,!opt]")


def test_in_one_endpoint_the_first_who_changes_a_message_is_followed(
    page_server, page_squid, origin
):
    with page_squid(forward(page_server)) as squid:
        headers = Browser(squid).fetch(origin.url("/bytes/10")).headers
        assert (headers["X-Tenant"], headers["X-Tag"]) == ("ours", None)


def test_a_set_of_optional_services_lets_one_pass_while_the_first_goes_down(
    page_server, page_squid, origin
):
    servers = {"192.0.2.1:1344": f"127.0.0.1:{free_port()}", "bypass=off": "bypass=on"}
    servers["192.0.2.2:1344"] = f"127.0.0.1:{page_server.port}"
    with page_squid("icap_enable on\n" + adjusted(PAGE["squid-set"], servers)) as squid:
        fetch = Browser(squid).fetch
        found = [fetch(origin.url(f"/bytes/10?blocked&{number}")).status for number in (1, 2)]
        assert found == [200, 403]


def test_a_service_may_say_whether_the_response_is_scanned(page_server, page_squid, origin):
    lines = adjusted(PAGE["squid-routing"], {"1344": page_server.port})
    with page_squid(f"icap_enable on\n{lines}") as squid:
        fetch = Browser(squid).fetch
        assert fetch(origin.url("/bytes/10?infected")).status == 200
        assert fetch(origin.url("/bytes/10?infected&download")).status == 403
