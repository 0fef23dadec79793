"""How a decision goes out follows from what the client allowed, and from nothing else."""

import itertools
from enum import Enum

import pytest

from zcadapt.icap.answer import Answer
from zcadapt.icap.decisions import Modify, allow, modify, respond
from zcadapt.icap.events import RequestHead
from zcadapt.icap.head import RequestLine
from zcadapt.icap.headers import Headers, split_head
from zcadapt.icap.http import HTTPRequest, HTTPResponse
from zcadapt.icap.reply import UNMODIFIED, Reply, Source, choose, with_length

POST = b"POST http://a/b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX: 1\r\n\r\n"
GET = b"GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"HEAD http://a/b HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: 1\r\n\r\n"
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: 1\r\n\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n"
NOT_MODIFIED = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"


def asked(method="REQMOD", request=POST, response=None, *, body=True, allow=(), preview=None):
    line = RequestLine(method, "icap://h/", "/", "")
    return RequestHead(line, b"", {}, request, response, body, preview, frozenset(allow))


def respmod(response=OK, request=GET, **more):
    return asked("RESPMOD", request, response, **more)


async def pieces():
    yield b"x"


def head_of(reply):
    ((_, raw),) = reply.heads
    return raw


def headers_of(reply):
    return Headers(split_head(head_of(reply))[2])


ALLOWS = [c for n in range(4) for c in itertools.combinations(["204", "206", "trailers"], n)]


@pytest.mark.parametrize("in_preview", [True, False])
@pytest.mark.parametrize("allowed", ALLOWS)
@pytest.mark.parametrize(
    "decision", [None, allow(), modify(), modify(set_headers={"X": "1"}, remove_headers=["Y"])]
)
@pytest.mark.parametrize("head", [asked(), respmod(SIZED), asked(body=False), asked(request=None)])
def test_no_change_is_204_where_allowed_and_else_the_message_itself(
    head, decision, allowed, in_preview
):
    head.allow = frozenset(allowed)
    reply = choose(decision, head, in_preview=in_preview)
    if in_preview or "204" in allowed:
        assert reply is UNMODIFIED
    else:
        raw = head.request if head.line.method == "REQMOD" else head.response
        assert [raw for _, raw in reply.heads] == ([raw] if raw else [])
        assert reply.status == 200
        assert (reply.source is Source.ORIGINAL) == head.has_body


@pytest.mark.parametrize("in_preview", [True, False])
@pytest.mark.parametrize("allowed", ALLOWS)
@pytest.mark.parametrize("head", [asked(), respmod()])
def test_a_changed_head_is_206_where_allowed_and_else_travels_with_its_body(
    head, allowed, in_preview
):
    head.allow = frozenset(allowed)
    reply = choose(modify(set_headers={"X": "2"}), head, in_preview=in_preview)
    may_206 = "206" in allowed and (in_preview or "204" in allowed)
    assert (reply.status, reply.source) == (
        (206, Source.CLIENT) if may_206 else (200, Source.ORIGINAL)
    )
    assert reply.body == ("req-body" if head.line.method == "REQMOD" else "res-body")
    assert headers_of(reply)["x"] == "2"


def test_a_changed_head_without_a_body_is_all_there_is():
    reply = choose(
        modify(set_headers={"X": "2"}),
        asked(request=GET, body=False, allow=["204", "206"]),
        in_preview=True,
    )
    assert reply == Reply(200, (("req-hdr", GET[:-2] + b"X: 2\r\n\r\n"),))


def test_only_what_is_named_changes_in_a_head():
    raw = b"GET /\xe9 HTTP/1.1\r\nhost:a\r\nX:  1 \r\nA: b\r\n c\r\nno field\r\n\r\n"
    reply = choose(modify(set_headers={"X": "2"}), asked(request=raw), in_preview=False)
    assert head_of(reply) == raw.replace(b"X:  1 ", b"X: 2")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"method": "PUT"}, b"PUT http://a/b HTTP/1.1"),
        ({"url": "http://c/"}, b"POST http://c/ HTTP/1.1"),
        ({"method": "PUT", "url": "/"}, b"PUT / HTTP/1.1"),
        ({"status": 404}, b"POST http://a/b HTTP/1.1"),  # there is none in a request
        ({"remove_headers": ["X"]}, b"POST http://a/b HTTP/1.1"),
    ],
)
def test_a_request_line_changes_word_by_word(change, line):
    reply = choose(modify(**change), asked(), in_preview=False)
    assert head_of(reply).startswith(line + b"\r\n")


