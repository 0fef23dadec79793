"""Handlers as services of a zcadapt server, next to others."""
# ruff: noqa: FBT003 - as handlers are written

import pytest
from peers import chunks, request

from zcadapt import KEEP, Allow, Modify, Respond, UnableError, reqmod
from zcadapt.compat import icapserver, pyicap
from zcadapt.testing import Server, check_service, decide_now, reqmod_request, respmod_request

LEAVE = pyicap.BaseICAPRequestHandler.no_adaptation_required
POST = {"method": "POST", "headers": {"X-Old": "1", "Cookie": "a"}, "body": b"hello"}
PACKAGES = pytest.mark.parametrize("package", [pyicap, icapserver])


def handler(package=pyicap, **methods):
    return type("Handler", (package.BaseICAPRequestHandler,), methods)


def decided(request, *, package=pyicap, options=None, **methods):
    """What a handler decides; `options` are those of `service_of`."""
    kind = handler(package, **methods)
    return decide_now(package.service_of(kind, "echo", **(options or {})), request)


def said(**headers):
    """The method for OPTIONS of a handler that says this."""

    def options(self):
        self.set_icap_response(200)
        for name, value in headers.items():
            self.set_icap_header(name.replace("_", "-"), value)
        self.send_headers(False)

    return options


def all_of(self):
    pieces = []
    while piece := self.read_chunk():
        pieces.append(piece)
    return type(self)._zcadapt_text(b"").join(pieces)


# What a handler decides


@PACKAGES
@pytest.mark.parametrize("make", [reqmod_request, respmod_request])
def test_what_is_left_alone_is_no_opinion(package, make):
    leave = package.BaseICAPRequestHandler.no_adaptation_required
    assert (
        decided(make("http://x/"), package=package, echo_REQMOD=leave, echo_RESPMOD=leave) is None
    )


def test_icap_headers_are_a_decision():
    def mark(self):
        self.set_icap_header("X-Seen", "yes")
        self.set_icap_header("ISTag", "mine")
        self.set_icap_response(204)
        self.send_headers()

    assert decided(reqmod_request("http://x/"), echo_REQMOD=mark) == Allow(
        icap_headers=(("X-Seen", "yes"),)
    )


@PACKAGES
def test_a_copy_is_the_same(package):
    def copy(self):
        space = self._zcadapt_text(b" ")
        self.set_enc_request(space.join(self.enc_req))
        for name, values in self.enc_req_headers.items():
            for value in values:
                self.set_enc_header(name, value)
        self.send_headers(self.has_body)
        while piece := self.read_chunk():
            self.write_chunk(piece)

    for body in (None, b"", b"hello", bytes(2_000_000)):
        request = reqmod_request("http://x/", method="POST", headers={"ETag": "a"}, body=body)
        assert decided(request, package=package, echo_REQMOD=copy) == Modify()


def test_a_request_goes_on_as_it_is_changed():
    def change(self):
        self.set_enc_request(b"PUT http://y/ HTTP/1.1")
        self.set_enc_header(b"Host", b"y")
        for value in (b"1", b"2"):
            self.set_enc_header(b"X-New", value)
        self.send_headers(True)
        self.write_chunk(all_of(self).upper())
        self.write_chunk(b"")

    decision = decided(reqmod_request("http://x/", **POST), echo_REQMOD=change)
    assert isinstance(decision, Modify)
    assert (decision.method, decision.url, decision.body) == ("PUT", "http://y/", b"HELLO")
    headers = (("Host", "y"), ("X-New", "1"), ("X-New", "2"), ("Content-Length", "5"))
    assert decision.set_headers == headers
    assert decision.remove_headers == ("x-old", "cookie")


def test_a_response_goes_on_as_it_is_changed():
    def change(self):
        self.set_enc_status("HTTP/1.1 404 Gone Away")
        self.set_enc_header("X-New", "1")
        self.send_headers(False)

    decision = decided(
        respmod_request("http://x/", headers={"X-Old": "1"}, body=b"a"), echo_RESPMOD=change
    )
    assert (decision.status, decision.phrase, decision.body) == (404, "Gone Away", b"")
    assert decision.set_headers == (("X-New", "1"),)
    assert "x-old" in decision.remove_headers


