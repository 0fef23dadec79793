"""What handlers answer, to the byte, and what they read."""
# ruff: noqa: FBT003 - as handlers are written

import threading

import pytest
from peers import (
    FAILED,
    NOT_NEEDED,
    OK,
    REQUEST,
    RESPONSE,
    chunks,
    copied,
    request,
    unchunked,
    whole,
)

from zcadapt.compat import icapserver, pyicap
from zcadapt.compat.texts import ICAPError

CONTINUE = b"ICAP/1.0 100 Continue\r\n\r\n"
BODY = chunks(b"hello", b"world")
LEAVE = pyicap.BaseICAPRequestHandler.no_adaptation_required
HEADS = {"REQMOD": ("req", REQUEST), "RESPMOD": ("res", RESPONSE)}
METHODS = pytest.mark.parametrize("method", HEADS)


def all_of(handler):
    """Read a body to its end."""
    pieces = []
    while piece := handler.read_chunk():
        pieces.append(piece)
    return b"".join(pieces)


# OPTIONS


def test_options_are_what_the_handler_says_and_what_must_be(ask):
    def options(self):
        self.set_icap_response(200)
        self.set_icap_header("Methods", "RESPMOD")
        self.set_icap_header(b"options-ttl", b"60")
        self.set_icap_header("Transfer-Complete", "")
        self.send_headers(False)

    assert ask(options, "OPTIONS") == (
        b"ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\nOptions-TTL: 60\r\nAllow: 204\r\n*\r\n"
        b"Encapsulated: null-body=0\r\n\r\n"
    )


def test_what_a_handler_says_of_allow_stays(ask):
    def options(self):
        self.set_icap_header("Allow", "204, 206")
        self.send_headers()

    assert b"\r\nAllow: 204, 206\r\n*\r\n" in ask(options, "OPTIONS")


# no_adaptation_required


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (["Allow: 204"], BODY),
        (["Allow: 204"], None),
        (["Allow: 206, 204"], BODY),
        (["Preview: 0"], chunks()),
        (["Preview: 5"], chunks(b"hello")),
        (["Preview: 5"], chunks(b"abc", end=b"0; ieof\r\n\r\n")),
        (["Preview: 0"], None),
    ],
)
@METHODS
def test_204_is_said_where_the_client_allows_it(serve, method, fields, body):
    peer = serve(**{f"echo_{method}": LEAVE}).connect()
    for _ in range(2):  # and the connection stays
        assert peer.ask(method, "echo", body, *fields) == NOT_NEEDED


@pytest.mark.parametrize(("body", "back"), [(None, None), (chunks(), b""), (BODY, b"helloworld")])
@METHODS
def test_elsewhere_the_message_comes_back_as_it_was(serve, method, body, back):
    peer = serve(**{f"echo_{method}": LEAVE}).connect()
    part, head = HEADS[method]
    sent = back and chunks(back)
    for _ in range(2):
        answer = peer.ask(method, "echo", body)
        assert answer == whole(part, head, body=chunks() if back == b"" else sent)


def test_a_message_without_a_head_comes_back_too(serve):
    peer = serve(echo_RESPMOD=LEAVE).connect()
    answer = peer.ask("RESPMOD", "echo", chunks(b"hello"), heads=b"")
    assert answer == OK + b"Encapsulated: res-body=0\r\n\r\n" + chunks(b"hello")


@pytest.mark.parametrize("allow", [[], ["Allow: 204"]])
@METHODS
def test_after_the_preview_204_has_to_be_allowed(serve, method, allow):
    def scan(self):
        seen.append(all_of(self))
        self.cont()
        seen.append(all_of(self))
        self.no_adaptation_required()

    seen = []
    peer = serve(**{f"echo_{method}": scan}).connect()
    peer.send(request(method, "echo", chunks(b"hello"), "Preview: 5", *allow))
    assert peer.until(b"\r\n\r\n") == CONTINUE
    peer.send(chunks(b", world"))
    answer = peer.answer()
    assert seen == [b"hello", b", world"]
    part, head = HEADS[method]
    if allow:
        assert answer == NOT_NEEDED
    else:
        assert answer == whole(part, head, body=chunks(b"hello, world"))


