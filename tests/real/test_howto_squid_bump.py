"""What the page about Squid tells of TLS is so, with the certificates it has made."""

import os
import ssl
import subprocess

import pytest
from programs import program

from .browser import Browser
from .origin import HOST, Origin, content
from .squid import FRONT as BUMPING
from .squid_pages import adjusted, blocks, forward, logged, placed

PAGE = blocks("squid")
BANK, WALLED = "www.bank.example", "walled.test"


@pytest.fixture(scope="module")
def squid(page_server, page_squid):
    def prepare(folder):
        places = {"/etc/squid/": f"{folder}/", "/var/spool/squid/": f"{folder}/page-"}
        places["/usr/lib/squid/security_file_certgen"] = certgen
        places["proxy:"] = f"{os.getuid()}:{os.getgid()}"
        script = adjusted(blocks("squid", "shell")["bump-certificates"], places)
        subprocess.run(["sh", "-e"], input=script, text=True, check=True, capture_output=True)

    certgen = program("security_file_certgen", "squid-openssl")
    places = {"port 3128": "port 127.0.0.1:{port}", "/etc/squid/": "{folder}/"}
    places["/var/spool/squid/"] = "{folder}/page-"
    places["/usr/lib/squid/security_file_certgen"] = certgen
    front = placed(PAGE["squid-bump"], places) + "http_access allow all\n"
    front += "tls_outgoing_options cafile={folder}/origins.pem\n"
    with page_squid(forward(page_server), front, prepare=prepare) as squid:
        yield squid


@pytest.fixture
def browser(squid):
    browser = Browser(squid)
    browser.trusted = ssl.create_default_context(cafile=squid.folder / "ca.crt")
    return browser


def test_what_is_made_is_nobody_elses_and_clients_get_no_key(squid):
    made = [squid.folder / name for name in ("ca.key", "ca.pem", "ca.crt")]
    assert not any(file.stat().st_mode & 0o077 for file in made)
    assert "PRIVATE KEY" not in made[2].read_text()


def test_what_is_inside_is_seen_and_the_page_is_shown(squid, browser, origin):
    url = origin.url("/bytes/1?blocked", "https")
    answer = browser.fetch(url)
    assert (answer.status, b"a rule" in answer.body) == (403, True)
    tunnel = f"{HOST}:{origin.port('https')}|REQMOD|204|ICAP_ECHO|"
    assert logged(squid, "icap", tunnel)
    assert logged(squid, "icap", f"{url}|REQMOD|200|ICAP_SAT|")


def test_services_are_told_the_whole_url(browser, origin):
    assert browser.fetch(origin.url("/who", "https")).json()["url"] == (origin.url("/who", "https"))


def test_what_is_spliced_is_seen_as_a_tunnel_only(squid, browser, origins):
    browser.trusted = origins.trusted()  # it is shown the certificate of the origin
    with Origin(certificate=origins.certificate(BANK)).running() as bank:
        port = bank.port("https")
        assert browser.fetch(f"https://{BANK}:{port}/bytes/9?blocked").body == content(9)
    assert "|TCP_TUNNEL|" in logged(squid, "access", f"{BANK}:{port}|200|TCP_T")
    lines = (squid.folder / "icap.log").read_text().splitlines()
    about = [line.split("|")[:3] for line in lines if BANK in line]
    assert about == [[f"{BANK}:{port}", "REQMOD", "204"]] * 2


def test_who_only_names_what_is_spliced_is_seen(squid, browser, origins):
    both = origins.certificate(f"{BANK},DNS:{HOST}")  # what has another, Squid refuses by itself
    with Origin(certificate=both).running() as liar:
        place = f"{HOST}:{liar.port('https')}"
        url = f"https://{place}/bytes/9?blocked"
        with browser.connected(url) as connection:
            tls = browser.trusted.wrap_socket
            browser.trusted.wrap_socket = lambda sock, **_: tls(sock, server_hostname=BANK)
            answer = browser.fetch_on(connection, url)
    assert (answer.status, b"a rule" in answer.body) == (403, True)
    assert logged(squid, "icap", f"{place}/bytes/9?blocked|REQMOD|200|ICAP_SAT|")


def test_a_tunnel_that_is_refused_shows_no_page(browser, origin):
    with pytest.raises(OSError, match="Tunnel connection failed: 403 Forbidden"):
        browser.fetch(f"https://{WALLED}:{origin.port('https')}/")


def test_services_need_not_be_asked_about_tunnels(page_server, page_squid, authority, origin):
    every = {"adaptation_access zcadapt_reqmod allow all\n": PAGE["squid-no-connect"]}
    with page_squid(forward(page_server, every), BUMPING) as squid:
        answer = Browser(squid).fetch(origin.url("/bytes/1?blocked", "https"))
        assert answer.status == 403
        assert logged(squid, "icap", "?blocked|REQMOD|200|ICAP_SAT|")
        assert f"\n{HOST}:" not in (squid.folder / "icap.log").read_text()