def test_a_request_line_of_two_words_keeps_two():
    reply = choose(modify(url="/c"), asked(request=b"GET /a b\r\n\r\n"), in_preview=False)
    assert head_of(reply) == b"GET /c\r\n\r\n"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"status": 404}, b"HTTP/1.1 404 Not Found"),
        ({"status": 404, "phrase": "Gone"}, b"HTTP/1.1 404 Gone"),
        ({"phrase": "Fine"}, b"HTTP/1.1 200 Fine"),
        ({"url": "/"}, b"HTTP/1.1 200 OK"),
    ],
)
def test_a_status_line_changes_word_by_word(change, line):
    reply = choose(modify(**change), respmod(), in_preview=False)
    assert head_of(reply).startswith(line + b"\r\n")


# A new body


@pytest.mark.parametrize("allowed", ALLOWS)
@pytest.mark.parametrize(
    "head", [asked(), respmod(), respmod(SIZED), asked(request=GET, body=False)]
)
def test_a_new_body_travels_with_its_length(head, allowed):
    head.allow = frozenset(allowed)
    reply = choose(modify(body=b"new body"), head, in_preview=True)
    assert (reply.status, reply.source, reply.data) == (200, Source.NEW, b"new body")
    assert headers_of(reply).get_all("content-length") == ["8"]
    assert "transfer-encoding" not in headers_of(reply)


def test_a_new_length_stands_where_the_old_one_stood():
    reply = choose(modify(body=b"new body"), respmod(SIZED), in_preview=False)
    assert head_of(reply) == SIZED.replace(b"5", b"8")


def test_the_length_of_a_body_that_is_made_is_not_known():
    body = pieces()
    reply = choose(modify(body=body), respmod(SIZED), in_preview=False)
    assert (reply.source, reply.data) == (Source.MADE, body)
    assert "content-length" not in headers_of(reply)


def test_who_makes_a_body_may_know_its_length():
    reply = choose(
        modify(body=pieces(), set_headers={"Content-Length": "1"}), respmod(SIZED), in_preview=False
    )
    assert headers_of(reply).get_all("content-length") == ["1"]


@pytest.mark.parametrize("how", ["set_headers", "add_headers"])
def test_a_service_cannot_lie_about_a_body_that_is_there(how):
    lies = {"content-length": "999", "Transfer-Encoding": "chunked"}
    for decision in (modify(body=b"new body", **{how: lies}), respond(200, lies, b"new body")):
        headers = headers_of(choose(decision, respmod(SIZED), in_preview=False))
        assert headers.get_all("content-length") == ["8"]
        assert "transfer-encoding" not in headers


def test_an_empty_body_is_none():
    reply = choose(modify(body=b""), respmod(SIZED), in_preview=False)
    assert (reply.body, reply.source) == ("null-body", Source.NONE)
    assert headers_of(reply)["content-length"] == "0"


def test_a_body_without_a_head_travels_alone():
    reply = choose(modify(body=b"x"), asked(request=None), in_preview=False)
    assert (reply.heads, reply.body, reply.data) == ((), "req-body", b"x")


# Responses that have no body (RFC 9112, 6.3)


def test_the_response_to_head_has_the_length_that_get_would_get():
    reply = choose(modify(body=b"new body"), respmod(SIZED, HEAD, body=False), in_preview=False)
    assert (reply.body, headers_of(reply)["content-length"]) == ("null-body", "8")
    reply = choose(respond(403, body=b"blocked"), asked(request=HEAD, body=False), in_preview=False)
    assert (reply.body, headers_of(reply)["content-length"]) == ("null-body", "7")


def test_a_head_request_may_still_be_given_a_body():
    reply = choose(modify(body=b"x"), asked(request=HEAD, body=False), in_preview=False)
    assert reply.body == "req-body"


@pytest.mark.parametrize("response", [NO_CONTENT, NOT_MODIFIED])
@pytest.mark.parametrize("body", [b"new", pieces()])
def test_a_response_that_has_no_body_gets_none(response, body):
    reply = choose(modify(body=body), respmod(response, body=False), in_preview=False)
    assert (reply.body, reply.source) == ("null-body", Source.NONE)
    assert "content-length" not in headers_of(reply)


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("body", [{}, {"body": b"new"}, {"body": pieces()}])
def test_a_response_that_loses_its_body_loses_its_length(status, body):
    reply = choose(
        modify(status=status, **body), respmod(SIZED, allow=["204", "206"]), in_preview=True
    )
    assert (reply.status, reply.body) == (200, "null-body")
    assert HTTPResponse(head_of(reply)).status == status
    assert "content-length" not in headers_of(reply)


def test_a_response_that_gains_a_body_has_it():
    reply = choose(
        modify(status=200, body=b"new"), respmod(NOT_MODIFIED, body=False), in_preview=False
    )
    assert (reply.body, reply.data, headers_of(reply)["content-length"]) == (
        "res-body",
        b"new",
        "3",
    )


# A response of our own


@pytest.mark.parametrize(
    "head", [asked(), asked(request=None), asked(body=False), respmod(), respmod(request=None)]
)
def test_a_response_stands_in_the_message_s_place(head):
    reply = choose(respond(403, {"X": "1"}, "blocked"), head, in_preview=False)
    assert reply == Reply(
        200,
        (("res-hdr", b"HTTP/1.1 403 Forbidden\r\nX: 1\r\nContent-Length: 7\r\n\r\n"),),
        "res-body",
        Source.NEW,
        b"blocked",
    )


