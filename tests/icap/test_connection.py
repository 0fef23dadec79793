"""A connection hears what a client says, however it is cut, and says only what may be said."""

import re
import textwrap

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from zcadapt.icap.answer import Answer
from zcadapt.icap.connection import AnswerSide, Connection, RequestSide
from zcadapt.icap.errors import (
    BrokenMessageError,
    ClientGoneError,
    IcapError,
    LocalProtocolError,
    TooLargeError,
    UnknownMethodError,
    UnknownVersionError,
)
from zcadapt.icap.events import BodyData, BodyEnd, Cue, PreviewEnd, RequestHead
from zcadapt.icap.limits import Limits

from .strategies import SMALL, Written, check_cuts, cuts, events_of, requests, sliced, spoilt

GET = b"GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
WITH_BODY = Answer(200, b"", body="res-body")
WITHOUT = Answer(204, b"")


class Dialogue:
    """A connection, what it has told, and what it was told to say."""

    def __init__(self, limits, size):
        self.conn = Connection(limits)
        self.size = size  # of the pieces that arrive
        self.heard = []

    def receive(self, data):
        size = self.size or len(data) or 1
        for at in range(0, len(data), size):
            self.conn.receive_data(data[at : at + size])
            self.pump()

    def pump(self):
        try:
            while not isinstance(event := self.conn.next_event(), Cue):
                self.hear(event)
        except IcapError as error:
            self.heard.append(str(error.status))
        else:
            if event is Cue.CLOSED:
                self.heard.append("closed")

    def hear(self, event):
        if isinstance(event, BodyData):
            text = event.data.decode("latin-1")
            if self.heard and self.heard[-1].startswith("data "):
                self.heard[-1] += text
            else:
                self.heard.append("data " + text)
        else:
            self.heard.append(told(event))

    def say(self, what):
        word, _, rest = what.partition(" ")
        if word == "continue":
            assert self.conn.continue_() == b"ICAP/1.0 100 Continue\r\n\r\n"
        elif word == "data":
            assert b"".join(self.conn.data(rest.encode())) == b"%x\r\n%s\r\n" % (
                len(rest),
                rest.encode(),
            )
        elif word == "end":
            assert self.conn.end() == b"0\r\n\r\n"
        else:
            self.conn.answer(Answer(int(word), b"", body=rest or "null-body"))
        self.pump()


def told(event):
    if isinstance(event, PreviewEnd):
        return "preview end"
    if isinstance(event, BodyEnd):
        return " ".join(["end", *event.trailers.decode().split("\r\n")]).strip()
    words = [event.line.method, event.line.path]
    words += ["request"] * (event.request is not None) + ["response"] * (event.response is not None)
    words += ["body"] * event.has_body
    words += [f"preview={event.preview}"] if event.preview is not None else []
    words += [f"allow={','.join(sorted(event.allow))}"] if event.allow else []
    return " ".join(words)


def play(script, limits, size):
    dialogue = Dialogue(limits, size)
    sent = b""
    for who, what in re.findall(
        r"^(C:|C\||->|<-|closes)(?: (.*))?$", textwrap.dedent(script), re.MULTILINE
    ):
        if who in {"C:", "C|"}:
            sent += what.encode("latin-1") + (b"\r\n" if who == "C:" else b"")
            continue
        dialogue.receive(sent)
        sent = b""
        if who == "closes":
            dialogue.conn.receive_data(b"")
            dialogue.pump()
        elif who == "<-":
            dialogue.say(what)
        else:
            assert dialogue.heard, f"nothing came where {what!r} should"
            assert dialogue.heard.pop(0) == what
    dialogue.receive(sent)
    assert dialogue.heard == []
    return dialogue.conn


@pytest.fixture
def talk():
    """Play a dialogue: what the client sends (``C:``), what is heard of it, and what we say.

    It is played three times: whole, by the byte and in threes. ``C|`` is a line
    without its end.
    """

    def talk(script, limits=None):
        limits = limits or Limits()
        whole, *_ = [play(script, limits, size) for size in (None, 1, 3)]
        return whole

    return talk


