"""Handlers as services: what they are asked about, and what their answers mean."""

import http
import logging
from functools import partial
from urllib.parse import urlparse

import pytest

from zcadapt import Allow, Modify, Respond, UnableError, reqmod
from zcadapt.compat.icap_server import (
    ContentAdaptationResponse,
    EncapsulatedData,
    ICAPMethod,
    ICAPRequest,
    service_of,
)
from zcadapt.testing import (
    Server,
    check_service,
    decide_now,
    reqmod_request,
    respmod_request,
)

POST = {"method": "POST", "headers": {"X-Old": "1", "Cookie": "a"}, "body": b"hello"}


def answering(*, altered=True, code=200, headers=None, **parts):
    """A handler that answers this, and puts what it was asked into `seen`."""

    async def handler(request):
        seen.append(request)
        return ContentAdaptationResponse(
            content=EncapsulatedData(**parts),
            icap_response_code=code,
            icap_response_headers=headers or {},
            content_was_altered=altered,
        )

    seen = []
    handler.seen = seen
    return handler


def asked(request):
    """What a handler sees of `request`."""
    handler = answering(altered=False)
    decide_now(service_of(handler), request)
    (seen,) = handler.seen
    return seen


def decided(request, **answer):
    return decide_now(service_of(answering(**answer)), request)


# What handlers are asked


def test_a_request_is_seen_as_it_was():
    seen = asked(
        reqmod_request(
            "http://example.com/",
            **POST,
            icap_headers=[("X-Twice", "1"), ("x-twice", "2")],
            endpoint="avi?a=b",
        )
    )
    assert isinstance(seen, ICAPRequest)
    line = seen.request_line
    assert line.method is ICAPMethod.REQMOD
    assert (line.service_name, line.uri.query) == (b"avi", b"a=b")
    assert (line.version_string, line.version) == (b"1.0", (1, 0))
    assert bytes(line) == b"REQMOD icap://icap.example/avi?a=b ICAP/1.0"
    assert seen.headers[b"allow"] == [b"204, 206"]
    assert seen.headers[b"x-twice"] == [b"1", b"2"]
    assert seen.body.request_header.startswith(b"POST http://example.com/ HTTP/1.1\r\n")
    assert seen.body.request_header.endswith(b"\r\n")
    assert not seen.body.request_header.endswith(b"\r\n\r\n")
    assert seen.body.request_body == b"hello"
    assert (seen.body.response_header, seen.body.response_body, seen.body.options_body) == (
        None,
        None,
        None,
    )


def test_a_response_is_seen_with_its_request():
    seen = asked(respmod_request("http://example.com/a", body=b"hello"))
    assert seen.request_line.method is ICAPMethod.RESPMOD
    assert seen.body.request_header.startswith(b"GET http://example.com/a HTTP/1.1\r\n")
    assert seen.body.response_header.startswith(b"HTTP/1.1 200 OK\r\n")
    assert (seen.body.request_body, seen.body.response_body) == (None, b"hello")


def test_a_response_may_come_alone():
    request = respmod_request("http://x/", body=b"hello")
    request._head.request = None
    assert asked(request).body.request_header is None


def test_a_response_may_come_without_its_head():
    request = respmod_request("http://x/", body=b"hello")
    request._head.response = None
    assert asked(request).body.response_header is None


def test_values_of_headers_are_the_bytes_that_came():
    seen = asked(reqmod_request("http://x/", icap_headers=[("X-Name", "caf\xe9")]))
    assert seen.headers[b"x-name"] == [b"caf\xe9"]


def test_of_the_path_only_the_first_slash_is_no_part_of_the_name():
    assert asked(reqmod_request("http://x/", endpoint="a/b/")).request_line.service_name == b"a/b/"


@pytest.mark.parametrize("body", [None, b""])
def test_there_is_no_body_where_there_are_no_bytes(body):
    assert asked(reqmod_request("http://x/", body=body)).body.request_body is None


@pytest.mark.parametrize("preview", [0, 3, 5])
def test_the_body_is_whole_whatever_the_preview(preview):
    request = reqmod_request("http://x/", method="POST", body=b"hello", preview=preview)
    assert asked(request).body.request_body == b"hello"


