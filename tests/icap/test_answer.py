"""An answer is written strictly: a phrase always, Encapsulated always, last and true."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcadapt.icap.answer import CONTINUE, PHRASES, Answer, field

from .strategies import fields, request_heads, response_heads

GET = b"GET / HTTP/1.1\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nA: 1\r\n\r\n"


def test_an_answer_without_a_body():
    answer = Answer(204, b'ISTag: "a"\r\n')
    assert answer.encoded == (
        b'ICAP/1.0 204 No Modifications Needed\r\nISTag: "a"\r\nEncapsulated: null-body=0\r\n\r\n'
    )
    assert (answer.status, answer.has_body) == (204, False)


def test_heads_follow_with_their_offsets():
    answer = Answer(200, b"", (("req-hdr", GET), ("res-hdr", OK)), "res-body")
    head, _, rest = answer.encoded.partition(b"\r\n\r\n")
    assert head.endswith(b"Encapsulated: req-hdr=0, res-hdr=18, res-body=43")
    assert rest == GET + OK
    assert answer.has_body


@pytest.mark.parametrize("status", PHRASES)
def test_there_is_always_a_phrase_of_one_word_or_more(status):
    line = Answer(status, b"").encoded.split(b"\r\n")[0]
    version, number, phrase = line.split(b" ", 2)
    assert (version, int(number)) == (b"ICAP/1.0", status)
    assert phrase.replace(b" ", b"").isalpha()


def test_a_status_without_a_phrase_is_our_mistake():
    with pytest.raises(KeyError):
        Answer(299, b"")


def test_100_continue_is_a_whole_answer():
    assert CONTINUE == b"ICAP/1.0 100 Continue\r\n\r\n"


def test_a_field_is_a_name_and_a_value():
    assert field("X-Virus-ID", "EICAR é") == b"X-Virus-ID: EICAR \xe9\r\n"
    with pytest.raises(UnicodeEncodeError):
        field("X-Virus-ID", "Ω")


def test_an_answer_shows_its_status():
    assert repr(Answer(206, b"")) == "<Answer 206>"


@given(
    st.sampled_from(list(PHRASES)),
    fields,
    st.dictionaries(st.sampled_from(["req-hdr", "res-hdr"]), request_heads | response_heads),
    st.sampled_from(["null-body", "req-body", "res-body", "opt-body"]),
)
def test_what_was_built_can_be_read(status, fields, heads, body):
    lines = b"".join(field(name, value) for name, value in fields)
    answer = Answer(status, lines, tuple(heads.items()), body)
    head, _, rest = answer.encoded.partition(b"\r\n\r\n")
    first, *read = head.decode("latin-1").split("\r\n")
    assert first.startswith(f"ICAP/1.0 {status} ")
    assert [tuple(line.split(": ", 1)) for line in read[:-1]] == fields
    name, _, parts = read[-1].partition(": ")
    assert name == "Encapsulated"
    places = [(part.split("=")[0], int(part.split("=")[1])) for part in parts.split(", ")]
    assert places[-1] == (body, len(rest))
    for (part, begin), (_, end) in pairwise(places):
        assert rest[begin:end] == heads[part]


def test_no_other_status_is_ever_sent():
    named = {200, 204, 206, 400, 404, 405, 408, 413, 500, 501, 503, 505}
    assert set(PHRASES) == named, "the explanation names each, with its reason"


def test_a_phrase_of_ones_own_stands_in_the_place_of_the_usual_one():
    assert Answer(500, b"", phrase=b"No disk").encoded.startswith(b"ICAP/1.0 500 No disk\r\n")
    assert Answer(418, b"", phrase=b"").encoded.startswith(b"ICAP/1.0 418 \r\n")