def test_a_204_of_the_handlers_own_is_said_only_where_it_may_be(serve):
    def leave(self):
        self.set_icap_response(204)
        self.send_headers()

    peer = serve(echo_RESPMOD=leave).connect()
    assert peer.ask("RESPMOD", "echo", None, "Allow: 204") == NOT_NEEDED
    assert peer.ask() == whole("res", RESPONSE)


def test_what_was_set_before_is_no_part_of_what_stays_as_it_is(serve):
    def leave(self):
        self.set_enc_status(b"HTTP/1.1 500 No")
        self.set_enc_header(b"X", b"1")
        self.set_icap_header(b"X-Seen", b"yes")
        self.no_adaptation_required()

    peer = serve(echo_RESPMOD=leave).connect()
    seen = b"X-Seen: yes\r\n"
    assert peer.ask("RESPMOD", "echo", None, "Allow: 204") == NOT_NEEDED.replace(b"*", seen + b"*")
    assert peer.ask() == whole("res", RESPONSE, icap=seen)


# send_headers and write_chunk


@pytest.mark.parametrize("last", [True, False])
def test_a_short_body_has_its_length_and_its_last_chunk(serve, last):
    def answer(self):
        copied(self)
        self.send_headers(True)
        self.write_chunk(b"hello")
        if last:
            self.write_chunk()

    peer = serve(echo_RESPMOD=answer).connect()
    head = RESPONSE.removesuffix(b"\r\n") + b"Content-Length: 5\r\n\r\n"
    for _ in range(2):
        assert peer.ask() == whole("res", head, body=chunks(b"hello"))


def test_a_length_that_the_handler_says_stays(ask):
    def answer(self):
        copied(self, **{"content-length": "5"})
        self.send_headers(True)
        self.write_chunk("hello")

    assert ask(answer).count(b"Content-Length: 5\r\n") == 1


def test_a_body_in_several_pieces_goes_as_it_is_written(ask):
    def answer(self):
        copied(self)
        self.send_headers(True)
        for piece in (b"a", bytearray(b"bc"), memoryview(b"d"), "\xe9", b""):
            self.send_chunk(piece)

    assert ask(answer) == whole("res", RESPONSE, body=chunks(b"a", b"bc", b"d", b"\xe9"))


def test_what_is_written_before_the_heads_sends_them(ask):
    def answer(self):
        copied(self)
        self.write_chunk(b"a")
        self.write_chunk(b"b")

    assert ask(answer) == whole("res", RESPONSE, body=chunks(b"a", b"b"))


def test_a_second_last_chunk_is_none(serve):
    def answer(self):
        copied(self)
        self.send_headers(True)
        for piece in (b"", b"", b""):
            self.write_chunk(piece)

    peer = serve(echo_RESPMOD=answer).connect()
    head = RESPONSE.removesuffix(b"\r\n") + b"Content-Length: 0\r\n\r\n"
    for _ in range(2):
        assert peer.ask() == whole("res", head, body=chunks())


@pytest.mark.parametrize("has_body", [True, False])
def test_data_behind_the_end_breaks_the_connection_and_not_the_answer(serve, has_body):
    def answer(self):
        copied(self)
        self.send_headers(has_body)
        self.write_chunk(b"")
        self.write_chunk(b"more")

    peer = serve(echo_RESPMOD=answer).connect()
    answer = peer.ask()
    assert answer.startswith(OK)
    assert b"more" not in answer
    assert peer.ask() == answer


@pytest.mark.parametrize("code", [100, 206])
def test_an_answer_that_cannot_be_made_so_is_a_failure(ask, code):
    def answer(self):
        self.set_icap_response(code)
        self.set_enc_status("HTTP/1.1 200 OK")
        self.send_headers()

    assert ask(answer).startswith(b"ICAP/1.0 500 ")