def asked(method, *fields, encapsulated, rest=b""):
    lines = [f"{method} icap://h/echo ICAP/1.0", "Host: h", *fields]
    if encapsulated is not None:
        lines.append(f"Encapsulated: {encapsulated}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + rest


def first(stream, limits=None):
    conn = Connection(limits or Limits())
    conn.receive_data(stream)
    return conn.next_event()


# A request


def test_a_request_without_a_body_is_one_event(talk):
    talk("""
        C: REQMOD icap://icap.example/echo?x=1 ICAP/1.0
        C: Host: icap.example
        C: Allow: 204
        C: Encapsulated: req-hdr=0, null-body=36
        C:
        C: GET / HTTP/1.1
        C: Host: example.com
        C:
        -> REQMOD /echo request allow=204
        <- 204
        """)


def test_a_head_has_all_its_parts():
    head = first(
        asked(
            "RESPMOD",
            "Preview: 7",
            encapsulated=f"req-hdr=0, res-hdr={len(GET)}, res-body={len(GET + OK)}",
            rest=GET + OK,
        )
    )
    assert head.line == ("RESPMOD", "icap://h/echo", "/echo", "")
    assert head.fields["host"] == b"h"
    assert head.raw.startswith(b"RESPMOD icap://h/echo ICAP/1.0\r\nHost: h\r\n")
    assert (head.request, head.response, head.has_body, head.preview) == (GET, OK, True, 7)
    assert head.allow == frozenset()


def test_a_body_is_data_and_an_end(talk):
    talk("""
        C: RESPMOD icap://h/echo ICAP/1.0
        C: Encapsulated: res-hdr=0, res-body=19
        C:
        C: HTTP/1.1 200 OK
        C:
        -> RESPMOD /echo response body
        C: 4;a=b
        C: Wiki
        C: 00005
        C: pedia
        C: 0
        C: X-Digest: 1
        C:
        -> data Wikipedia
        -> end X-Digest: 1
        <- 204
        """)


def test_a_connection_carries_one_request_after_the_other(talk):
    talk("""
        C: OPTIONS icap://h/a ICAP/1.0
        C:
        -> OPTIONS /a
        <- 200
        C: OPTIONS icap://h/b ICAP/1.0
        C:
        -> OPTIONS /b
        <- 200
        closes
        -> closed
        """)


def test_pipelined_requests_wait_for_their_turn(talk):
    talk("""
        C: OPTIONS icap://h/a ICAP/1.0
        C:
        C: REQMOD icap://h/b ICAP/1.0
        C: Encapsulated: req-body=0
        C:
        C: 1
        C: x
        C: 0
        C:
        C: OPTIONS icap://h/c ICAP/1.0
        C:
        closes
        -> OPTIONS /a
        <- 200
        -> REQMOD /b body
        -> data x
        -> end
        <- 200 req-body
        <- data y
        <- end
        -> OPTIONS /c
        <- 200
        -> closed
        """)


def test_the_last_request_of_a_client_is_the_last(talk):
    conn = talk("""
        C: OPTIONS icap://h/a ICAP/1.0
        C: Connection: Keep-Alive, Close
        C:
        -> OPTIONS /a
        <- 200
        -> closed
        """)
    assert conn.must_close


@pytest.mark.parametrize("value", ["keep-alive", "closed", "x-close"])
def test_only_the_word_close_closes(value):
    conn = Connection(Limits())
    conn.receive_data(b"OPTIONS icap://h/a ICAP/1.0\r\nConnection: %s\r\n\r\n" % value.encode())
    conn.next_event()
    assert not conn.must_close


def test_what_follows_the_last_request_is_not_read():
    """McAfee's order: the head of the request travels behind the body of the response."""
    stream = asked(
        "RESPMOD", "Connection: close", encapsulated="res-hdr=0, res-body=46, req-hdr=63", rest=OK
    )
    conn = Connection(Limits())
    conn.receive_data(stream + b"2\r\nhi\r\n0\r\n\r\n" + GET)
    head = conn.next_event()
    assert (head.request, head.response) == (None, OK)
    assert [conn.next_event(), conn.next_event()] == [BodyData(b"hi"), BodyEnd()]
    conn.answer(WITHOUT)
    assert conn.next_event() is Cue.CLOSED
    conn.receive_data(GET)
    assert conn.next_event() is Cue.CLOSED
    assert conn.left_over == b""


def test_a_client_that_closes_is_answered(talk):
    talk("""
        C: OPTIONS icap://h/a ICAP/1.0
        C:
        closes
        -> OPTIONS /a
        <- 200
        -> closed
        """)


def test_a_client_that_says_nothing_has_closed(talk):
    talk("closes\n-> closed")


@pytest.mark.parametrize("stray", ["", "0\r\n", "0\r\n\r", "\r", "\r\n\r\n", "0; ieof"])
def test_a_client_that_closes_behind_a_stray_end_has_closed(stray):
    assert events_of([stray.encode()]) == []


@pytest.mark.parametrize(
    "begun",
    [
        "OPTIONS",
        "OPTIONS icap://h/ ICAP/1.0\r\nHos",
        "REQMOD icap://h/ ICAP/1.0\r\nEncapsulated: req-hdr=0, null-body=18\r\n\r\nGET / HT",
        "REQMOD icap://h/ ICAP/1.0\r\nEncapsulated: req-body=0\r\n\r\n5\r\nab",
        "REQMOD icap://h/ ICAP/1.0\r\nEncapsulated: req-body=0\r\n\r\n0\r\n",
    ],
)
def test_a_client_that_closes_in_the_middle_is_told(begun):
    assert events_of([begun.encode()])[-1] is ClientGoneError


# What is encapsulated (RFC 3507, 4.4.1)

LAYOUTS = {
    "OPTIONS": ["null-body", "opt-body"],
    "REQMOD": ["null-body", "req-body", "req-hdr null-body", "req-hdr req-body"],
    "RESPMOD": [
        f"{heads}{body}"
        for heads in ("", "req-hdr ", "res-hdr ", "req-hdr res-hdr ")
        for body in ("null-body", "res-body")
    ],
}
PARTS = ("req-hdr", "res-hdr", "req-body", "res-body", "opt-body", "null-body")
HEADS = {"req-hdr": GET, "res-hdr": OK}


def encapsulated(words):
    listed, raw = [], b""
    for name in words.split():
        listed.append(f"{name}={len(raw)}")
        raw += HEADS.get(name, b"" if name == "null-body" else b"2\r\nhi\r\n0\r\n\r\n")
    return ", ".join(listed), raw


@pytest.mark.parametrize(("method", "words"), [(m, w) for m, all_ in LAYOUTS.items() for w in all_])
def test_every_legal_combination_of_parts_is_read(method, words):
    listed, raw = encapsulated(words)
    events = events_of([asked(method, encapsulated=listed, rest=raw)])
    head = events[0]
    assert head.request == (GET if "req-hdr" in words else None)
    assert head.response == (OK if "res-hdr" in words else None)
    assert head.has_body == ("null-body" not in words)
    assert events[1:] == ([BodyData(b"hi"), BodyEnd()] if head.has_body else [])


def every_list():
    """Every list of up to three parts, each at most once, in their order."""
    for chosen in range(1 << len(PARTS)):
        names = [name for bit, name in enumerate(PARTS) if chosen >> bit & 1]
        if len(names) <= 3:
            yield " ".join(names)


@pytest.mark.parametrize("method", LAYOUTS)
def test_every_other_combination_is_refused(method):
    for words in every_list():
        if words not in LAYOUTS[method]:
            listed, raw = encapsulated(words)
            with pytest.raises(BrokenMessageError):
                first(asked(method, encapsulated=listed, rest=raw))


@pytest.mark.parametrize(
    "listed",
    [
        "req-hdr=0,res-hdr=56,res-body=102",
        "  req-hdr = 0 ,\tres-hdr= 56,, res-body =102 ,",
        "res-body=102, res-hdr=56, req-hdr=0",
        "Req-Hdr=0, RES-HDR=56, Res-Body=102",
        "req-hdr=0, res-hdr=57, res-body=102",  # too large
        "req-hdr=0, res-hdr=50, res-body=90",  # too small
        "req-hdr=3, res-hdr=56, res-body=102",  # nothing comes before the first
        "req-hdr=0, res-hdr=56, res-body=107",  # on a blank line by chance
        "req-hdr=0, res-hdr=56, res-body=5000",
        "req-hdr=0, res-hdr=1, res-body=2",
        "req-hdr=00000, res-hdr=0056, res-body=0000102",
    ],
)
@pytest.mark.parametrize("end", ["0\r\n\r\n", "2\r\nhi\r\n0\r\n\r\n"])
def test_where_offsets_are_wrong_blank_lines_count(listed, end):
    stream = asked("RESPMOD", encapsulated=listed, rest=GET + OK + end.encode())
    for pieces in ([stream], [stream[at : at + 1] for at in range(len(stream))]):
        head, *body = events_of([*pieces, b"OPTIONS icap://h/ ICAP/1.0\r\n\r\n"])
        assert (head.request, head.response) == (GET, OK)
        assert body[-2] == BodyEnd()
        assert body[-1].line.method == "OPTIONS"


def test_an_offset_may_count_the_blank_line_twice():
    listed = f"req-hdr=0, res-hdr={len(GET) + 2}, res-body={len(GET + OK) + 6}"
    rest = GET + b"\r\n" + OK + b"\r\n\r\n" + b"0\r\n\r\n"
    stream = asked("RESPMOD", encapsulated=listed, rest=rest)
    for pieces in ([stream], [stream[at : at + 1] for at in range(len(stream))]):
        head, end = events_of(pieces)
        assert (head.request, head.response, end) == (GET, OK, BodyEnd())


def test_a_line_end_that_an_offset_counts_is_whole():
    """Found by fuzzing: half a line end was skipped only where it came with the head."""
    raw = b"GET / HTTP/1.1\r\n\r\n"
    stream = asked("REQMOD", encapsulated=f"req-hdr=0, null-body={len(raw) + 1}", rest=raw + b"\n")
    for at in range(len(stream)):
        check_cuts(stream, [at])
    assert events_of([stream])[-1] is BrokenMessageError


def test_a_head_of_no_length_is_not_there():
    head = first(
        asked("RESPMOD", encapsulated=f"req-hdr=0, res-hdr=0, res-body={len(OK)}", rest=OK)
    )
    assert (head.request, head.response) == (None, OK)


def test_another_request_never_hides_in_a_head():
    """An offset that would take the next request for a part of this one's head."""
    hidden = b"OPTIONS icap://h/hidden ICAP/1.0\r\n\r\n"
    stream = asked(
        "REQMOD", encapsulated=f"req-hdr=0, null-body={len(GET + hidden)}", rest=GET + hidden
    )
    one, two = events_of([stream])
    assert (one.request, two.line.path) == (GET, "/hidden")


@pytest.mark.parametrize(
    "listed",
    [
        "",
        ",",
        "req-hdr=0",
        "null-body",
        "null-body=",
        "null-body=x",
        "null-body=-1",
        "null-body=0x10",
        "null-body=1234567890",
        "null-body=0; req-hdr=0",
        "req-hdr=0, null-body=56, null-body=56",
        "req-hdr=0, req-hdr=0, null-body=56",
        "req-hdr=0, req-body=56, null-body=56",
        "req-hdr=0, null-body=56, trailer=80",
        "null-body=56",  # bytes that are in no part
        "req-body=56",
        "req-hdr=0, null-body=56" + " " * 2000 + ",",
    ],
)
def test_a_list_of_parts_that_cannot_be_read_is_refused(listed):
    with pytest.raises(BrokenMessageError):
        first(asked("REQMOD", encapsulated=listed, rest=GET))


@pytest.mark.parametrize("method", ["REQMOD", "RESPMOD"])
def test_a_message_without_encapsulated_is_refused(method):
    with pytest.raises(BrokenMessageError, match="without Encapsulated"):
        first(asked(method, encapsulated=None))


def test_a_second_encapsulated_header_is_refused():
    with pytest.raises(BrokenMessageError):
        first(
            asked(
                "REQMOD",
                "Encapsulated: req-hdr=0, null-body=56",
                encapsulated="null-body=0",
                rest=GET,
            )
        )


def test_a_head_without_a_blank_line_is_refused():
    rest = b"GET / HTTP/1.1\r\n" + b"x" * 70000
    with pytest.raises(BrokenMessageError, match="no blank line"):
        first(asked("REQMOD", encapsulated="req-hdr=0, null-body=16", rest=rest))


# OPTIONS (RFC 3507, 4.10)


@pytest.mark.parametrize(
    "uri",
    ["icap://h/echo?a=b", "icap://h:1344/", "icap://h", "/echo", "*", "icaps://[::1]:11344/a"],
)
@pytest.mark.parametrize("fields", [(), ("Host: h",), ("Host: h", "Encapsulated: null-body=0")])
def test_options_needs_no_header_at_all(uri, fields):
    stream = "\r\n".join([f"OPTIONS {uri} ICAP/1.0", *fields, "", ""]).encode()
    (head,) = events_of([stream])
    assert (head.line.method, head.line.uri, head.has_body) == ("OPTIONS", uri, False)


def test_options_may_have_a_body(talk):
    talk("""
        C: OPTIONS icap://h/echo ICAP/1.0
        C: Encapsulated: opt-body=0
        C:
        C: 3
        C: why
        C: 0
        C:
        -> OPTIONS /echo body
        -> data why
        -> end
        <- 200
        C: OPTIONS icap://h/echo ICAP/1.0
        C:
        -> OPTIONS /echo
        """)


def test_options_may_be_answered_before_its_body_has_come(talk):
    talk("""
        C: OPTIONS icap://h/echo ICAP/1.0
        C: Encapsulated: opt-body=0
        C:
        -> OPTIONS /echo body
        <- 200
        C: 3
        C: why
        C: 0
        C:
        C: OPTIONS icap://h/two ICAP/1.0
        C:
        -> data why
        -> end
        -> OPTIONS /two
        """)


# Previews (RFC 3507, 4.5)


@pytest.mark.parametrize("go_on", [True, False])
@pytest.mark.parametrize("preview", [0, 1, 4, 5, 1024])
@pytest.mark.parametrize("size", [None, 0, 1, 4, 5, 6, 3000])
def test_every_preview_of_every_body(preview, size, go_on):
    body = None if size is None else b"x" * size
    written = Written("RESPMOD", "/echo", [], {"res-hdr": OK}, body, preview, [700])
    told = events_of([written.stream(go_on=go_on)], go_on=go_on)
    assert told[0].preview == preview
    assert told[0].has_body == (body is not None)
    assert told[1:] == written.events(go_on=go_on)
    assert told.count(PreviewEnd()) == (body is not None and size > preview)


def test_a_decision_on_the_preview_spares_the_rest(talk):
    talk("""
        C: RESPMOD icap://h/echo ICAP/1.0
        C: Preview: 4
        C: Encapsulated: res-hdr=0, res-body=19
        C:
        C: HTTP/1.1 200 OK
        C:
        C: 4
        C: Wiki
        C: 0
        C:
        -> RESPMOD /echo response body preview=4
        -> data Wiki
        -> preview end
        <- 204
        C: OPTIONS icap://h/next ICAP/1.0
        C:
        -> OPTIONS /next
        """)


def test_the_rest_comes_after_100_continue(talk):
    talk("""
        C: RESPMOD icap://h/echo ICAP/1.0
        C: Preview: 4
        C: Encapsulated: res-body=0
        C:
        C: 4
        C: Wiki
        C: 0
        C:
        -> RESPMOD /echo body preview=4
        -> data Wiki
        -> preview end
        <- continue
        C: 5
        C: pedia
        C: 0; ieof
        C:
        -> data pedia
        -> end
        <- 200 res-body
        <- data Wikipedia!
        <- end
        """)


def test_ieof_ends_the_body_and_forbids_100_continue():
    conn = Connection(Limits())
    conn.receive_data(
        asked(
            "RESPMOD", "Preview: 4", encapsulated="res-body=0", rest=b"4\r\nWiki\r\n0; ieof\r\n\r\n"
        )
    )
    assert [type(conn.next_event()) for _ in range(3)] == [RequestHead, BodyData, BodyEnd]
    with pytest.raises(LocalProtocolError):
        conn.continue_()


@pytest.mark.parametrize(
    "line", ["0;ieof", "0; IEOF", "0 ; ieof", "0; a=b; ieof", "0; ieof; a", "000;ieof", "0; ieof=1"]
)
def test_ieof_is_understood_however_it_is_written(line):
    stream = asked(
        "RESPMOD", "Preview: 4", encapsulated="res-body=0", rest=line.encode() + b"\r\n\r\n"
    )
    assert events_of([stream])[1:] == [BodyEnd()]


@pytest.mark.parametrize("line", ["0", "0; eof", "0; xieof", '0; a="; ieof"', "0; a=ieof"])
def test_nothing_else_is_ieof(line):
    stream = asked(
        "RESPMOD", "Preview: 4", encapsulated="res-body=0", rest=line.encode() + b"\r\n\r\n"
    )
    assert events_of([stream], go_on=False)[1:] == [PreviewEnd()]


def test_ieof_outside_of_a_preview_is_only_an_extension():
    stream = asked("RESPMOD", encapsulated="res-body=0", rest=b"1\r\na\r\n0; ieof\r\n\r\n")
    assert events_of([stream])[1:] == [BodyData(b"a"), BodyEnd()]


@pytest.mark.parametrize(
    "stray",
    ["", "0\r\n\r\n", "0\r\n\r\n0\r\n\r\n", "\r\n", "0; ieof\r\n\r\n", "0;ieof\r\n\r\n\r\n"],
)
def test_a_preview_of_no_body_needs_no_chunk_and_may_have_one(stray):
    stream = asked(
        "REQMOD",
        "Preview: 0",
        encapsulated=f"req-hdr=0, null-body={len(GET)}",
        rest=GET + stray.encode(),
    )
    told = events_of([stream, b"OPTIONS icap://h/ ICAP/1.0\r\n\r\n"])
    assert [event.line.method for event in told] == ["REQMOD", "OPTIONS"]


def test_a_preview_may_be_answered_before_it_has_come(talk):
    talk("""
        C: RESPMOD icap://h/echo ICAP/1.0
        C: Preview: 4
        C: Encapsulated: res-body=0
        C:
        -> RESPMOD /echo body preview=4
        <- 204
        C: 4
        C: Wiki
        C: 0
        C:
        C: OPTIONS icap://h/next ICAP/1.0
        C:
        -> data Wiki
        -> preview end
        -> OPTIONS /next
        """)


def test_an_answer_may_stream_while_the_body_comes(talk):
    talk("""
        C: RESPMOD icap://h/echo ICAP/1.0
        C: Encapsulated: res-body=0
        C:
        -> RESPMOD /echo body
        <- 200 res-body
        C: 4
        C: Wiki
        -> data Wiki
        <- data wiki
        <- end
        C: 0
        C:
        C: OPTIONS icap://h/next ICAP/1.0
        C:
        -> end
        -> OPTIONS /next
        """)


@pytest.mark.parametrize("value", ["", "x", "-1", "1.0", "0x4", "1234567890", "4, 4", "٤"])
def test_a_preview_that_is_no_number_is_refused(value):
    stream = asked("RESPMOD", encapsulated="res-body=0").replace(
        b"Host: h", b"Preview: " + value.encode()
    )
    with pytest.raises(BrokenMessageError, match="Preview"):
        first(stream)


# Features (RFC 3507, 4.6)


@pytest.mark.parametrize(
    ("lines", "allow"),
    [
        (["Allow: 204"], {"204"}),
        (["Allow: 204, 206"], {"204", "206"}),
        (["allow:206,204"], {"204", "206"}),
        (["ALLOW:   204 ,206,,Trailers\t"], {"204", "206", "trailers"}),
        (["Allow: 204 206"], {"204", "206"}),
        (["Allow: 204", "X: y", "Allow: trailers, 206"], {"204", "206", "trailers"}),
        (["Allow: 204,", "\t206"], {"204", "206"}),
        (["Allow:"], set()),
    ],
)
def test_allow_is_read_in_any_spacing_and_over_several_lines(lines, allow):
    assert first(asked("REQMOD", *lines, encapsulated="null-body=0")).allow == allow


# What is refused


@pytest.mark.parametrize(
    ("garbage", "error"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", BrokenMessageError),  # TLS
        (b"\x80\x2e\x01\x03\x01", BrokenMessageError),  # an older one
        (b"\0", BrokenMessageError),
        (b" ", BrokenMessageError),
        (b"OPTIONS icap://h/ ICAP/1.0\n", BrokenMessageError),
        (b"OPTIONS icap://h/ ICAP/1.0 ", BrokenMessageError),
        (b"OPTIONS  ", BrokenMessageError),
        (b"OPTIONS\ticap://h/", BrokenMessageError),
        (b"OPTIONS icap://h/ HTTP/1.1\r\n", BrokenMessageError),
        (b"GET / HTTP/1.1\r\n", BrokenMessageError),
        (b"hello\r\n", BrokenMessageError),
        (b"0\r\nx", BrokenMessageError),
        (b"OPTIONS icap://h/ icap/", BrokenMessageError),
        (b"OPTIONS icap://h/ ICAP/1.1\r\n", UnknownVersionError),
        (b"OPTIONS icap://h/ ICAP/2.0\r\n", UnknownVersionError),
        (b"FILEMOD icap://h/ ICAP/1.0\r\n", UnknownMethodError),
        (b"options icap://h/ ICAP/1.0\r\n", UnknownMethodError),
    ],
)
def test_garbage_is_refused_at_once(garbage, error):
    with pytest.raises(error):
        first(garbage)
    with pytest.raises(error):
        first(garbage + b"\r\nHost: h\r\n\r\n")


@pytest.mark.parametrize(
    "line",
    [
        "X: a\nY: b",
        "X: a\rY: b",
        "X: a\0b",
        "X : a",
        " X",
        "X",
        ": a",
        "X\tY: a",
        "Xé: a",
        "\nX: a",
    ],
)
def test_a_header_line_that_might_hide_another_is_refused(line):
    with pytest.raises(BrokenMessageError):
        first(b"OPTIONS icap://h/ ICAP/1.0\r\n" + line.encode("latin-1") + b"\r\n\r\n")


def test_a_folded_line_belongs_to_the_one_before():
    head = first(b"OPTIONS icap://h/ ICAP/1.0\r\nX: a\r\n  b\r\n\tc\r\nY: d\r\n\r\n")
    assert head.fields == {"x": b"a b c", "y": b"d"}


def test_the_next_client_is_none_of_an_error_s_business():
    conn = Connection(Limits())
    conn.receive_data(b"\x16\x03\x01")
    with pytest.raises(BrokenMessageError):
        conn.next_event()
    assert (conn.request_side, conn.must_close) == (RequestSide.FAILED, True)
    assert conn.next_event() is Cue.PAUSED
    conn.answer(Answer(400, b""))
    for _ in range(3):
        conn.receive_data(b"x" * 1000)
        assert conn.next_event() is Cue.PAUSED
        assert conn.left_over == b""


LINE = b"OPTIONS icap://h/ ICAP/1.0\r\n"
BODY = asked("REQMOD", encapsulated="req-body=0")


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        (b"OPTIONS /" + b"a" * 46 + b" ICAP/1.0\r\n\r\n", None),
        (b"OPTIONS /" + b"a" * 47 + b" ICAP/1.0\r\n\r\n", TooLargeError),  # the line has 65 bytes
        (LINE + b"X: y\r\n" * 16 + b"\r\n", None),
        (LINE + b"X: y\r\n" * 17 + b"\r\n", TooLargeError),
        (LINE + b"X: " + b"y" * 993 + b"\r\n\r\n", None),
        (LINE + b"X: " + b"y" * 994 + b"\r\n\r\n", TooLargeError),  # the head has 1025 bytes
        (BODY + b"0;" + b"e" * 28 + b"\r\n\r\n", None),
        (BODY + b"0;" + b"e" * 29 + b"\r\n\r\n", TooLargeError),
        (BODY + b"400\r\n" + b"x" * 1024 + b"\r\n0\r\n\r\n", None),
        (BODY + b"401\r\n" + b"x" * 1025 + b"\r\n0\r\n\r\n", TooLargeError),
        (BODY + b"3e8\r\n%s\r\n" % (b"x" * 1000) * 3 + b"0\r\n\r\n", None),
        (BODY + b"3e8\r\n%s\r\n" % (b"x" * 1000) * 3 + b"1\r\nx\r\n0\r\n\r\n", TooLargeError),
        (BODY + b"0\r\nX: " + b"y" * 1017 + b"\r\n\r\n", None),
        (BODY + b"0\r\nX: " + b"y" * 1018 + b"\r\n\r\n", TooLargeError),
        (asked("REQMOD", encapsulated="req-hdr=0, null-body=1025"), TooLargeError),
        (asked("REQMOD", "Allow: " + "2" * 1025, encapsulated="null-body=0"), TooLargeError),
    ],
)
def test_everything_has_a_bound(stream, error):
    limits = SMALL if b"22222" not in stream else Limits()
    if error is None:
        assert not isinstance(events_of([stream], limits)[-1], type)
    for size in (len(stream), 1, 7):
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        if error is not None:
            assert events_of(pieces, limits)[-1] is error