def test_a_uri_beyond_ascii_is_seen_quoted():
    seen = asked(reqmod_request("http://x/", endpoint="caf\xe9;a?b=%20[]"))
    assert seen.request_line.uri == urlparse(b"icap://icap.example/caf%E9;a?b=%20[]")


@pytest.mark.parametrize("host", ["[h", "h]", "[h]", "[::1"])
def test_a_host_that_is_no_address_is_seen_quoted(host):
    request = reqmod_request("http://x/")
    uri = f"icap://{host}/avi"
    request._head.line = request._head.line._replace(uri=uri, path="/avi")
    line = asked(request).request_line
    assert line.service_name == b"avi"
    assert line.uri.netloc.replace(b"%5B", b"[").replace(b"%5D", b"]") == host.encode()


def test_a_body_that_is_too_long_is_not_read():
    def request():
        return reqmod_request("http://x/", method="POST", body=b"hello", preview=0)

    handler = answering(altered=False)
    assert decide_now(service_of(handler, body_bytes=5), request()) is None
    with pytest.raises(UnableError, match="at most 4 bytes"):
        decide_now(service_of(handler, body_bytes=4), request())
    assert len(handler.seen) == 1


# What their answers mean


@pytest.mark.parametrize(
    "answer", [{"altered": False}, {"code": 204}, {"altered": False, "code": 204}]
)
def test_what_is_not_altered_is_no_opinion(answer):
    request = reqmod_request("http://x/", **POST)
    assert decided(request, request_header=b"GET / HTTP/1.1\r\n", **answer) is None


def test_icap_headers_are_a_decision():
    request = reqmod_request("http://x/", **POST)
    decision = decided(request, altered=False, headers={b"X-Seen": [b"1", b"2"]})
    assert decision == Allow(icap_headers=(("X-Seen", "1"), ("X-Seen", "2")))


def test_what_the_server_says_is_not_for_handlers():
    headers = {name: [b"x"] for name in (b"ISTag", b"Encapsulated", b"date", b"Connection")}
    assert decided(reqmod_request("http://x/"), altered=False, headers=headers) is None


@pytest.mark.parametrize("code", [100, 206, 403, 500, http.HTTPStatus.NOT_FOUND])
def test_another_code_is_a_failure(code):
    with pytest.raises(UnableError, match=f"answers with {code}") as failed:
        decided(reqmod_request("http://x/"), code=code, headers={b"X-Why": [b"x"]})
    assert failed.value.icap_headers == (("X-Why", "x"),)


def test_a_request_goes_on_as_it_was_altered():
    head = b"PUT http://y/ HTTP/1.1\r\nHost: y\r\nCookie: a\r\nX-New: 1\r\nX-New: 2\r\n"
    request = reqmod_request("http://x/", **POST)
    decision = decided(request, request_header=head, request_body=b"new")
    assert isinstance(decision, Modify)
    assert (decision.method, decision.url, decision.body) == ("PUT", "http://y/", b"new")
    assert decision.set_headers == (("Host", "y"), ("X-New", "1"), ("X-New", "2"))
    assert decision.remove_headers == ("x-old", "content-length")


def test_a_response_goes_on_as_it_was_altered():
    request = respmod_request("http://x/", headers={"X-Old": "1"}, body=b"hello")
    head = b"HTTP/1.1 404 Gone Away\r\nX-New: 1\r\n"
    decision = decided(request, response_header=head, response_body=b"new")
    assert (decision.status, decision.phrase, decision.body) == (404, "Gone Away", b"new")
    assert decision.set_headers == (("X-New", "1"),)
    assert "x-old" in decision.remove_headers


@pytest.mark.parametrize(
    ("before", "after", "decision"),
    [
        (b"GET http://x/a b HTTP/1.1", b"POST http://x/a b HTTP/1.1", Modify(method="POST")),
        (b"G(T http://x/ HTTP/1.1", b"G(T http://y/ HTTP/1.1", Modify(url="http://y/")),
        (b"GET http://x/ HTTP/1.1", b"GET http://x/ HTTP/1.0", Modify()),
    ],
)
def test_of_a_request_line_only_what_is_altered_is_sent_anew(before, after, decision):
    request = reqmod_request("http://x/")
    request._head.request = before + b"\r\n\r\n"
    assert decided(request, request_header=after + b"\r\n") == decision


