"""Texts in bytes and in str."""

import pytest

from zcadapt.compat.texts import (
    ICAPError,
    Preview,
    Words,
    as_bytes,
    as_text,
    encapsulated,
    fields,
    first_line,
    formatted,
    is_latin,
    printable,
)


def test_a_preview_is_the_number_and_its_digits():
    preview = Preview(10)
    assert preview == 10 == Preview("10")
    assert preview == b"10"
    assert preview == "10"
    assert preview not in (9, b"9", "9", None, b"010")
    assert (as_bytes(preview), as_text(preview)) == (b"10", "10")
    assert (preview > 9, preview + 1, {10: "a"}[preview], f"{preview}") == (True, 11, "a", "10")


def test_a_preview_of_0_is_true():
    assert Preview(0)
    assert Preview(0) == 0
    assert not int(Preview(0))


@pytest.mark.parametrize("words", [Words([b"204", b"a"]), Words(["204", "a"])])
def test_words_are_found_in_bytes_and_in_str(words):
    assert "204" in words
    assert b"204" in words
    assert all(word not in words for word in ("20", b"20", 204, None, "\u6f22"))


def test_fields_are_in_their_order_by_name():
    head = b"GET / HTTP/1.1\r\nB: 1\r\nA:2\r\nb: 3 \r\nX: a\r\n b\r\n\r\n"
    assert fields(head, bytes) == {b"b": [b"1", b"3"], b"a": [b"2"], b"x": [b"a b"]}


def test_a_head_may_be_strange():
    assert fields(b"", bytes) == {}
    assert first_line(b"", bytes) == [b""]
    assert fields(b"x\r\nno field\r\n: no name\r\n\r\n", bytes) == {}


def test_offsets_are_numbers():
    values = [b"REQ-HDR=0 , res-hdr = 7", b"null-body=9", b"x", b"y=z"]
    assert encapsulated(values, bytes) == {b"req-hdr": 0, b"res-hdr": 7, b"null-body": 9}


@pytest.mark.parametrize("text", [b"caf\xe9", "caf\xe9"])
def test_text_is_either(text):
    assert as_bytes(text) == b"caf\xe9"
    assert as_text(text) == "caf\xe9"


@pytest.mark.parametrize("wrong", [None, 7, ["a"], bytearray(b"a"), "\u6f22"])
def test_what_is_no_text_is_refused(wrong):
    with pytest.raises(ICAPError) as refused:
        as_bytes(wrong)
    assert refused.value.code == 500


def test_an_error_has_its_code_and_a_message():
    assert (ICAPError().code, ICAPError().message) == (500, "Internal Server Error")
    assert ICAPError(451).message == "Unavailable For Legal Reasons"  # once
    assert ICAPError(799).message == "???"
    assert (ICAPError(400, b"no").message, str(ICAPError(400, b"no\n"))) == (b"no", "no\\x0a")


def test_logs_are_one_line_each():
    assert printable(b"a\r\nb\x1b[\x9b\xe9") == "a\\x0d\\x0ab\\x1b[\\x9b\xe9"
    assert printable("\u6f22\t") == "\u6f22\\x09"


def test_a_message_has_its_arguments_as_logging_takes_them():
    assert formatted("%s-%5.1f-%d", (b"a\n", 1.25, True)) == "a\\x0a-  1.2-1"
    assert formatted("%(a)s", ({"a": b"\x1b"},)) == "\\x1b"
    assert formatted("%s", ({"a": 1},)) == "{'a': 1}"
    assert formatted("100%\n", ()) == "100%\\x0a"


def test_latin_is_what_fits_in_a_byte():
    assert is_latin("caf\xe9")
    assert not is_latin("caf\u0113")