@pytest.mark.parametrize("size", [5, 3_000_000])
def test_what_is_answered_goes_back_whole_and_with_its_length(size):
    def change(self):
        self.set_enc_status("HTTP/1.1 200 OK")
        self.set_enc_header("Content-Length", "7")
        self.send_headers(True)
        for _ in range(size // 5):
            self.write_chunk("12345")

    kind = handler(echo_RESPMOD=change, echo_REQMOD=change)
    with Server({"echo": pyicap.service_of(kind, "echo")}) as server:
        client = server.client()
        for make in (respmod_request, reqmod_request):
            answer = client.ask(make("http://x/", endpoint="echo"))
            assert answer.body == b"12345" * (size // 5)
            assert answer.response.headers.get_all("content-length") == [str(size)]


def test_a_page_answers_a_request():
    def block(self):
        self.set_icap_header("X-Infection-Found", "Type=0;")
        self.send_enc_error(403, "Not Here", body="<p>no</p>")

    decision = decided(reqmod_request("http://x/", **POST), echo_REQMOD=block)
    assert isinstance(decision, Respond)
    assert (decision.status, decision.phrase, decision.body) == (403, "Not Here", b"<p>no</p>")
    assert decision.headers == (("Content-Type", "text/html"), ("Content-Length", "9"))
    assert decision.icap_headers == (("X-Infection-Found", "Type=0;"),)


@pytest.mark.parametrize(
    ("method", "why"),
    [
        (lambda self: self.send_error(503, "full"), "503 full"),
        (lambda self: self.send_error(404), "answers with 404"),
        (lambda self: (self.set_icap_response(403), self.send_headers()), "with 403"),
        (lambda self: None, "500 the handler has sent nothing"),
    ],
)
def test_an_error_is_a_failure(method, why):
    def fail(self):
        self.set_icap_header("X-Error-Code", "full")
        return method(self)

    with pytest.raises(UnableError, match=why) as failed:
        decided(reqmod_request("http://x/"), echo_REQMOD=fail)
    assert (
        failed.value.icap_headers
        == ((("X-Error-Code", "full"), ("Connection", "close"))[: len(failed.value.icap_headers)])
    )


def raised(self):
    raise KeyError("that")


@pytest.mark.parametrize(
    ("method", "kind", "why"),
    [
        (raised, KeyError, "that"),
        (lambda self: self.send_headers(), pyicap.ICAPError, "neither set_enc_status nor"),
        (lambda self: self.set_enc_header("a", 7), pyicap.ICAPError, "the header a is bytes"),
    ],
)
def test_what_it_raises_is_what_the_server_sees(method, kind, why):
    with pytest.raises(kind, match=why):
        decided(reqmod_request("http://x/"), echo_REQMOD=method)


def test_what_is_set_and_not_sent_goes_with_the_body_that_was_read():
    def change(self):
        self.set_enc_request(b"PUT http://y/ HTTP/1.1")
        self.set_enc_header(b"Content-Length", b"5")
        all_of(self)

    decision = decided(reqmod_request("http://x/", **POST), echo_REQMOD=change)
    assert (decision.method, decision.url, decision.body) == ("PUT", "http://y/", KEEP)


def test_a_response_to_head_has_the_length_of_its_page():
    kind = handler(echo_REQMOD=lambda self: self.send_enc_error(403, body="<p>no</p>"))
    with Server({"echo": pyicap.service_of(kind, "echo")}) as server:
        answer = server.client().ask(reqmod_request("http://x/", method="HEAD", endpoint="echo"))
    assert answer.response.headers.get_all("content-length") == ["9"]
    assert not answer.body


def test_an_error_is_written_down_by_the_server_alone(capsys):
    with pytest.raises(UnableError):
        decided(reqmod_request("http://x/"), echo_REQMOD=lambda self: self.send_error(403))
    assert capsys.readouterr().err == ""


def test_a_response_cannot_become_a_request():
    def wrong(self):
        self.set_enc_request("GET / HTTP/1.1")
        self.send_headers()

    with pytest.raises(UnableError, match="answers a RESPMOD with a request"):
        decided(respmod_request("http://x/"), echo_RESPMOD=wrong)


# What it sees


def test_it_sees_what_it_would_see_by_itself(capsys):
    def look(self):
        self.log_message("seen")
        seen.update(vars(self), address=self.client_address, server=self.server)
        self.no_adaptation_required()

    seen, place = {}, object()
    icap_headers = [("X-Client-IP", "10.0.0.1"), ("X-Twice", "1"), ("x-twice", "2")]
    request = reqmod_request("http://x/", **POST, icap_headers=icap_headers, endpoint="all?a=b")
    decided(request, echo_REQMOD=look, options={"server": place})
    assert seen["servicename"] == b"echo"
    assert seen["request_uri"] == b"icap://icap.example/all?a=b"
    assert seen["headers"][b"x-twice"] == [b"1", b"2"]
    assert seen["client_ip"] == b"10.0.0.1"
    assert b"204" in seen["allow"]
    assert seen["enc_req"] == [b"POST", b"http://x/", b"HTTP/1.1"]
    assert seen["enc_req_headers"][b"cookie"] == [b"a"]
    assert seen["encapsulated"][b"req-hdr"] == 0
    assert (seen["has_body"], seen["preview"]) == (True, None)
    assert (seen["address"][0], seen["server"]) == (request.peer[0], place)
    assert capsys.readouterr().err.count("\n") == 1  # of each request the server writes itself


@pytest.mark.parametrize("preview", [None, 0, 3, 5, 100])
def test_who_asks_for_no_preview_sees_none(preview):
    def look(self):
        seen.append((self.preview, all_of(self), self.ieof))
        self.cont()
        seen.append(all_of(self))
        self.no_adaptation_required()

    for options in ({}, {"echo_OPTIONS": said(Preview="3")}):
        seen = []
        request = reqmod_request("http://x/", method="POST", body=b"hello", preview=preview)
        decided(request, echo_REQMOD=look, **options)
        assert seen == [(None, b"hello", False), b""]


@pytest.mark.parametrize(
    ("preview", "expected"),
    [
        (0, [(0, b"", False), b"hello"]),
        (3, [(3, b"hel", False), b"lo"]),
        (5, [(5, b"hello", True)]),
        (9, [(9, b"hello", True)]),
        (None, [(None, b"hello", False), b""]),
    ],
)
@pytest.mark.parametrize("by", ["options", "argument"])
def test_who_asks_for_a_preview_sees_it(preview, expected, by):
    def look(self):
        seen.append((self.preview, all_of(self), self.ieof))
        if not self.ieof:
            self.cont()
            seen.append(all_of(self))
        else:
            with pytest.raises(pyicap.ICAPError, match="ieof"):
                self.cont()
        self.no_adaptation_required()

    seen = []
    methods = {"echo_REQMOD": look}
    if by == "options":
        methods["echo_OPTIONS"] = said(Preview="4", Transfer_Preview="*")
    service = pyicap.service_of(
        handler(**methods), "echo", **({} if by == "options" else {"preview": 4})
    )
    assert service.preview == 4
    request = reqmod_request("http://x/", method="POST", body=b"hello", preview=preview)
    decide_now(service, request)
    if expected[0][2] or preview is None or preview < 5:
        assert seen == expected


def test_over_the_wire_the_rest_is_asked_for_by_who_wants_it():
    def look(self):
        seen.append(all_of(self))
        if self.enc_req[1] == b"http://more/":
            self.cont()
            seen.append(all_of(self))
        self.no_adaptation_required()

    kind = handler(echo_OPTIONS=said(Preview="2", Transfer_Preview="*"), echo_REQMOD=look)
    with Server({"echo": pyicap.service_of(kind, "echo")}) as server:
        client = server.client()
        for host, expected in [("less", [b"he"]), ("more", [b"he", b"llo"])]:
            seen = []
            body = {"method": "POST", "body": b"hello", "preview": 2, "endpoint": "echo"}
            assert client.ask(reqmod_request(f"http://{host}/", **body)).status == 204
            assert seen == expected


# What it says of itself


def test_it_serves_what_it_has_methods_for():
    assert pyicap.service_of(handler(echo_REQMOD=LEAVE), "echo").methods == ("REQMOD",)
    both = handler(echo_respmod=LEAVE, echo_REQMOD=LEAVE, echo_OPTIONS=said(Methods="REQMOD"))
    assert pyicap.service_of(both, "echo").methods == ("REQMOD", "RESPMOD")
    with pytest.raises(ValueError, match="Handler has neither nobody_REQMOD nor nobody_RESPMOD"):
        pyicap.service_of(both, "nobody")


def test_a_preview_that_is_no_number_is_none():
    kind = handler(echo_RESPMOD=LEAVE, echo_OPTIONS=said(Preview="\xb2", Transfer_Preview="*"))
    assert pyicap.service_of(kind, "echo").preview == 0


def test_options_are_asked_once():
    words = {"Transfer_Preview": "*", "Transfer_Ignore": "jpg, png,gif", "Transfer_Complete": "*"}
    kind = handler(echo_RESPMOD=LEAVE, echo_OPTIONS=said(Preview="9", ISTag="v1", **words))
    service = pyicap.service_of(kind, "echo")
    assert (service.preview, service.version) == (9, '"v1"')
    assert (service.transfer_ignore, service.transfer_complete) == (("jpg", "png", "gif"), ())
    other = pyicap.service_of(kind, "echo", preview=5, version="2", on_error="skip", timeout=5.0)
    assert (other.preview, other.version) == (5, "2")
    assert (other.on_error, other.timeout) == ("skip", 5.0)


@pytest.mark.parametrize("method", [lambda self: 1 / 0, lambda self: self.send_error(500)])
def test_options_that_fail_say_nothing(method, caplog):
    kind = handler(echo_RESPMOD=LEAVE, echo_OPTIONS=method)
    assert pyicap.service_of(kind, "echo").preview == 0


def test_it_is_a_service_like_any_other():
    def change(self):
        self.set_enc_header("A", "b")
        self.send_headers(True)
        self.write_chunk(all_of(self).upper())

    for method in (LEAVE, change):
        kind = handler(echo_REQMOD=method, echo_RESPMOD=method)
        check_service(lambda kind=kind: pyicap.service_of(kind, "echo"))


def test_who_comes_next_is_asked_where_it_has_no_opinion():
    asked = []
    services = {
        "10-old": pyicap.service_of(handler(echo_REQMOD=LEAVE), "echo"),
        "50-after": reqmod(lambda request: asked.append("50-after")),
    }
    with Server(services) as server:
        assert server.client().ask(reqmod_request("http://x/")).status == 204
    assert asked == ["50-after"]


def test_a_handler_answers_the_same_mounted_and_alone(serve):
    def block(self):
        self.send_enc_error(403, "Not Here", body="<p>no</p>")

    kind = handler(echo_REQMOD=block)
    alone = serve(kind).connect().ask("REQMOD", "echo", chunks(b"hello"))
    with Server({"echo": pyicap.service_of(kind, "echo")}) as server:
        client = server.client()
        client.send(request("REQMOD", "echo", chunks(b"hello")))
        answer = client.answer()
    assert answer.body == b"<p>no</p>"
    assert alone.endswith(b"\r\n\r\n" + chunks(answer.body))
    assert answer.response.raw.split(b"\r\n")[0] in alone
    assert decided(reqmod_request("http://x/"), echo_REQMOD=block).body is not KEEP