@pytest.mark.parametrize(
    ("before", "after", "decision"),
    [
        (b"200 OK", b"404 OK", Modify(status=404, phrase="OK")),
        (b"200 OK", b"404", Modify(status=404, phrase="")),
        (b"200 OK", b"200 Fine", Modify(phrase="Fine")),
        (b"20x OK", b"20x Fine", Modify(phrase="Fine")),
        (b"200 \0", b"404 \0", Modify(status=404)),
        (b"20x \0", b"20x \0", Modify()),
    ],
)
def test_of_a_status_line_only_what_is_altered_is_sent_anew(before, after, decision):
    request = respmod_request("http://x/")
    request._head.response = b"HTTP/1.1 " + before + b"\r\n\r\n"
    head = b"HTTP/1.1 " + after + b"\r\n"
    assert decided(request, response_header=head) == decision


def test_fields_that_are_as_they_were_stay_as_they_came():
    request = reqmod_request("http://x/", **POST)
    request._head.request = b"GET http://x/ HTTP/1.1\r\nA: 1\r\nB: a\r\n b\r\nC: 1\r\n\r\n"
    head = b"GET http://x/ HTTP/1.1\r\nc: 1\r\nb: a b\r\nA: 1\r\n"
    assert decided(request, request_header=head, request_body=b"hello") == Modify()


def test_a_head_that_is_not_given_stays():
    decision = decided(reqmod_request("http://x/", **POST), request_body=b"new")
    assert decision == Modify(body=b"new")


def test_a_body_that_is_not_given_goes():
    assert decided(reqmod_request("http://x/", **POST)) == Modify(body=b"")


def test_a_body_that_is_the_same_is_not_sent_anew():
    assert decided(reqmod_request("http://x/", **POST), request_body=b"hello") == Modify()


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_a_body_may_be_of_another_kind_of_bytes(kind):
    new = kind(b"new")
    assert decided(reqmod_request("http://x/", **POST), request_body=new) == Modify(body=b"new")
    response = respmod_request("http://x/", body=b"hello")
    assert decided(response, response_body=kind(b"hello")) == Modify()
    parts = {"response_header": b"HTTP/1.1 200 OK\r\n", "response_body": new}
    assert decided(reqmod_request("http://x/"), **parts).body == b"new"


@pytest.mark.parametrize("body", ["new", 3])
def test_a_body_that_is_no_bytes_is_a_failure(body):
    with pytest.raises(TypeError, match="a body is bytes"):
        decided(reqmod_request("http://x/"), request_body=body)


def test_what_was_asked_can_be_altered_in_place():
    async def handler(request):
        request.body.request_body = request.body.request_body.upper()
        return ContentAdaptationResponse(request.body, 200, {}, content_was_altered=True)

    assert decide_now(service_of(handler), reqmod_request("http://x/", **POST)).body == b"HELLO"


def test_a_request_can_be_answered():
    head = b"HTTP/1.1 302 Over There\r\nLocation: http://y/\r\n"
    decision = decided(reqmod_request("http://x/", **POST), response_header=head)
    assert (decision.status, decision.phrase, decision.body) == (302, "Over There", b"")
    assert decision.headers == (("Location", "http://y/"),)


def test_a_response_without_its_head_can_be_given_one():
    request = respmod_request("http://x/", body=b"hello")
    request._head.response = None
    head = b"HTTP/1.1 200 OK\r\nX-New: 1\r\n"
    decision = decided(request, response_header=head, response_body=b"new")
    assert isinstance(decision, Respond)
    assert (decision.headers, decision.body) == ((("X-New", "1"),), b"new")


@pytest.mark.parametrize(
    "parts", [{"request_body": b"new"}, {"response_header": b"HTTP/1.1 200 OK\r\n"}]
)
def test_an_alteration_may_have_icap_headers(parts):
    decision = decided(reqmod_request("http://x/"), headers={b"X-Seen": [b"caf\xe9"]}, **parts)
    assert decision.icap_headers == (("X-Seen", "caf\xe9"),)


