"""What handlers see of a request, whose method is called, and what is written down."""
# ruff: noqa: N802 - as handlers are written

import re

import pytest
from peers import REQUEST, RESPONSE, chunks, request

from zcadapt.compat import icapserver, pyicap
from zcadapt.compat.request_handler import method_of

LEAVE = pyicap.BaseICAPRequestHandler.no_adaptation_required
FIELDS = [
    "command",
    "request_uri",
    "requestline",
    "request_version",
    "version",
    "servicename",
    "headers",
    "encapsulated",
    "preview",
    "allow",
    "client_ip",
    "enc_req",
    "enc_req_headers",
    "enc_res_status",
    "enc_res_headers",
    "has_body",
    "eob",
    "ieof",
    "icap_response_code",
    "icap_headers",
    "enc_headers",
    "enc_status",
    "enc_request",
    "close_connection",
]
MORE = ("Allow: 204, 206", "allow: trailers", "Preview: 10", "X-Client-IP: 10.0.0.1", "A:  \xe9 ")


@pytest.fixture
def seen(serve):
    """What a handler sees of a request."""

    def seen(*asked, package=pyicap, **more):
        def look(self):
            found.append({name: getattr(self, name) for name in FIELDS})
            self.no_adaptation_required()

        found = []
        served = serve(package=package, **{f"echo_{asked[0]}": look})
        served.connect().ask(*asked, **more)
        return found[0]

    return seen


def test_a_response_is_seen_in_bytes(seen):
    found = seen("RESPMOD", "echo/?a=b", chunks(b"hello"), *MORE, heads=RESPONSE)
    assert (found["command"], found["servicename"]) == (b"RESPMOD", b"echo")
    assert found["request_uri"] == b"icap://h/echo/?a=b"
    assert found["requestline"] == b"RESPMOD icap://h/echo/?a=b ICAP/1.0"
    assert found["request_version"] == found["version"] == b"ICAP/1.0"
    assert found["headers"][b"allow"] == [b"204, 206", b"trailers"]
    assert found["headers"][b"a"] == [b"\xe9"]
    assert found["encapsulated"] == {b"res-hdr": 0, b"res-body": len(RESPONSE)}
    assert found["client_ip"] == b"10.0.0.1"
    assert (found["enc_req"], found["enc_req_headers"]) == (None, {})
    assert found["enc_res_status"] == [b"HTTP/1.1", b"200", b"OK"]
    assert found["enc_res_headers"] == {b"etag": [b"a"], b"x-old": [b"1"]}
    assert (found["has_body"], found["eob"], found["ieof"]) == (True, False, False)
    assert (found["icap_response_code"], found["enc_status"], found["enc_request"]) == (None,) * 3
    assert found["close_connection"] is False


def test_a_request_is_seen_in_str(seen):
    found = seen("REQMOD", "echo", None, *MORE, package=icapserver)
    assert (found["command"], found["servicename"]) == ("REQMOD", "echo")
    assert found["request_uri"] == "icap://h/echo"
    assert found["headers"]["a"] == ["\xe9"]
    assert found["encapsulated"] == {"req-hdr": 0, "null-body": len(REQUEST)}
    assert found["client_ip"] == "10.0.0.1"
    assert found["enc_req"] == ["GET", "http://x/", "HTTP/1.1"]
    assert found["enc_req_headers"] == {"host": ["x"], "x-old": ["1"]}
    assert (found["enc_res_status"], found["enc_res_headers"]) == (None, {})
    assert found["has_body"] is False


@pytest.mark.parametrize("package", [pyicap, icapserver])
def test_preview_and_allow_are_what_was_documented_and_what_they_were(seen, package):
    found = seen("RESPMOD", "echo", chunks(), *MORE, package=package)
    preview, allow = found["preview"], found["allow"]
    assert isinstance(preview, int)
    assert (preview == 10, preview == b"10", preview == "10", preview > 9) == (True,) * 4
    assert isinstance(allow, set)
    text = package.BaseICAPRequestHandler._zcadapt_text
    assert allow == {text(b"204"), text(b"206"), text(b"trailers")}
    assert ("204" in allow, b"204" in allow, "205" in allow, 204 in allow) == (
        True,
        True,
        False,
        False,
    )