def test_a_body_is_bounded_over_its_preview():
    limits = Limits(body_bytes=5)
    stream = asked(
        "REQMOD", "Preview: 4", encapsulated="req-body=0", rest=b"4\r\nWiki\r\n0\r\n\r\n"
    )
    assert events_of([stream + b"1\r\np\r\n0\r\n\r\n"], limits)[-1] == BodyEnd()
    assert events_of([stream + b"2\r\npe\r\n0\r\n\r\n"], limits)[-1] is TooLargeError


def test_stray_ends_are_skipped_in_one_go():
    conn = Connection(Limits())
    conn.receive_data(b"\r\n0\r\n\r\n" * 100_000 + b"OPTIONS icap://h/ ICAP/1.0\r\n\r\n")
    assert conn.next_event().line.path == "/"


# What we may say


def test_an_answer_needs_a_request():
    conn = Connection(Limits())
    for say in (lambda: conn.answer(WITHOUT), conn.continue_, lambda: conn.data(b"x"), conn.end):
        with pytest.raises(LocalProtocolError):
            say()
    assert (conn.request_side, conn.answer_side) == (RequestSide.IDLE, AnswerSide.WAITING)


def streaming():
    conn = Connection(Limits())
    conn.receive_data(b"OPTIONS icap://h/ ICAP/1.0\r\n\r\n")
    conn.next_event()
    conn.answer(WITH_BODY)
    return conn