def test_a_response_to_a_request_without_body_has_length_0(ask):
    def answer(self):
        self.set_enc_status("HTTP/1.1 307 Temporary Redirect")
        self.set_enc_header("Location", "http://y/")
        self.send_headers(False)

    head = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://y/\r\nContent-Length: 0\r\n\r\n"
    assert ask(answer, "REQMOD") == whole("res", head)


@pytest.mark.parametrize("value", ["keep-alive", "closed"])
def test_a_connection_that_is_not_to_close_stays(serve, value):
    def answer(self):
        self.set_icap_header("Connection", value)
        self.no_adaptation_required()

    peer = serve(echo_RESPMOD=answer).connect()
    for _ in range(2):
        assert peer.ask("RESPMOD", "echo", None, "Allow: 204") == NOT_NEEDED


@pytest.mark.parametrize("name", ["connection", "CONNECTION", None])
def test_a_handler_can_close(serve, name):
    def answer(self):
        if name is None:
            self.close_connection = True
        else:
            self.set_icap_header(name, "Close")
        self.no_adaptation_required()

    peer = serve(echo_RESPMOD=answer).connect()
    peer.send(request("RESPMOD", "echo", None, "Allow: 204"))
    assert peer.rest() == NOT_NEEDED.replace(b"Encaps", b"Connection: close\r\nEncaps")


# Errors


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ((404,), b"404 ICAP Service Not Found"),
        ((403,), b"403 Forbidden"),
        ((451,), b"451 Unavailable For Legal Reasons"),
        ((799,), b"799 Unknown"),
        ((500, "no\r\nroom"), b"500 no room"),
        ((500, b"no room"), b"500 no room"),
    ],
)
@pytest.mark.parametrize("package", [pyicap, icapserver])
def test_an_error_ends_the_connection(serve, package, args, line):
    def fail(self):
        self.set_enc_status("HTTP/1.1 200 OK")
        self.set_enc_header("A", "1")
        self.set_icap_header("X-Error-Code", "full")
        self.send_error(*args)

    peer = serve(package=package, echo_RESPMOD=fail).connect()
    peer.send(request())
    expected = FAILED.replace(b"500 Server Error", line)
    assert peer.rest() == expected.replace(b"*", b"X-Error-Code: full\r\n*")


def test_a_page_stands_in_the_place_of_the_message(ask):
    def block(self):
        self.send_enc_error(403, "Not Here", body=b"<p>no</p>")

    head = (
        b"HTTP/1.1 403 Not Here\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n"  # as said
    )
    assert ask(block) == whole("res", head, body=chunks(b"<p>no</p>"))


def test_a_page_has_no_length_and_type_of_what_was_copied(ask):
    def block(self):
        copied(self)
        self.send_enc_error(403, body="no")

    heads = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-type: a/b\r\nETag: a\r\n"
    heads += b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    head = b"HTTP/1.1 403 Forbidden\r\nETag: a\r\n"
    head += b"Content-Type: text/html\r\nContent-Length: 2\r\n\r\n"
    answer = ask(block, "RESPMOD", "echo", chunks(b"hello"), heads=heads)
    assert answer == whole("res", head, body=chunks(b"no"))


@pytest.mark.parametrize("status", ["100 Continue", "204 No Content", "304 Not Modified"])
@METHODS
def test_a_response_that_has_no_body_is_given_none(serve, method, status):
    def page(self):
        self.send_enc_error(int(status[:3]), status[4:], body="no")

    def write(self):
        self.set_enc_status(f"HTTP/1.1 {status}")
        self.send_headers(True)
        for piece in (b"a", b"b", b""):
            self.write_chunk(piece)

    methods = {f"{name}_{method}": answer for name, answer in [("page", page), ("write", write)]}
    peer = serve(**methods).connect()
    for service in ("page", "write"):
        answer = peer.ask(method, service, chunks(b"hello"))
        assert answer == whole("res", f"HTTP/1.1 {status}\r\n\r\n".encode())


