"""What the page about Squid's peers tells is so: two servers, each with a zcadapt beside it."""

import contextlib
import itertools
import os
import signal

import pytest
from programs import free_port, until

from .browser import Browser
from .origin import Origin, content
from .squid_pages import adjusted, blocks, logged, placed, serving

PAGE = blocks("squid-peers")
NAMES = ["one", "two"]
#: Nobody waits that long here.
SOON = {"dead_peer_timeout 10 s": "dead_peer_timeout 1 s", "timeout 2000": "timeout 200"}


@pytest.fixture(scope="module")
def servers(folder):
    """Two servers, each with what answers HTTP and a zcadapt with a policy."""
    with contextlib.ExitStack() as stack:
        yield {
            name: (
                stack.enter_context(Origin(name).running()),
                stack.enter_context(serving(folder / name, "page_policies")),
            )
            for name in NAMES
        }


@pytest.fixture(scope="module")
def squid(servers, page_squid):
    """A Squid in front of the servers."""
    places = {"http_port 80 ": "http_port 127.0.0.1:{port} "}
    for number, (origin, zcadapt) in enumerate(servers.values(), 1):
        peer = f"127.0.0.1 parent {origin.port()} {zcadapt.icp_port} "
        places[f"192.0.2.{number} parent 8080 3130 "] = peer
    front = placed(PAGE["peers-accelerator"], places) + "http_access allow all\n"
    # A connection that is used again is logged with the word of its first use.
    lines = "server_persistent_connections off\n"
    lines += adjusted(PAGE["peers-icp"], {"3131": free_port(), **SOON})
    with page_squid(lines, front) as squid:
        yield squid


@pytest.fixture
def fetch(squid):
    """How to fetch, and be told which server it is from, and how Squid chose."""

    def fetch(query):
        url = f"http://www.site.test/bytes/1000?{query}"
        answer = Browser(squid).fetch(url)
        assert answer.body == content(1000)
        return answer.headers["X-Served-By"], logged(squid, "access", f"{url}|").split("|")[3]

    return fetch


@pytest.mark.parametrize("name", NAMES)
def test_each_server_is_sent_its_part(fetch, name):
    assert fetch(f"part={name}") == (name, "PARENT_HIT")


def test_what_neither_wants_goes_to_the_first_that_is_up(fetch):
    assert fetch("part=none") == ("one", "FIRSTUP_PARENT")


def test_what_nobody_has_an_opinion_about_goes_to_who_is_quickest(fetch):
    server, how = fetch("other")
    assert (server in NAMES, how) == (True, "FIRST_PARENT_MISS")


def test_who_falls_silent_is_waited_for_until_it_is_taken_for_dead(squid, servers, fetch):
    pid, numbers = servers["two"][1].pid, itertools.count()

    def ask():
        return fetch(f"part=two&n={next(numbers)}")

    def ask_until(told):
        log = squid.folder / "cache.log"
        assert until(lambda: ask() and told in log.read_text(), told)

    os.kill(pid, signal.SIGSTOP)
    try:
        assert ask() == ("one", "TIMEOUT_FIRSTUP_PARENT")
        ask_until("Detected DEAD Parent: two")
        assert ask() == ("one", "FIRSTUP_PARENT")
    finally:
        os.kill(pid, signal.SIGCONT)
    ask_until("Detected REVIVED Parent: two")
    assert ask() == ("two", "PARENT_HIT")