def test_a_request_has_one_answer():
    conn = streaming()
    for answer in (WITHOUT, WITH_BODY):
        with pytest.raises(LocalProtocolError):
            conn.answer(answer)
    conn.end()
    for answer in (WITHOUT, WITH_BODY):
        with pytest.raises(LocalProtocolError):
            conn.answer(answer)


def test_a_piece_without_bytes_would_be_the_last_chunk():
    conn = streaming()
    with pytest.raises(LocalProtocolError):
        conn.data(b"")
    assert b"".join(conn.data(b"abc")) == b"3\r\nabc\r\n"


def test_the_end_may_carry_trailers_or_an_offset():
    assert streaming().end(trailers=b"X: y\r\n") == b"0\r\nX: y\r\n\r\n"
    assert streaming().end(original_from=7) == b"0; use-original-body=7\r\n\r\n"


SIDES = [(request, answer) for request in RequestSide for answer in AnswerSide]
MAY = {
    "answer": lambda request, answer: (
        request is not RequestSide.IDLE and answer is AnswerSide.WAITING
    ),
    "continue": lambda request, answer: (
        request is RequestSide.PAUSED and answer is AnswerSide.WAITING
    ),
    "data": lambda request, answer: answer is AnswerSide.STREAMING,
    "end": lambda request, answer: answer is AnswerSide.STREAMING,
}
SAY = {
    "answer": lambda conn: conn.answer(WITHOUT),
    "continue": lambda conn: conn.continue_(),
    "data": lambda conn: conn.data(b"x"),
    "end": lambda conn: conn.end(),
}