def test_a_response_to_head_has_the_head_alone(serve):
    heads = REQUEST.replace(b"GET", b"HEAD")
    peer = serve(echo_REQMOD=lambda self: self.send_enc_error(403, body="no")).connect()
    head = b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\n"
    for _ in range(2):
        assert peer.ask("REQMOD", "echo", None, heads=heads) == whole("res", head)


def test_a_response_that_loses_its_body_has_length_0(ask):
    def drop(self):
        self.set_enc_status("HTTP/1.1 200 OK")
        self.send_headers(False)

    head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    assert ask(drop, "RESPMOD", "echo", BODY) == whole("res", head)


def test_a_page_that_says_its_charset_is_not_given_another(ask):
    kind = "text/html; Charset=UTF-8"
    answer = ask(lambda self: self.send_enc_error(403, body="\u6f22", contenttype=kind))
    assert f"\r\nContent-Type: {kind}\r\n".encode() in answer


def test_a_page_leaves_before_the_handler_is_done(serve):
    def block(self):
        self.send_enc_error(403, body="no")
        assert read.wait(10)

    read = threading.Event()
    assert serve(echo_RESPMOD=block).connect().ask().endswith(chunks(b"no"))
    read.set()


@pytest.mark.parametrize("message", [[], [""], [None], [b""]])
@METHODS
def test_a_page_may_be_empty(serve, method, message):
    def block(self):
        self.set_enc_request("GET / HTTP/1.1")
        self.send_enc_error(451, *message)

    peer = serve(**{f"echo_{method}": block}).connect()
    head = b"HTTP/1.1 451 Unavailable For Legal Reasons\r\n"
    head += b"Content-Type: text/html\r\nContent-Length: 0\r\n\r\n"
    for _ in range(2):
        assert peer.ask(method) == whole("res", head)


@pytest.mark.parametrize(
    ("page", "sent", "kind"),
    [
        ("caf\xe9", b"caf\xe9", b"text/html"),
        ("\u6f22", "\u6f22".encode(), b"text/html; charset=utf-8"),
    ],
)
def test_a_page_that_is_a_str_goes_in_latin_1_or_else_in_utf_8(ask, page, sent, kind):
    answer = ask(lambda self: self.send_enc_error(403, body=page))
    assert b"\r\nContent-Type: " + kind + b"\r\n" in answer
    assert answer.endswith(chunks(sent))


@pytest.mark.parametrize("again", ["send_headers", "no_adaptation_required"])
def test_there_is_one_answer(serve, again):
    def answer(self):
        self.no_adaptation_required()
        with pytest.raises(ICAPError, match="already"):
            getattr(self, again)()
        with pytest.raises(ICAPError, match="already"):
            self.send_error(500)

    peer = serve(echo_RESPMOD=answer).connect()
    for _ in range(2):
        assert peer.ask("RESPMOD", "echo", None, "Allow: 204") == NOT_NEEDED


# The body


def test_a_preview_ends_until_the_rest_is_asked_for(serve):
    def read(self):
        seen.append((int(self.preview), all_of(self), self.ieof, self.eob, self.read_chunk()))
        self.cont()
        seen.append((self.eob, all_of(self), self.ieof, self.read_chunk()))
        self.no_adaptation_required()

    seen = []
    peer = serve(echo_RESPMOD=read).connect()
    peer.send(request("RESPMOD", "echo", chunks(b"abc"), "Preview: 3", "Allow: 204"))
    assert peer.until(b"\r\n\r\n") == CONTINUE
    peer.send(chunks(b"de", b"f"))
    assert peer.answer() == NOT_NEEDED
    assert seen == [(3, b"abc", False, True, b""), (False, b"def", False, b"")]