def test_a_preview_of_0_is_one(seen):
    assert seen("RESPMOD", "echo", chunks(), "Preview: 0")["preview"]
    assert seen("RESPMOD", "echo", chunks(), "Allow: 204")["preview"] is None


@pytest.mark.parametrize("package", [pyicap, icapserver])
def test_what_is_not_there_is_empty(seen, package):
    found = seen("REQMOD", "echo", None, package=package)
    assert found["client_ip"] == package.BaseICAPRequestHandler._zcadapt_text(b"")
    assert (found["allow"], found["preview"]) == (set(), None)


def test_a_status_line_without_phrase_has_two_words(seen):
    found = seen("RESPMOD", "echo", None, "Allow: 204", heads=b"HTTP/1.1 200\r\n\r\n")
    assert found["enc_res_status"] == [b"HTTP/1.1", b"200"]


def test_a_request_is_seen_as_if_it_were_the_first(serve):
    def look(self):
        found.append([self.headers.get(b"a"), self.preview, self.eob, dict(self.icap_headers)])
        self.read_chunk()
        self.set_icap_header("A", "b")
        self.set_enc_status("HTTP/1.1 403 No")
        self.no_adaptation_required()

    found = []
    peer = serve(echo_RESPMOD=look).connect()
    peer.ask("RESPMOD", "echo", chunks(), "A: b", "Preview: 0")
    peer.ask("RESPMOD", "echo", None)
    assert found == [[[b"b"], 0, False, {}], [None, None, False, {}]]


def test_a_class_may_have_a_version_of_its_own(serve):
    def look(self):
        self.set_icap_header("X-Version", self.version)
        self.no_adaptation_required()

    peer = serve(echo_RESPMOD=look, version=b"7").connect()
    assert b"\r\nX-Version: 7\r\n" in peer.ask()


def test_an_instance_may_have_a_version_of_its_own(serve):
    def look(self):
        self.version = b"8"
        self.set_icap_header("X-Version", self.version)
        self.no_adaptation_required()

    assert b"\r\nX-Version: 8\r\n" in serve(echo_RESPMOD=look).connect().ask()


@pytest.mark.parametrize(
    ("value", "closes"), [("close", True), ("X, Close", True), ("keep-alive", False)]
)
def test_a_request_that_is_the_last_is_seen_as_that(seen, value, closes):
    assert seen("RESPMOD", "echo", None, f"Connection: {value}")["close_connection"] is closes


# Whose method is called


def test_a_service_has_a_method_for_each_command_in_either_case(serve):
    def say(word):
        return lambda self: (self.set_icap_header("X-By", word), self.no_adaptation_required())

    served = serve(
        echo_options=say("options"),
        echo_REQMOD=say("REQMOD"),
        echo_respmod=say("respmod"),
        **{"a/b_REQMOD": say("a/b"), "_OPTIONS": say("none")},
    )
    peer = served.connect()
    for asked, word in [
        (("OPTIONS", "echo"), b"options"),
        (("REQMOD", "echo?x=y"), b"REQMOD"),
        (("REQMOD", "/echo/"), b"REQMOD"),
        (("RESPMOD", "echo"), b"respmod"),
        (("REQMOD", "a/b"), b"a/b"),
        (("OPTIONS", ""), b"none"),
    ]:
        assert b"\r\nX-By: " + word + b"\r\n" in peer.ask(*asked)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (("REQMOD", "nobody"), b"404 ICAP Service Not Found"),
        (("OPTIONS", "nobody"), b"404 ICAP Service Not Found"),
        (("OPTIONS", "echo"), b"405 Method Not Allowed For Service"),
        (("REQMOD", "echo"), b"405 Method Not Allowed For Service"),
        (("RESPMOD", "word"), b"404 ICAP Service Not Found"),
        (("RESPMOD", "caf\xe9"), b"404 ICAP Service Not Found"),
    ],
)
def test_what_is_not_served_is_told(serve, asked, status):
    peer = serve(echo_RESPMOD=LEAVE, word_RESPMOD="a word").connect()
    peer.send(request(*asked))
    assert peer.rest() == (
        b"ICAP/1.0 " + status + b"\r\n*\r\nConnection: close\r\nEncapsulated: null-body=0\r\n\r\n"
    )