@pytest.mark.parametrize("what", SAY)
@pytest.mark.parametrize(("request_side", "answer_side"), SIDES)
def test_whatever_is_said_at_the_wrong_time_is_refused_and_changes_nothing(
    request_side, answer_side, what
):
    conn = Connection(Limits())
    conn.request_side, conn.answer_side = request_side, answer_side
    if MAY[what](request_side, answer_side):
        SAY[what](conn)
    else:
        with pytest.raises(LocalProtocolError):
            SAY[what](conn)
        assert (conn.request_side, conn.answer_side) == (request_side, answer_side)


# What holds for all bytes

many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@many
@given(st.lists(requests(), max_size=4), cuts, st.booleans())
def test_how_the_bytes_are_cut_changes_nothing(all_, cuts, go_on):
    stream = b"".join(each.stream(go_on=go_on) for each in all_)
    check_cuts(stream, cuts, go_on=go_on)


@many
@given(requests(), cuts)
def test_a_request_that_was_built_is_read_as_it_was_meant(written, cuts):
    head, *body = events_of(sliced(written.stream(), cuts))
    assert (head.line.method, head.line.uri) == (written.method, written.uri)
    assert (head.request, head.response) == (
        written.heads.get("req-hdr"),
        written.heads.get("res-hdr"),
    )
    assert (head.preview, head.has_body) == (written.preview, written.body is not None)
    for name, value in written.fields:
        assert value.encode("latin-1") in head.fields[name.lower()]
    assert body == written.events()


