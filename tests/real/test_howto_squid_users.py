"""What the page about Squid tells of users is so."""

import base64
import subprocess

import pytest
from programs import program

from .browser import Browser
from .squid_pages import blocks, forward, placed

PAGE = blocks("squid")


@pytest.fixture(scope="module")
def squid(page_server, page_squid):
    def prepare(folder):
        command = [program("openssl", "openssl"), "passwd", "-apr1", "secret"]
        secret = subprocess.check_output(command, text=True)
        (folder / "passwords").write_text(f"ann:{secret}jörg:{secret}")

    helper = program("basic_ncsa_auth", "squid-openssl")
    places = {"/usr/lib/squid/basic_ncsa_auth": helper, "/etc/squid/pass": "{folder}/pass"}
    front = "http_port 127.0.0.1:{port}\n" + placed(PAGE["squid-users"], places)
    front += "http_access allow all\n"
    with page_squid(forward(page_server), front, prepare=prepare) as squid:
        yield squid


@pytest.mark.parametrize(("name", "groups"), [("ann", ["staff"]), ("jörg", [])])
def test_services_are_told_who_asks(squid, origin, name, groups):
    login = "Basic " + base64.b64encode(f"{name}:secret".encode()).decode()
    known = Browser(squid).fetch(origin.url("/who"), Proxy_Authorization=login).json()
    assert (known["user"], known["groups"]) == (name, groups)
    assert "proxy-authorization" in known["headers"]


def test_who_does_not_log_in_gets_no_further(squid, origin):
    assert Browser(squid).fetch(origin.url("/who")).status == 407