def test_only_methods_for_commands_can_be_called():
    assert method_of(pyicap.BaseICAPRequestHandler, "date_time", "OPTIONS") is None
    assert method_of(pyicap.BaseICAPRequestHandler, "", "REQMOD") is None


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (pyicap.ICAPError(404), b"404 ICAP Service Not Found"),
        (pyicap.ICAPError(), b"500 Server Error"),
        (pyicap.ICAPError(451), b"451 Unavailable For Legal Reasons"),
        (pyicap.ICAPError(451, b"not this"), b"451 not this"),
        (ValueError("secret"), b"500 Server Error"),
        (TimeoutError(), b"500 Server Error"),
    ],
)
def test_what_a_method_raises_is_answered(serve, error, status, caplog):
    def fail(self):
        raise error

    peer = serve(echo_RESPMOD=fail).connect()
    peer.send(request("RESPMOD", "echo", chunks(b"hello")))
    assert peer.rest() == (
        b"ICAP/1.0 " + status + b"\r\n*\r\nConnection: close\r\nEncapsulated: null-body=0\r\n\r\n"
    )


# What is written down


class Handler(pyicap.BaseICAPRequestHandler):
    def echo_RESPMOD(self):
        self.no_adaptation_required()

    def fail_RESPMOD(self):
        self.send_error(403, b"no\x1b[2J")

    def word_RESPMOD(self):
        self.log_message("%s and %s of %d%%", b"bytes\r\n", "str\x9b", 7)
        self.log_message("100%")
        self.log_message("%(who)s is %(what)d", {"who": b"a\x1b", "what": 7})
        self.no_adaptation_required()


@pytest.mark.parametrize(
    ("service", "line"),
    [
        ("echo?user=ann&password=pw", '"RESPMOD /echo ICAP/1.0" 204 -'),
        ("fail", "code 403, message no\\x1b[2J"),
        ("word", "bytes\\x0d\\x0a and str\\x9b of 7%"),
        ("word", "a\\x1b is 7"),
        ("nobody?secret", "code 404, message Not Found"),
    ],
)
def test_lines_go_to_standard_error_without_secrets_and_controls(serve, capsys, service, line):
    with serve(Handler).connect() as peer:
        peer.send(request("RESPMOD", service, None, "Allow: 204", "Connection: close"))
        peer.rest()
    written = capsys.readouterr().err.splitlines()
    shape = r"127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4} \d\d:\d\d:\d\d\] "
    assert all(re.match(shape, each) for each in written)
    assert line in [re.sub(shape, "", each) for each in written]
    assert not re.search("secret|pw|b'", "\n".join(written))


def test_what_went_wrong_in_a_handler_is_in_the_log_with_its_place(serve, caplog):
    def fail(self):
        raise ValueError("that")

    peer = serve(echo_RESPMOD=fail).connect()
    peer.send(request("RESPMOD", "echo?secret", None, "Proxy-Authorization: secret"))
    peer.rest()
    assert "the handler failed for 'RESPMOD /echo'" in caplog.text
    assert "ValueError: that" in caplog.text
    assert "secret" not in caplog.text


def test_no_name_is_looked_up(serve, monkeypatch):
    def look(self):
        found.append(self.address_string())
        self.no_adaptation_required()

    monkeypatch.setattr("socket.getfqdn", None)
    monkeypatch.setattr("socket.gethostbyaddr", None)
    found = []
    serve(echo_RESPMOD=look).connect().ask()
    assert found == ["127.0.0.1"]


def test_how_it_calls_itself_can_be_changed(serve):
    served = serve(echo_RESPMOD=LEAVE, _server_version="Mine/1", _sys_version="x")
    peer = served.connect()
    peer.send(request())
    assert b"\r\nServer: Mine/1 x\r\n" in peer.until(b"\r\n\r\n")