@pytest.mark.parametrize("end", [b"0; ieof\r\n\r\n", b"0;ieof\r\n\r\n", b"0;a=b; ieof\r\n\r\n"])
def test_a_preview_that_is_all_is_not_continued(serve, end):
    def read(self):
        seen.append((self.ieof, self.read_chunk(), self.ieof, self.read_chunk(), self.ieof))
        with pytest.raises(ICAPError, match="ieof") as refused:
            self.cont()
        assert refused.value.code == 500
        self.no_adaptation_required()

    seen = []
    peer = serve(echo_RESPMOD=read).connect()
    body = chunks(b"abc", end=end)
    assert peer.ask("RESPMOD", "echo", body, "Preview: 9") == NOT_NEEDED
    assert seen == [(False, b"abc", False, b"", True)]


def test_the_rest_is_asked_for_once_and_may_be_before_the_preview_is_read(serve):
    def read(self):
        self.cont()
        self.cont()
        seen.append(all_of(self))
        self.cont()
        self.no_adaptation_required()

    seen = []
    peer = serve(echo_RESPMOD=read).connect()
    peer.send(request("RESPMOD", "echo", chunks(b"abc"), "Preview: 3", "Allow: 204"))
    assert peer.until(b"\r\n\r\n") == CONTINUE
    peer.send(chunks(b"def"))
    assert peer.answer() == NOT_NEEDED
    assert seen == [b"abcdef"]


def test_a_request_has_its_own_preview(serve):
    def scan(self):
        all_of(self)
        if not self.ieof:
            self.cont()
        self.no_adaptation_required()

    def ask_more(self):
        self.cont()
        self.no_adaptation_required()

    peer = serve(echo_RESPMOD=scan, more_RESPMOD=ask_more, leave_RESPMOD=LEAVE).connect()
    whole_preview = chunks(b"a", end=b"0; ieof\r\n\r\n")
    for service in ("echo", "more"):
        assert peer.ask("RESPMOD", "echo", whole_preview, "Preview: 5") == NOT_NEEDED
        peer.send(request("RESPMOD", service, chunks(b"abcde"), "Preview: 5"))
        assert peer.until(b"\r\n\r\n") == CONTINUE
        peer.send(chunks(b"f"))
        assert unchunked(peer.answer().split(b"\r\n\r\n", 2)[2]) == b"abcdef"
        assert peer.ask("RESPMOD", "leave", chunks(b"abcde"), "Preview: 5") == NOT_NEEDED


@pytest.mark.parametrize("body", [None, BODY, chunks()])
def test_nothing_is_asked_for_without_a_preview(serve, body):
    def read(self):
        self.cont()
        seen.append(all_of(self))
        self.no_adaptation_required()

    seen = []
    peer = serve(echo_RESPMOD=read).connect()
    assert peer.ask("RESPMOD", "echo", body, "Allow: 204") == NOT_NEEDED
    assert seen == [unchunked(body) if body else b""]


def test_the_rest_can_be_asked_for_between_the_heads_and_the_body(serve):
    def copy(self):
        copied(self)
        self.send_headers(True)
        self.cont()
        while piece := self.read_chunk():
            self.write_chunk(piece)

    peer = serve(echo_RESPMOD=copy).connect()
    peer.send(request("RESPMOD", "echo", chunks(b"abc"), "Preview: 3"))
    assert peer.until(b"\r\n\r\n") == CONTINUE
    peer.send(chunks(b"def"))
    assert peer.answer() == whole("res", RESPONSE, body=chunks(b"abc", b"def"))


def test_the_rest_cannot_be_asked_for_after_an_answer(serve):
    def answer(self):
        self.no_adaptation_required()
        with pytest.raises(ICAPError, match="after an answer"):
            self.cont()
        asked.append(True)

    asked = []
    peer = serve(echo_RESPMOD=answer).connect()
    for _ in range(3):
        assert peer.ask("RESPMOD", "echo", chunks(b"a"), "Preview: 1") == NOT_NEEDED
    assert asked[:2] == [True, True]


def test_a_handler_that_does_not_see_the_end_is_stopped(ask):
    def read(self):
        while (piece := self.read_chunk()) != "":  # which bytes never equal
            ends.append(piece)

    ends = []
    assert ask(read, "RESPMOD", "echo", None).startswith(b"ICAP/1.0 500 the handler does not see")
    assert ends == [b""] * 1000


