"""The plugin in a fresh environment: found, harmless, and heard on the wire."""

import json
import re
import socket

import pytest

SETTINGS = """
[services.zz-headers]
rules = [
    { set = { X-Tenant = "ours" }, remove = ["X-Debug"], when = { hosts = [".example.com"] } },
    { to = "response", remove = ["Server"], when = { status = ["5xx"] } },
    { to = "response", set = { X-Frame-Options = "DENY" }, when = { types = ["text/html"] } },
]
[services.zz-headers.presets]
youtube = { mode = "moderate" }
"""


@pytest.fixture(scope="session")
def address(serving, tmp_path_factory):
    with serving(SETTINGS, tmp_path_factory.mktemp("served") / "log") as port:
        yield "127.0.0.1", port


def request(url, *headers):
    return "".join(f"{line}\r\n" for line in (f"POST {url} HTTP/1.1", *headers, "")).encode()


def response(first, *headers):
    return "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {first}", *headers, "")).encode()


class Client:
    """Speaks ICAP as a proxy does that shows nothing of a body before it is asked to."""

    def __init__(self, address, allow):
        self.sock = socket.create_connection(address, 30)
        self.file = self.sock.makefile("rb")
        self.allow = allow

    def ask(self, method, **heads):
        """Send a message that has a body, but none of it; return the head of the answer."""
        parts, offset = [], 0
        for name, head in heads.items():
            parts.append(f"{name}-hdr={offset}")
            offset += len(head)
        kind = "req" if method == "REQMOD" else "res"
        self.sock.sendall(
            f"{method} icap://here/{method.lower()} ICAP/1.0\r\nHost: here\r\nPreview: 0\r\n"
            f"Allow: {self.allow}\r\n"
            f"Encapsulated: {', '.join(parts)}, {kind}-body={offset}\r\n\r\n".encode()
            + b"".join(heads.values())
            + b"0\r\n\r\n"
        )
        return self.head()

    def head(self):
        return b"".join(iter(self.file.readline, b"\r\n")).decode()

    def close(self):
        """Return what the server has sent beyond all that was read."""
        self.sock.shutdown(socket.SHUT_WR)
        rest = self.file.read()
        self.file.close()
        self.sock.close()
        return rest


def test_it_is_listed(installation):
    listed = json.loads(installation.run("zcadapt", "plugins", "--json"))
    assert [(row["name"], row["distribution"]) for row in listed["icap"]] == [
        ("zz-headers", "zcadapt-headers")
    ]


def test_its_settings_are_checked_with_their_place(installation, tmp_path):
    settings = tmp_path / "zcadapt.toml"
    settings.write_text('[services.zz-headers.presets]\nslack = { requester = "x" }\n')
    told = installation.run("zcadapt", "check", str(settings), code=1)
    assert "zcadapt.toml:2: [services.zz-headers.presets.slack] requester: must be" in told
    assert "zcadapt.toml:2: [services.zz-headers.presets.slack] workspaces: is missing" in told


def test_installed_and_not_configured_it_changes_nothing_and_says_so_once(serving, tmp_path):
    with serving("", tmp_path / "log") as port:
        client = Client(("127.0.0.1", port), "204, 206")
        for _ in range(3):
            answer = client.ask("REQMOD", req=request("http://www.youtube.com/"))
            assert answer.startswith("ICAP/1.0 204 ")
        assert client.close() == b""
    told = "service 'zz-headers' is not configured: it has no rules and no presets"
    assert (tmp_path / "log").read_text().count(told) == 1


def test_the_options_ask_for_no_body(address):
    client = Client(address, "")
    client.sock.sendall(b"OPTIONS icap://here/zz-headers ICAP/1.0\r\nHost: here\r\n\r\n")
    told = client.head()
    client.close()
    assert "\r\nMethods: REQMOD, RESPMOD\r\n" in told
    assert "\r\nPreview: 0\r\n" in told
    assert re.search(r"\r\nAllow: .*206", told)


def test_the_headers_of_a_request_are_changed_and_no_body_travels(address):
    client = Client(address, "204, 206")
    head = request(
        "http://www.example.com/", "Host:  www.example.com", "X-Debug: 1", "Content-Length: 99"
    )
    answer = client.ask("REQMOD", req=head)
    assert answer.startswith("ICAP/1.0 206 ")
    changed = client.head()
    assert changed == (
        "POST http://www.example.com/ HTTP/1.1\r\n"
        "Host:  www.example.com\r\nContent-Length: 99\r\nX-Tenant: ours\r\n"
    )
    assert client.close() == b"0; use-original-body=0\r\n\r\n"


def test_the_headers_of_a_response_are_changed_and_no_body_travels(address):
    client = Client(address, "204, 206")
    heads = {
        "req": request("http://other.example/"),
        "res": response("503 Sorry", "Server: Apache/1.3", "Content-Type: text/html; charset=x"),
    }
    assert client.ask("RESPMOD", **heads).startswith("ICAP/1.0 206 ")
    assert client.head() == (
        "HTTP/1.1 503 Sorry\r\nContent-Type: text/html; charset=x\r\nX-Frame-Options: DENY\r\n"
    )
    assert client.close() == b"0; use-original-body=0\r\n\r\n"


def test_a_client_without_206_sends_its_body_and_gets_it_back(address):
    client = Client(address, "204")
    answer = client.ask("REQMOD", req=request("http://www.youtube.com/", "Host: www.youtube.com"))
    assert answer.startswith("ICAP/1.0 100 ")
    client.sock.sendall(b"5\r\nhello\r\n0\r\n\r\n")
    assert client.head().startswith("ICAP/1.0 200 ")
    assert "YouTube-Restrict: Moderate\r\n" in client.head()
    assert client.close() == b"5\r\nhello\r\n0\r\n\r\n"


def test_where_no_rule_holds_nothing_is_changed(address):
    client = Client(address, "204, 206")
    answer = client.ask("REQMOD", req=request("http://other.example/", "Host: other.example"))
    assert answer.startswith("ICAP/1.0 204 ")
    assert client.close() == b""
