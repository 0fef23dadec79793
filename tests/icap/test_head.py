"""A head is read whole, or refused for what is wrong with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcadapt.icap import head as head_module
from zcadapt.icap.errors import (
    BrokenMessageError,
    IcapError,
    TooLargeError,
    UnknownMethodError,
    UnknownVersionError,
)
from zcadapt.icap.head import (
    LONGEST_KEPT,
    MOST_KEPT,
    NO_PARTS,
    Layout,
    check_beginning,
    parse_encapsulated,
    parse_field,
    parse_head,
    parse_line,
    parse_words,
)
from zcadapt.icap.limits import Limits

from .strategies import SMALL


@pytest.mark.parametrize(
    ("uri", "path", "query"),
    [
        ("icap://h/echo", "/echo", ""),
        ("icap://h/echo?a=b&c=d?e", "/echo", "a=b&c=d?e"),
        ("icap://h:1344/a/b/", "/a/b/", ""),
        ("icap://user:secret@[::1]:1344/a?b", "/a", "b"),
        ("icaps://h", "", ""),
        ("icap://h?a=b", "", "a=b"),
        ("icap://h/a#part", "/a", ""),
        ("icap://h/a?b#part?c", "/a", "b"),
        ("ICAP+x.y-z://h/a", "/a", ""),
        ("icap:///a", "/a", ""),
        ("/echo?a=b", "/echo", "a=b"),
        ("echo", "echo", ""),
        ("*", "*", ""),
        ("?", "", ""),
        ("#", "", ""),
        ("icap://h/é%2f", "/é%2f", ""),
    ],
)
def test_a_uri_has_a_path_and_a_query(uri, path, query):
    line = parse_line(f"REQMOD {uri} ICAP/1.0".encode("latin-1"))
    assert line == ("REQMOD", uri, path, query)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"", BrokenMessageError),
        (b"OPTIONS", BrokenMessageError),
        (b"OPTIONS icap://h/", BrokenMessageError),
        (b"OPTIONS  icap://h/ ICAP/1.0", BrokenMessageError),
        (b"OPTIONS icap://h/ ICAP/1.0 ", BrokenMessageError),
        (b" OPTIONS icap://h/ ICAP/1.0", BrokenMessageError),
        (b"OPTIONS icap://h/ a ICAP/1.0", BrokenMessageError),
        (b"OPTIONS icap://h/\x7f ICAP/1.0", BrokenMessageError),
        (b"OPTIONS icap://h/ icap/1.0", BrokenMessageError),
        (b"OPTIONS icap://h/ HTTP/1.0", BrokenMessageError),
        (b"OPTIONS icap://h/ ICAP/1", BrokenMessageError),
        (b"OPT(IONS icap://h/ ICAP/1.0", BrokenMessageError),
        (b"OPTIONS icap://h/ ICAP/1.00", UnknownVersionError),
        (b"OPTIONS icap://h/ ICAP/0.9", UnknownVersionError),
        (b"CONNECT icap://h/ ICAP/2.0", UnknownVersionError),
        (b"CONNECT icap://h/ ICAP/1.0", UnknownMethodError),
        (b"reqmod icap://h/ ICAP/1.0", UnknownMethodError),
    ],
)
def test_a_request_line_that_is_not_icap_is_refused(line, error):
    with pytest.raises(error):
        parse_line(line)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b"Host: h", ("host", b"h")),
        (b"HOST:h", ("host", b"h")),
        (b"Host:\t h \t", ("host", b"h")),
        (b"Host:", ("host", b"")),
        (b"X: a: b", ("x", b"a: b")),
        (b"X: \xe9", ("x", b"\xe9")),
        (b"  more ", ("", b"more")),
        (b"\tmore: or less", ("", b"more: or less")),
    ],
)
def test_a_header_line_is_a_name_and_a_value(line, field):
    assert parse_field(line) == field


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"Host",
        b"Host : h",
        b": h",
        b"Ho st: h",
        b"H\xf6st: h",
        b"A: \n",
        b"A: \r",
        b"A: \0",
        b" \n",
    ],
)
def test_what_is_no_header_line_is_refused(line):
    with pytest.raises(BrokenMessageError):
        parse_field(line)


def head(*lines):
    return "\r\n".join(["OPTIONS icap://h/ ICAP/1.0", *lines]).encode("latin-1")


def test_repeated_fields_are_joined_and_folded_lines_unfolded():
    _, fields = parse_head(head("A: 1", "b: 2", "a: 3", " 4", "B: 5"), Limits())
    assert fields == {"a": b"1, 3 4", "b": b"2, 5"}


def test_a_head_may_have_no_fields():
    line, fields = parse_head(head(), Limits())
    assert (line.method, fields) == ("OPTIONS", {})


def test_the_first_line_cannot_be_folded():
    with pytest.raises(BrokenMessageError, match="folded"):
        parse_head(head(" A: 1"), Limits())


@pytest.mark.parametrize("pad", [0, LONGEST_KEPT])
def test_long_lines_are_read_as_short_ones(pad):
    long = "b" * (pad + 1)
    for _ in range(2):
        _, fields = parse_head(head("Host: " + "x" * pad, f"{long}: 1"), Limits())
        assert fields == {"host": b"x" * pad, long: b"1"}


# What is kept of one head for the next


KEPT = (head_module._known_lines, head_module._known_fields, head_module._known_names)


def test_what_was_read_is_read_the_same_again():
    whole = head("Host: h", "HOST:\th", "Date: today", "X-A: 1", " 2", "Allow: 204")
    line, fields = parse_head(whole, Limits())
    assert fields == {"host": b"h, h", "date": b"today", "x-a": b"1 2", "allow": b"204"}
    again = parse_head(whole, Limits())
    assert again == (line, fields)
    assert again[0] is line
    assert again[1]["date"] is fields["date"]


@pytest.mark.parametrize("line", [b"Host", b"Host : h", b"\0Host: h"])
def test_a_name_that_is_known_does_not_make_a_line(line):
    assert parse_field(b"Host: h") == ("host", b"h")
    assert parse_field(b" Host: h") == ("", b"Host: h")
    with pytest.raises(BrokenMessageError):
        parse_field(line)


@pytest.mark.parametrize(
    "lines",
    [
        ("Authorization: Basic s3cret",),
        ("Proxy-Authorization: Basic s3cret",),
        ("proxy-authorization:s3cret",),
        ("Cookie: s3cret",),
        ("X-Authenticated-User: s3cret",),
        ("X-Client-Username: s3cret",),
        ("X-Anything: s3cret",),
        ("Proxy-Authorization: Basic", " s3cret"),
        ("Host: h", "\ts3cret"),
        ("Host: h", " Host: s3cret"),
    ],
)
def test_what_may_be_secret_does_not_outlive_its_request(lines):
    _, fields = parse_head(head(*lines), Limits())
    assert "s3cret" in repr(fields)
    assert "s3cret" not in repr(KEPT)


@pytest.mark.parametrize("uri", ["icap://h/a?key=s3cret", "icap://ann:s3cret@h/a", "/a?s3cret"])
def test_a_uri_with_a_query_or_a_user_does_not_outlive_its_request(uri):
    line, _ = parse_head(f"REQMOD {uri} ICAP/1.0".encode(), Limits())
    assert line.uri == uri
    assert "s3cret" not in repr(KEPT)


def test_what_is_kept_is_bounded():
    for number in range(2 * MOST_KEPT + 10):
        line = f"REQMOD icap://h/{number} ICAP/1.0"
        parse_head(f"{line}\r\nHost: {number}\r\nX{number}: 1".encode(), Limits())
    long = "x" * LONGEST_KEPT
    parse_head(f"REQMOD icap://h/{long} ICAP/1.0\r\nHost: {long}\r\n{long}x: 1".encode(), Limits())
    assert all(0 < len(known) <= MOST_KEPT for known in KEPT)
    assert long not in repr(KEPT)


def test_lines_are_counted():
    assert len(parse_head(head(*(f"A{n}: 1" for n in range(16))), SMALL)[1]) == 16
    with pytest.raises(TooLargeError):
        parse_head(head(*(f"A{n}: 1" for n in range(17))), SMALL)


@pytest.mark.parametrize(("length", "fits"), [(64, True), (65, False), (66, False), (500, False)])
def test_the_request_line_is_bounded(length, fits):
    line = b"OPTIONS /" + b"a" * (length - 18) + b" ICAP/1.0"
    if fits:
        assert parse_head(line, SMALL)[0].method == "OPTIONS"
    else:
        with pytest.raises(TooLargeError):
            parse_head(line, SMALL)
        with pytest.raises(TooLargeError):
            check_beginning(line + b"\r\n", SMALL)


def test_a_long_line_of_garbage_is_garbage():
    for line in (b"\x16" + b"a" * 100, b"O\0" + b"a" * 100):
        with pytest.raises(BrokenMessageError):
            parse_head(line, SMALL)


@given(
    st.text(
        st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f"),
        min_size=1,
        max_size=30,
    )
)
def test_every_beginning_of_a_good_line_is_waited_for(uri):
    line = f"RESPMOD {uri} ICAP/1.0\r\n".encode("latin-1")
    for end in range(1, len(line) + 1):
        check_beginning(line[:end], SMALL)


lines = st.from_regex(rb"\A[A-Z\x00 \r]{0,4}[ -~]{0,20}( ICAP/[0-9.]{0,4})?\Z") | st.binary(
    max_size=40
)


@given(lines)
def test_whoever_is_refused_at_the_beginning_is_refused_at_the_end(line):
    line = line.replace(b"\r\n", b"")
    for end in range(1, len(line) + 1):
        try:
            check_beginning(line[:end], SMALL)
        except IcapError as error:
            with pytest.raises(type(error)):
                parse_head(line, SMALL)
            break


# Encapsulated


@pytest.mark.parametrize(
    ("value", "method", "layout"),
    [
        (b"null-body=0", "OPTIONS", NO_PARTS),
        (b"opt-body=0", "OPTIONS", Layout((), has_body=True, body_at=0)),
        (b"null-body=0", "REQMOD", NO_PARTS),
        (
            b"req-hdr=0, null-body=412",
            "REQMOD",
            Layout((("req-hdr", 412),), has_body=False, body_at=412),
        ),
        (
            b"req-hdr=0, req-body=412",
            "REQMOD",
            Layout((("req-hdr", 412),), has_body=True, body_at=412),
        ),
        (
            b"req-hdr=0, res-hdr=822, res-body=1655",
            "RESPMOD",
            Layout((("req-hdr", 822), ("res-hdr", 1655)), has_body=True, body_at=1655),
        ),
        (
            b"res-body=1655,res-hdr =822 , REQ-HDR= 0,",
            "RESPMOD",
            Layout((("req-hdr", 822), ("res-hdr", 1655)), has_body=True, body_at=1655),
        ),
        (
            b"res-hdr=0, res-body=20, req-hdr=40",  # behind the body
            "RESPMOD",
            Layout((("res-hdr", 20),), has_body=True, body_at=20),
        ),
        (
            b"req-hdr=0, res-hdr=0, res-body=20",  # of no length
            "RESPMOD",
            Layout((("res-hdr", 20),), has_body=True, body_at=20),
        ),
        (b"req-hdr=0, req-body=0", "REQMOD", Layout((), has_body=True, body_at=0)),
    ],
)
def test_a_list_of_parts_says_where_they_end(value, method, layout):
    assert parse_encapsulated(value, method) == layout


@pytest.mark.parametrize(
    ("value", "method"),
    [
        (b"res-hdr=0, res-body=9", "REQMOD"),
        (b"req-hdr=0, res-body=9", "REQMOD"),
        (b"req-hdr=0, req-body=9", "RESPMOD"),
        (b"req-hdr=0, null-body=9", "OPTIONS"),
        (b"opt-body=0", "REQMOD"),
        (b"req-hdr=0", "REQMOD"),
        (b"null-body=9", "REQMOD"),
        (b"null-body=0, null-body=0", "OPTIONS"),
        (b"null-body=0, opt-body=0", "OPTIONS"),
        (b"null-body=\xb2", "OPTIONS"),
        (b"", "OPTIONS"),
        (b"," * 1025 + b"null-body=0", "OPTIONS"),
    ],
)
def test_other_lists_are_refused(value, method):
    with pytest.raises(BrokenMessageError):
        parse_encapsulated(value, method)


@given(st.binary(max_size=60), st.sampled_from(["OPTIONS", "REQMOD", "RESPMOD"]))
def test_any_value_is_a_layout_or_refused(value, method):
    try:
        layout = parse_encapsulated(value, method)
    except BrokenMessageError:
        return
    ends = [end for _, end in layout.heads]
    assert ends == sorted(set(ends))
    assert ends[-1:] in ([], [layout.body_at])


# Lists of words


def test_words_are_in_lower_case_and_in_any_spacing():
    assert parse_words(b" 204,206 ,, Trailers\ta ") == {"204", "206", "trailers", "a"}
    assert parse_words(b"") == frozenset()


def test_a_list_without_end_is_refused():
    with pytest.raises(TooLargeError):
        parse_words(b"a," * 513)