# What is set and never sent


def set_first(self):
    """Set the line, and read all: as the examples do that send the heads for who has no body."""
    if self.enc_res_status is None:
        self.set_enc_request(b"PUT http://y/ HTTP/1.1")
    else:
        self.set_enc_status(b"HTTP/1.1 404 Gone")
    self.set_enc_header("Content-Length", "10")
    return all_of(self)


@pytest.mark.parametrize("allow", [[], ["Allow: 204"]])
@pytest.mark.parametrize("body", [None, BODY, chunks(bytes(1_000_000))], ids=["", "short", "long"])
@METHODS
def test_what_is_set_and_not_sent_goes_with_the_body_that_was_read(serve, method, body, allow):
    peer = serve(**{f"echo_{method}": set_first}).connect()
    first = {"REQMOD": b"PUT http://y/ HTTP/1.1", "RESPMOD": b"HTTP/1.1 404 Gone"}[method]
    head = first + b"\r\nContent-Length: 10\r\n\r\n"
    for _ in range(2):
        answer = peer.ask(method, "echo", body, *allow)
        if body is None:
            assert answer == whole(HEADS[method][0], head)
        else:
            assert answer.startswith(whole(HEADS[method][0], head, body=b""))
            assert unchunked(answer.split(b"\r\n\r\n", 2)[2]) == unchunked(body)


def test_it_goes_with_what_follows_the_preview_too(serve):
    peer = serve(echo_REQMOD=set_first).connect()
    peer.send(request("REQMOD", "echo", chunks(b"abc"), "Preview: 3", "Allow: 204"))
    assert peer.until(b"\r\n\r\n") == CONTINUE
    peer.send(chunks(b"def"))
    assert unchunked(peer.answer().split(b"\r\n\r\n", 2)[2]) == b"abcdef"


def late(self):
    all_of(self)
    self.set_enc_request("GET / HTTP/1.1")


def part(self):
    self.set_enc_request("GET / HTTP/1.1")
    self.read_chunk()


def other(self):
    set_first(self)
    self.set_icap_response(404)


def response(self):
    self.set_enc_status("HTTP/1.1 200 OK")
    all_of(self)


@pytest.mark.parametrize("method", [late, part, other, response])
def test_what_is_set_and_cannot_go_with_a_body_is_a_failure(ask, method):
    answer = ask(method, "REQMOD", "echo", BODY, "Allow: 204")
    assert answer.startswith(b"ICAP/1.0 500 the handler has sent nothing\r\n")


def test_a_handler_that_sends_nothing_has_failed(ask):
    assert ask(all_of, "RESPMOD", "echo", BODY) == FAILED.replace(
        b"Server Error", b"the handler has sent nothing"
    )


@pytest.mark.parametrize("broken", [b"xyz\r\n", b"5\r\nhello!!"])
def test_a_body_that_is_broken_is_an_error_that_a_handler_can_see(serve, broken):
    def read(self):
        try:
            all_of(self)
        except ICAPError as error:
            seen.append(error.code)
            raise

    seen = []
    peer = serve(echo_RESPMOD=read).connect()
    peer.send(request("RESPMOD", "echo", broken))
    assert peer.rest() == FAILED.replace(b"500 Server Error", b"400 Bad Request")
    assert seen == [400]


def test_a_broken_body_can_be_answered_otherwise(serve):
    def read(self):
        with pytest.raises(ICAPError):
            all_of(self)
        with pytest.raises(ICAPError):  # and it does not end as if it were whole
            self.read_chunk()
        self.send_enc_error(502, body=b"no")

    peer = serve(echo_RESPMOD=read).connect()
    peer.send(request("RESPMOD", "echo", b"xyz\r\n"))
    answer = peer.rest()
    assert b"\r\nConnection: close\r\nEncapsulated: res-hdr=0" in answer
    assert answer.endswith(chunks(b"no"))