@many
@given(stream=spoilt(), cuts=cuts, go_on=st.booleans(), limits=st.sampled_from([None, SMALL]))
@example(stream=b"OPTIONS icap://h/a#b ICAP/1.0\r\n\r\n", cuts=[], go_on=True, limits=None)
def test_spoilt_streams_give_requests_or_an_error_and_nothing_else(stream, cuts, go_on, limits):
    check_cuts(stream, cuts, limits, go_on=go_on)


@many
@given(st.binary(max_size=200), cuts)
def test_any_bytes_give_requests_or_an_error(stream, cuts):
    check_cuts(stream, cuts)
    check_cuts(asked("REQMOD", encapsulated="req-body=0") + stream, cuts)


# What other things in a head mean


@pytest.mark.parametrize(
    "field", ["Transfer-Encoding: chunked", "Content-Length: 5", "Upgrade: TLS/1.0", "Pragma: x"]
)
def test_what_http_says_of_framing_and_caching_means_nothing_in_an_icap_head(field):
    stream = asked("REQMOD", field, encapsulated=f"req-hdr=0, null-body={len(GET)}", rest=GET)
    told = events_of([stream, b"OPTIONS icap://h/next ICAP/1.0\r\n\r\n"])
    assert [event.line.method for event in told] == ["REQMOD", "OPTIONS"]
    name, _, value = field.partition(": ")
    assert told[0].fields[name.lower()] == value.encode(), "services may look at it"


def test_a_preview_ends_with_a_blank_line():
    """The last example of RFC 3507, 4.5 leaves it out, against what the clause says before."""
    preview = asked("RESPMOD", "Preview: 2", encapsulated="res-body=0", rest=b"2\r\nhi\r\n0\r\n")
    conn = Connection(Limits())
    conn.receive_data(preview)
    assert [type(conn.next_event()) for _ in range(2)] == [RequestHead, BodyData]
    assert conn.next_event() is Cue.NEED_DATA
    conn.receive_data(b"\r\n")
    assert conn.next_event() == PreviewEnd()


@pytest.mark.parametrize(
    "line",
    [
        b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 1344\r\n",
        b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\xdc\x04\x05\x40",
    ],
)
def test_the_proxy_protocol_is_not_spoken(line):
    with pytest.raises(BrokenMessageError):
        first(line + b"OPTIONS icap://h/ ICAP/1.0\r\n\r\n")
