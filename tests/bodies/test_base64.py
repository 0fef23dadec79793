import json
from base64 import b64encode, encodebytes, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcadapt.bodies import BoundError, base64_strings

FILE = bytes(range(256)) * 3
WRITTEN = b64encode(FILE).decode()


def found(bodies, document, size=1000, **bounds):
    if not isinstance(document, bytes):
        document = json.dumps(document).encode()
    return [
        content
        for (content,) in bodies.each(base64_strings(bodies.pieces(document, size), **bounds))
    ]


@given(
    st.recursive(
        st.binary(min_size=48, max_size=300) | st.integers() | st.text(alphabet='a "\\/{é'),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    ),
    st.integers(1, 500),
    st.booleans(),
)
def test_files_are_found_wherever_they_stand(session_bodies, document, size, ascii_only):
    files = []

    def written(value):
        if isinstance(value, bytes):
            files.append(value)
            return b64encode(value).decode()
        if isinstance(value, dict):
            return {key: written(each) for key, each in value.items()}
        return [written(each) for each in value] if isinstance(value, list) else value

    document = json.dumps(written(document), ensure_ascii=ascii_only).encode()
    assert found(session_bodies, document, size, most=10**6) == files


@pytest.mark.parametrize(
    "text",
    [
        WRITTEN,
        WRITTEN.rstrip("="),
        urlsafe_b64encode(FILE).decode(),
        encodebytes(FILE).decode(),
        encodebytes(FILE).decode().replace("\n", "\r\n"),
        f"data:application/octet-stream;base64,{WRITTEN}",
        f"data:;base64,{WRITTEN}",
    ],
)
@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_ways_to_write_one(bodies, text, size):
    assert found(bodies, {"a": text}, size) == [FILE]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_slashes_and_letters_may_be_escaped(bodies, size):
    escaped = json.dumps(WRITTEN).replace("/", "\\/").replace("A", "\\u0041")
    assert found(bodies, escaped.encode(), size) == [FILE]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "short",
        WRITTEN[:63],
        "This is a sentence that is written for people, and goes on for long enough.",
        "https://www.example.com/" + "a" * 100,
        "{" + WRITTEN,
        "data:text/plain," + "This is plain text, and not base64 at all. " * 3,
        "data:" + "x" * 300,
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_what_is_no_file_is_not_taken_for_one(bodies, text, size):
    assert found(bodies, {"a": text}, size) == []


def test_characters_in_between_hide_nothing(bodies):
    assert found(bodies, {"a": WRITTEN[:64] + " !é" + WRITTEN[64:]}) == [FILE]


def test_padding_in_between_hides_nothing(bodies):
    text = b64encode(b"x" * 49).decode() + b64encode(b"evil").decode()
    assert found(bodies, {"a": text}) == [b"x" * 49 + b"evil"]


@pytest.mark.parametrize("end", [b"", b"\\", b"\\u00", b'"'])
def test_a_document_that_is_cut_off_gives_what_it_had(bodies, end):
    assert found(bodies, b'{"a": "' + WRITTEN[:400].encode() + end) == [FILE[:300]]


@given(st.binary(max_size=500), st.integers(1, 100))
def test_any_document_can_be_read(session_bodies, document, size):
    assert found(session_bodies, document, size, least=4, most=1000) == found(
        session_bodies, document, least=4, most=1000
    )


def test_they_are_counted(bodies):
    assert len(found(bodies, [WRITTEN] * 3, most=3)) == 3
    with pytest.raises(BoundError, match="more than 3"):
        found(bodies, [WRITTEN] * 4, most=3)
