"""What handlers set of an answer, and how it is written."""
# ruff: noqa: FBT003 - as handlers are written

import re

import pytest
from peers import FAILED, NOT_NEEDED, RESPONSE, chunks, copied, request, whole

from zcadapt.compat import icapserver, pyicap
from zcadapt.compat.texts import ICAPError

LEAVE = pyicap.BaseICAPRequestHandler.no_adaptation_required


def copied_and_sent(self):
    copied(self)
    self.send_headers(False)


def test_names_of_headers_are_written_as_they_were_in_a_request_too(ask):
    def mark(self):
        self.set_enc_request(b" ".join(self.enc_req))
        for name in self.enc_req_headers:
            self.set_enc_header(name, self.enc_req_headers[name][0])
        self.send_headers(False)

    head = b"GET / HTTP/1.1\r\nDNT: 1\r\n\r\n"
    assert ask(mark, "REQMOD", "echo", None, heads=head) == whole("req", head)


def test_names_of_headers_are_written_as_they_were(ask):
    def mark(self):
        copied(self, location="http://y/", WeIrD="1")
        self.send_headers(False)

    head = RESPONSE.removesuffix(b"\r\n") + b"Location: http://y/\r\nWeIrD: 1\r\n\r\n"
    assert ask(mark) == whole("res", head)


def test_headers_without_a_first_line_have_that_of_the_message(serve):
    def mark(self):
        self.set_enc_header("A", "1")
        self.send_headers()

    peer = serve(echo_REQMOD=mark, echo_RESPMOD=mark).connect()
    assert peer.ask("REQMOD") == whole("req", b"GET http://x/ HTTP/1.1\r\nA: 1\r\n\r\n")
    assert peer.ask("RESPMOD") == whole("res", b"HTTP/1.1 200 OK\r\nA: 1\r\n\r\n")


@pytest.mark.parametrize("method", ["REQMOD", "RESPMOD"])
def test_an_answer_that_says_nothing_is_a_failure(ask, method):
    def answer(self):
        self.set_icap_response(200)
        self.send_headers()

    assert ask(answer, method) == FAILED.replace(
        b"Server Error", b"neither set_enc_status nor set_enc_request was called"
    )


def test_a_line_cannot_be_broken(ask):
    def answer(self):
        self.set_icap_header("X-A", "a\r\nX-B: b")
        self.set_enc_status("HTTP/1.1 403 No\r\nX-C: c")
        self.set_enc_header("X-D", "d\nX-F: f\0")
        self.send_headers(False)

    head = b"HTTP/1.1 403 No X-C: c\r\nX-D: d X-F: f \r\nContent-Length: 0\r\n\r\n"
    assert ask(answer, "REQMOD") == whole("res", head, icap=b"X-A: a X-B: b\r\n")


@pytest.mark.parametrize("name", ["A b", "Location: x", "X-D\r\nX-E", "", " ", b"\xe9"])
def test_what_can_be_no_name_of_a_header_is_a_failure(ask, name, caplog):
    def answer(self):
        for setter in (self.set_icap_header, self.set_enc_header):
            with pytest.raises(ICAPError, match="cannot be the name of a header") as refused:
                setter(name, "1")
            assert refused.value.code == 500
        self.set_enc_header(name, "1")  # the line that the log shows

    assert b" cannot be the name of a header\r\n" in ask(answer)
    assert "the line that the log shows" in caplog.text


def test_a_strange_name_that_has_come_may_be_copied(ask):
    heads = b"HTTP/1.1 200 OK\r\nA b: 1\r\n\r\n"
    assert ask(copied_and_sent, "RESPMOD", "echo", None, heads=heads) == whole("res", heads)


def test_what_the_server_says_is_not_taken_from_a_handler(ask):
    def answer(self):
        for name in ("Encapsulated", "encapsulated", "Transfer-Encoding", "Content-Length"):
            self.set_icap_header(name, "null-body=7")
        self.no_adaptation_required()

    assert ask(answer, "RESPMOD", "echo", None, "Allow: 204") == NOT_NEEDED