def test_a_response_has_the_time_unless_it_tells_another():
    head = head_of(choose(respond(403), asked(), in_preview=False, now=784_111_777))
    assert b"\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n" in head
    own = respond(403, {"date": "Mon, 07 Nov 1994 08:49:37 GMT"})
    assert head_of(choose(own, asked(), in_preview=False, now=784_111_777)).count(b"ate: ") == 1


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (b"Sun, 06 Nov 1994 08:59:37 GMT", b"Sun, 06 Nov 1994 08:59:37 GMT"),
        (b"Sun, 06 Nov 1994 08:39:37 GMT", b"Sun, 06 Nov 1994 08:49:37 GMT"),
        (b"Sun, 99 Nov 9999999999999 08:59:37 GMT", b"Sun, 06 Nov 1994 08:49:37 GMT"),
        (b"soon", b"Sun, 06 Nov 1994 08:49:37 GMT"),
        (b"", b"Sun, 06 Nov 1994 08:49:37 GMT"),
    ],
)
def test_a_response_is_not_older_than_what_it_takes_the_place_of(theirs, ours):
    head = respmod(response=b"HTTP/1.1 304 Not Modified\r\nDate: %s\r\n\r\n" % theirs)
    reply = choose(respond(403), head, in_preview=False, now=784_111_777)
    assert b"\r\nDate: %s\r\n" % ours in head_of(reply)


class Status(int, Enum):
    GONE = 410


def test_a_status_goes_out_as_a_number_whatever_it_is_called():
    reply = choose(respond(Status.GONE), asked(), in_preview=False)
    assert head_of(reply).startswith(b"HTTP/1.1 410 Gone\r\n")
    reply = choose(modify(status=Status.GONE), respmod(), in_preview=False)
    assert head_of(reply).startswith(b"HTTP/1.1 410 Gone\r\n")


def test_a_response_without_a_body_says_so():
    reply = choose(respond(302, {"Location": "/"}), asked(), in_preview=False)
    assert head_of(reply) == b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
    assert reply.body == "null-body"


@pytest.mark.parametrize("status", [204, 304])
def test_a_response_that_may_have_no_body_has_none(status):
    reply = choose(respond(status, {"Content-Length": "3"}, b"abc"), asked(), in_preview=False)
    assert (reply.body, headers_of(reply).get("content-length")) == ("null-body", None)


def test_the_length_of_a_made_response_is_told_when_it_is_known():
    reply = choose(respond(200, {"X": "1"}, pieces()), asked(), in_preview=False)
    assert (reply.source, "content-length" in headers_of(reply)) == (Source.MADE, False)
    known = with_length(reply, 1234)
    assert head_of(known) == b"HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: 1234\r\n\r\n"
    assert head_of(with_length(known, 5)) == b"HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: 5\r\n\r\n"
    assert known._replace(heads=()) == reply._replace(heads=())


def test_nonsense_is_no_decision():
    with pytest.raises(TypeError, match="not a decision"):
        choose("yes", asked(), in_preview=False)


HEADS = [
    asked(),
    asked(body=False),
    asked(request=None),
    respmod(),
    respmod(SIZED, body=False),
    respmod(None, None),
]
DECISIONS = [
    None,
    allow(),
    Modify(),
    modify(set_headers={"X": "2"}),
    modify(status=204),
    modify(method="PUT", url="/", body=b"x"),
    modify(body=pieces()),
    respond(200),
    respond(403, body=b"x"),
    respond(304, body=b"x"),
    respond(200, body=pieces()),
]


@pytest.mark.parametrize("in_preview", [True, False])
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("decision", DECISIONS)
def test_whatever_goes_out_is_a_legal_answer(decision, head, in_preview):
    for allowed in ALLOWS:
        head.allow = frozenset(allowed)
        reply = choose(decision, head, in_preview=in_preview)
        assert reply.status in {200, 204, 206}
        names = [name for name, _ in reply.heads]
        kind = "res" if head.line.method == "RESPMOD" or "res-hdr" in names else "req"
        assert names in ([], [f"{kind}-hdr"])
        assert reply.body in {"null-body", f"{kind}-body"}
        assert (reply.body == "null-body") == (reply.source is Source.NONE)
        assert all(
            raw.endswith(b"\r\n\r\n") and raw.count(b"\r\n\r\n") == 1 for _, raw in reply.heads
        )
        assert Answer(reply.status, b"", reply.heads, reply.body).has_body == (
            reply.body != "null-body"
        )
        for _, raw in reply.heads:
            assert HTTPRequest(raw).headers.get_all("content-length") in (
                [],
                [HTTPRequest(raw).headers.get("content-length")],
            )
