"""Header fields are found in any case, and stay as they are where nobody touches them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcadapt.icap.headers import Headers, edited, split_head

from .strategies import blocks, check_message, fields

BLOCK = b"Host: example.com\r\nAccept: a\r\nX:1\r\naccept:  b \r\n"


def test_a_field_is_found_in_any_case():
    headers = Headers(BLOCK)
    assert headers["HOST"] == headers["host"] == "example.com"
    assert "hOsT" in headers
    assert "Cookie" not in headers
    assert 1 not in headers
    assert headers.get("cookie") is None


def test_repeated_fields_are_joined_or_told_apart():
    headers = Headers(BLOCK)
    assert headers["accept"] == "a, b"
    assert headers.get_all("Accept") == ["a", "b"]
    assert headers.get_all("cookie") == []


def test_a_field_that_is_not_there_is_a_key_error():
    with pytest.raises(KeyError):
        Headers(BLOCK)["cookie"]


def test_fields_keep_their_order_and_their_names():
    assert list(Headers(BLOCK)) == ["host", "accept", "x"]
    assert [name for name, _ in Headers(BLOCK).pairs] == ["Host", "Accept", "X", "accept"]
    assert len(Headers(BLOCK)) == 3
    assert repr(Headers(b"A: 1\r\n")) == "Headers(b'A: 1\\r\\n')"


def test_nobody_can_change_what_get_all_returned():
    headers = Headers(BLOCK)
    headers.get_all("accept").clear()
    assert headers["accept"] == "a, b"


def test_no_fields_are_an_empty_mapping():
    assert dict(Headers()) == {}


@pytest.mark.parametrize(
    ("block", "pairs"),
    [
        (b"A: 1\r\n 2\r\n\t3\r\nB: 4\r\n", [("A", "1 2\t3"), ("B", "4")]),
        (b"A: 1\n 2\nB: 3\n", [("A", "1 2"), ("B", "3")]),
        (b"A: 1", [("A", "1")]),
        (b"A : 1\r\n", [("A", "1")]),
        (b" A: 1\r\n", [("A", "1")]),
        (b"A:\r\n", [("A", "")]),
        (b"A: b: c\r\n", [("A", "b: c")]),
        (b"A: \xe9\r\n", [("A", "é")]),
        (b"A: \xa0x\xa0\r\n", [("A", "\xa0x\xa0")]),
        (b"A: a\rb\r\n", [("A", "a\rb")]),
        (b"no field\r\n: 1\r\n : 2\r\nB: 3\r\n", [("B", "3")]),
        (b"\r\n\n", []),
        (b"", []),
    ],
)
def test_what_somebody_else_wrote_is_read_as_far_as_it_goes(block, pairs):
    assert list(Headers(block).pairs) == pairs


def test_thousands_of_folded_lines_are_read_in_no_time():
    headers = Headers(b"A: 1\r\n" + b" x\n" * 100_000)
    assert len(headers["a"]) == 200_001


# Editing


@pytest.mark.parametrize(
    ("changes", "block"),
    [
        ({}, BLOCK),
        ({"remove": ("ACCEPT",)}, b"Host: example.com\r\nX:1\r\n"),
        ({"remove": ("Cookie",)}, BLOCK),
        ({"replace": (("accept", "c"),)}, b"Host: example.com\r\naccept: c\r\nX:1\r\n"),
        ({"replace": (("Cookie", "c"),)}, BLOCK + b"Cookie: c\r\n"),
        (
            {"replace": (("Accept", "c"), ("Accept", "d"))},
            b"Host: example.com\r\nAccept: c\r\nAccept: d\r\nX:1\r\n",
        ),
        ({"add": (("Accept", "c"),)}, BLOCK + b"Accept: c\r\n"),
        (
            {"remove": ("accept",), "replace": (("Accept", "c"),)},
            b"Host: example.com\r\nX:1\r\nAccept: c\r\n",
        ),
        (
            {"remove": ("x",), "replace": (("host", "h"),), "add": (("X", "2"),)},
            b"host: h\r\nAccept: a\r\naccept:  b \r\nX: 2\r\n",
        ),
    ],
)
def test_only_what_is_named_changes(changes, block):
    assert edited(BLOCK, **changes) == block


@pytest.mark.parametrize(
    ("block", "left"),
    [
        (b"A: 1\r\n 2\r\nB: 3\r\n", b"B: 3\r\n"),
        (b"a : 1\r\nB: 3\r\n", b"B: 3\r\n"),
        (b"A: 1\n 2\nB: 3\r\n", b"B: 3\r\n"),
        (b"A\r\nB: 3\r\n", b"A\r\nB: 3\r\n"),  # no field: nothing to remove
        (b"AA: 1\r\nX-A: 1\r\n", b"AA: 1\r\nX-A: 1\r\n"),
    ],
)
def test_a_field_goes_with_its_folded_lines(block, left):
    assert edited(block, remove=("A",)) == left


def test_a_new_line_is_a_line_of_its_own():
    assert edited(b"A: 1", add=(("B", "2"),)) == b"A: 1\r\nB: 2\r\n"
    assert edited(b"A: 1") == b"A: 1"


@given(blocks, fields, st.lists(st.sampled_from(["X-a", "Host"]), max_size=2))
def test_what_is_added_is_found_and_the_rest_stays(block, new, gone):
    out = edited(block, remove=tuple(gone), add=tuple(new))
    kept = [
        pair for pair in Headers(block).pairs if pair[0].lower() not in {n.lower() for n in gone}
    ]
    assert list(Headers(out).pairs) == kept + new


@given(st.binary(max_size=80))
def test_no_bytes_raise_and_none_change(raw):
    check_message(raw)


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        (b"GET / HTTP/1.1\r\nA: 1\r\n\r\n", (b"GET / HTTP/1.1", b"\r\n", b"A: 1\r\n")),
        (b"GET / HTTP/1.1\r\n\r\n", (b"GET / HTTP/1.1", b"\r\n", b"")),
        (b"GET / HTTP/1.1\nA: 1\r\n\r\n", (b"GET / HTTP/1.1", b"\n", b"A: 1\r\n")),
        (b"GET / HTTP/1.1", (b"GET / HTTP/1.1", b"", b"")),
        (b"\r\n\r\n", (b"", b"\r\n", b"")),
        (b"", (b"", b"", b"")),
    ],
)
def test_a_head_is_a_line_and_fields(raw, parts):
    assert split_head(raw) == parts