def test_date_and_server_may_be_the_handlers_own(ask):
    def answer(self):
        self.set_icap_header("Date", "now")
        self.set_icap_header("Server", "mine")
        self.no_adaptation_required()

    answer = ask(answer, "RESPMOD", "echo", None, "Allow: 204")
    assert b"Date: now\r\nServer: mine\r\nISTag: " in answer
    assert (answer.count(b"Date:"), answer.count(b"Server:")) == (1, 1)


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("ISTAG", "x", b'\r\nISTag: "x"\r\n'),
        ("istag", "x", b'\r\nISTag: "x"\r\n'),
        ("DATE", "now", b"\r\nDATE: now\r\n"),
        ("sErver", "mine", b"\r\nsErver: mine\r\n"),
        ("ALLOW", "204, 206", b"\r\nALLOW: 204, 206\r\n"),
    ],
)
def test_a_header_is_said_once_whatever_its_case(serve, name, value, seen):
    def options(self):
        self.set_icap_header(name, value)
        self.send_headers()

    answer = raw_answer(serve(echo_OPTIONS=options).connect(), "OPTIONS")
    assert seen in answer
    assert answer.lower().count(b"\n" + name.lower().encode() + b":") == 1


def tag_of(answer):
    return re.search(rb'\r\nISTag: ("[^"]*")\r\n', answer)[1]


def raw_answer(peer, *asked):
    peer.send(request(*asked))
    return peer.until(b"\r\n\r\n")


def test_the_tag_is_the_same_in_all_answers_of_a_service(serve):
    served = serve(echo_OPTIONS=LEAVE, echo_RESPMOD=LEAVE, other_RESPMOD=LEAVE)
    tags = {
        tag_of(raw_answer(served.connect(), *asked))
        for asked in [("OPTIONS",), ("RESPMOD",), ("RESPMOD", "echo", None, "Allow: 204")]
    }
    assert len(tags) == 1
    assert tag_of(raw_answer(served.connect(), "RESPMOD", "other")) not in tags


def test_a_tag_that_the_handler_sets_once_is_that_of_its_service(serve):
    def options(self):
        self.set_icap_header(b"istag", b"MINE-1")
        self.send_headers()

    served = serve(echo_OPTIONS=options, echo_RESPMOD=LEAVE, other_RESPMOD=LEAVE)
    assert tag_of(raw_answer(served.connect(), "OPTIONS")) == b'"MINE-1"'
    assert tag_of(raw_answer(served.connect(), "RESPMOD")) == b'"MINE-1"'
    assert tag_of(raw_answer(served.connect(), "RESPMOD", "other")) != b'"MINE-1"'


@pytest.mark.parametrize("package", [pyicap, icapserver])
@pytest.mark.parametrize("wrong", [7, None, ["a"], "\u6f22"])
def test_what_is_no_text_is_a_failure(ask, package, wrong, caplog):
    def answer(self):
        for setter in (self.set_icap_header, self.set_enc_header):
            with pytest.raises(ICAPError) as refused:
                setter("A", wrong)
            assert refused.value.code == 500
            with pytest.raises(ICAPError):
                setter(wrong, "A")
        for setter in (self.set_enc_status, self.set_enc_request):
            with pytest.raises(ICAPError):
                setter(wrong)
        self.set_enc_header("A", wrong)  # the line that the log shows

    assert ask(answer, package=package).startswith(b"ICAP/1.0 500 the header A ")
    assert "the line that the log shows" in caplog.text


def test_the_preview_may_be_set_as_a_header(ask):
    def answer(self):
        self.set_icap_header(b"Preview", self.preview)
        self.no_adaptation_required()

    assert b"\r\nPreview: 10\r\n" in ask(answer, "RESPMOD", "echo", chunks(), "Preview: 10")
