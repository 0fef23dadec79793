"""What the page says of intercepted connections is so behind a gateway that redirects them."""

import contextlib
import http.client
import json
import socket
import subprocess

import pytest
from programs import program

from .network import BEYOND, BEYOND6, CLIENT, CLIENT6, network
from .origin import Handler, Origin, Server, content
from .squid_pages import blocks, forward, logged, placed, serving

PAGE = blocks("squid")
REDIRECT = blocks("squid", "text")["nftables-redirect"]
NAME, ELSEWHERE = "www.site.test", "elsewhere.test"


class Server6(Server):
    address_family = socket.AF_INET6


class Beyond(Origin):
    """An origin at the port and addresses that clients connect to by themselves."""

    def __init__(self):
        super().__init__()
        self.schemes["http over IPv6"] = Server6((BEYOND6, 80), Handler)
        self.schemes["http over IPv6"].origin = self

    def _server(self):
        server = Server((BEYOND, 80), Handler)
        server.origin = self
        return server


@pytest.fixture(scope="module")
def there():
    """A network whose gateway redirects, as the page has it."""
    with network() as made:
        with made.inside(made.gateway):
            nft("-f", "-", input=REDIRECT)
        yield made


def nft(*args, **more):
    command = [program("nft", "nftables"), *args]
    return subprocess.run(command, text=True, check=True, stdout=subprocess.PIPE, **more).stdout


@pytest.fixture(scope="module")
def squid(there, folder, page_squid):
    """A Squid on the gateway that intercepts, an origin, and zcadapt."""
    with contextlib.ExitStack() as stack:
        with there.inside(there.gateway):
            stack.enter_context(Beyond().running())
            server = stack.enter_context(serving(folder / "intercept", "page_services"))
            lines = placed(PAGE["squid-intercept"], {"port 3128": "port 127.0.0.1:{port}"})
            lines = lines + "http_access allow all\n"
            hosts = {NAME: BEYOND, ELSEWHERE: "203.0.113.9"}
            squid = stack.enter_context(page_squid(forward(server), lines, hosts))
        yield squid


@pytest.fixture
def fetch(squid, there):
    """How a client asks the origin, not knowing of any proxy."""

    def fetch(path, host=NAME, address=BEYOND):
        with there.inside(there.clients):
            connection = http.client.HTTPConnection(address, 80, timeout=30)
            with contextlib.closing(connection):
                connection.request("GET", path, headers={"Host": host})
                answer = connection.getresponse()
                return answer.status, answer.headers, answer.read()

    return fetch


def test_the_rules_can_be_loaded_again(there):
    with there.inside(there.gateway):
        before = nft("list", "ruleset")
        nft("-f", "-", input=REDIRECT)
        assert nft("list", "ruleset") == before


def test_the_url_is_made_of_the_host_and_the_client_is_told(fetch):
    status, _, body = fetch("/who?it=is")
    known = json.loads(body)
    assert (status, known["url"]) == (200, f"http://{NAME}/who?it=is")
    assert (known["client_ip"], known["user"]) == (CLIENT, None)


def test_what_is_allowed_comes_from_where_the_client_went(fetch):
    status, headers, body = fetch("/bytes/1000")
    assert (status, headers["X-Served-By"], body) == (200, "origin", content(1000))


@pytest.mark.parametrize("address", [BEYOND, BEYOND6])
def test_what_is_blocked_is_blocked(fetch, address):
    assert b"a rule" in fetch("/bytes/1?blocked", address=address)[2]


def test_ipv6_does_not_go_round_it(fetch):
    known = json.loads(fetch("/who", address=BEYOND6)[2])
    assert (known["url"], known["client_ip"]) == (f"http://{NAME}/who", CLIENT6)


@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, BEYOND), (socket.AF_INET6, BEYOND6)]
)
def test_quic_does_not_go_round_it(there, family, address):
    with there.inside(there.gateway):
        listening = socket.socket(family, socket.SOCK_DGRAM)
    with there.inside(there.clients):
        sock = socket.socket(family, socket.SOCK_DGRAM)
    with listening, sock:
        listening.bind((address, 443))
        sock.settimeout(10)
        sock.connect((address, 443))
        sock.send(b"initial")
        with pytest.raises(ConnectionRefusedError):
            sock.recv(1)


def test_a_host_that_lies_gets_what_is_where_the_client_went_and_names_the_url(fetch):
    _, headers, body = fetch("/bytes/1000", ELSEWHERE)
    assert (headers["X-Served-By"], body) == ("origin", content(1000))
    assert json.loads(fetch("/who", ELSEWHERE)[2])["url"] == f"http://{ELSEWHERE}/who"


def test_access_log_says_that_the_connection_went_where_the_client_wanted(fetch, squid):
    fetch("/bytes/10?logged")
    assert "|TCP_MISS|ORIGINAL_DST|" in logged(squid, "access", "/bytes/10?logged")