@pytest.mark.parametrize(
    "parts",
    [
        {"request_header": b"rubbish\r\n"},
        {"request_header": b"GET http://x/ HTTP/1.1\r\nX: a\rb\r\n"},
        {"response_header": b"rubbish\r\n"},
        {"response_header": b"HTTP/1.1 99 x\r\n"},
    ],
)
def test_a_head_that_is_none_is_a_failure(parts):
    with pytest.raises(ValueError, match=r"is not|would break|cannot stand"):
        decided(reqmod_request("http://x/"), **parts)


def test_what_somebody_else_has_written_wrong_is_left_alone():
    request = respmod_request("http://x/", body=b"hello")
    wrong = request._head.response.replace(b"\r\n\r\n", b"\r\nX Y: 1\r\nZ: a\rb\r\n")
    request._head.response = wrong + b"\r\n"
    decision = decided(request, response_header=wrong + b"New: 1\r\n", response_body=b"hello")
    assert decision == Modify(set_headers=(("New", "1"),))


# As services


def test_it_is_a_service_like_any_other():
    check_service(lambda: service_of(answering(altered=False)))
    check_service(lambda: service_of(answering(request_body=b"new", response_body=b"new")))


def test_what_it_says_of_itself_can_be_said():
    service = service_of(
        answering(), methods=["REQMOD"], preview=0, version="2", on_error="skip", timeout=5.0
    )
    assert (service.methods, service.preview, service.version) == (("REQMOD",), 0, "2")
    assert (service.on_error, service.timeout) == ("skip", 5.0)


@pytest.mark.parametrize(("headers", "seen"), [({}, ["50-after"]), ({b"X-Seen": [b"1"]}, [])])
def test_who_comes_next_is_asked_where_a_handler_has_no_opinion(headers, seen):
    asked = []
    services = {
        "10-quiet": service_of(answering(altered=False, headers=headers)),
        "50-after": reqmod(lambda request: asked.append("50-after")),
    }
    with Server(services) as server:
        answer = server.client().ask(reqmod_request("http://x/"))
    assert (answer.status, asked) == (204, seen)
    assert answer.headers.get("X-Seen") == ("1" if headers else None)


class Handler:
    async def __call__(self, request):
        """Do nothing."""

    async def method(self, request):
        """Do nothing."""


class OtherHandler(Handler):
    pass


async def one(request):
    """Do nothing."""


async def other(request):
    """Do nothing."""


def test_handlers_with_other_names_have_another_istag():
    handlers = [one, other, Handler(), OtherHandler(), Handler().method]
    names = [service_of(each).__qualname__ for each in handlers]
    assert names == ["one", "other", "Handler", "OtherHandler", "Handler.method"]
    assert [service_of(partial(partial(each))).__qualname__ for each in handlers] == names
    assert all(service_of(each).__module__ == __name__ for each in handlers)


def test_no_more_of_a_body_is_read_than_it_takes():
    service = service_of(answering(altered=False), preview=0, body_bytes=10)
    with Server({"old": service}) as server:
        client = server.client()
        head = b"PUT http://x/ HTTP/1.1\r\nHost: x\r\n\r\n"
        client.send(
            b"REQMOD icap://h/old ICAP/1.0\r\nHost: h\r\nEncapsulated: req-hdr=0, req-body=%d\r\n"
            b"\r\n%b" % (len(head), head) + b"b\r\n" + b"x" * 11 + b"\r\n"
        )
        assert client.answer().status == 500


def test_a_longer_body_than_it_takes_is_told(caplog):
    service = service_of(answering(altered=False), body_bytes=10)
    with caplog.at_level(logging.ERROR), Server({"old": service}) as server:
        client = server.client()
        for size, status in [(10, 204), (11, 500), (10, 204)]:
            request = reqmod_request("http://x/", method="PUT", body=b"x" * size, endpoint="old")
            assert client.ask(request).status == status
    assert "service 'old' cannot decide" in caplog.text
