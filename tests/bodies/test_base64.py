import asyncio
import hashlib
import json
import time
import tracemalloc
from base64 import b64decode, b64encode, encodebytes, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcadapt.bodies import BoundError, CodingError, base64_strings

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
    assert found(session_bodies, document, size) == files


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
        f"DATA:a/b;base64,{WRITTEN}",
        f"data:a/b;name={'x' * 5000};base64,{WRITTEN}",
        f" {WRITTEN}",
        f" \t\r\ndata:,{WRITTEN}",
        f"{WRITTEN[:10]} {WRITTEN[10:]}",
        f"{WRITTEN[:10]}\t\f{WRITTEN[10:]}",
        " ".join(WRITTEN),
        " ".join(WRITTEN[at : at + 4] for at in range(0, len(WRITTEN), 4)),
        "\n    ".join(WRITTEN[at : at + 8] for at in range(0, len(WRITTEN), 8)),
        "  \n".join(WRITTEN[at : at + 1] for at in range(len(WRITTEN))),
        f"da\tta:a/b;base64, {WRITTEN[:20]} {WRITTEN[20:]}",
    ],
)
@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_ways_to_write_one(bodies, text, size):
    assert found(bodies, {"a": text}, size) == [FILE]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_slashes_and_letters_may_be_escaped(bodies, size):
    escaped = json.dumps(WRITTEN).replace("/", "\\/").replace("A", "\\u0041")
    escaped = escaped.replace("P", "\\u0050\\n").replace("x", "x\\u000A")
    assert found(bodies, escaped.encode(), size) == [FILE]


@pytest.mark.parametrize("junk", ["\\b", '\\"', "\\\\", "\\\\\\n", "\\u00e9", "\\ud83d"])
def test_escapes_in_between_hide_nothing(bodies, junk):
    at = WRITTEN.index("n", 64)  # which is no break behind a backslash
    text = f'"{WRITTEN[:at]}{junk}{WRITTEN[at:]}"'
    assert found(bodies, text.encode()) == [FILE]


@given(
    st.lists(st.sampled_from(["n", "r", "t", "/", "A", "9", "\\n", "\\/", "\\u0041", "\\\\"])),
    st.integers(1, 50),
)
def test_short_ones_are_told_from_those_that_count(session_bodies, characters, size):
    text = "".join(characters)
    alphabet = json.loads(f'"{text}"').replace("\n", "")
    counts = len(alphabet[:10]) == 10 and "\\" not in alphabet[:10]
    document = f'["", "{text}", "\\"\\\\", "x"]'.encode()
    assert len(found(session_bodies, document, size, least=10)) == counts


@pytest.mark.parametrize("escapes", range(7))
def test_an_escape_is_one_character(bodies, escapes):
    texts = ["\\/".join(["A" * each] * (escapes + 1)) for each in range(70)]
    document = "[{}]".format(",".join(f'"{text}"' for text in texts)).encode()
    count = sum(len(json.loads(f'"{text}"')) >= 64 for text in texts)
    assert len(found(bodies, document)) == count


@pytest.mark.parametrize(
    "text",
    [
        "",
        "short",
        WRITTEN[:63],
        "This is a sentence that is written for people, and goes on for long enough.",
        "This sentence has no punctuation before a good deal of it has been read. " * 30,
        "\n".join(["The 27 members of the Union have agreed", "on all of it at last "] * 30),
        "data:text/plain," + "This is plain text without any punctuation in it " * 30,
        "https://www.example.com/" + "a" * 100,
        "{" + WRITTEN,
        "data:text/plain," + "This is plain text, and not base64 at all. " * 3,
        "data:" + "x" * 300,
        "data:short," + WRITTEN[:63],
        " " * 100 + WRITTEN[:63],
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_what_is_no_file_is_not_taken_for_one(bodies, text, size):
    assert found(bodies, {"a": text}, size) == []


SMALL_LETTERS = b64decode(b"abcdefgh" * 16)


@pytest.mark.parametrize("at", range(1, 64))
@pytest.mark.parametrize(
    "file", [bytes(60), b"just letters and nothing else in all of this text", FILE, SMALL_LETTERS]
)
def test_one_space_hides_nothing(bodies, file, at):
    text = b64encode(file).decode()
    assert found(bodies, {"a": f"{text[:at]} {text[at:]}"}) == [file]


@given(st.binary(min_size=48, max_size=200), st.lists(st.integers(1, 100)), st.integers(1, 100))
def test_nor_do_breaks(session_bodies, file, places, size):
    text = b64encode(file).decode()
    for at in places:
        text = f"{text[:at]} \n {text[at:]}"
    assert found(session_bodies, {"a": text}, size) == [file]


def test_nor_do_breaks_with_one(bodies):
    lines = "\n".join(["abcdefgh"] * 16)
    assert found(bodies, {"a": f"abcd efgh{lines[8:]}"}) == [SMALL_LETTERS]


def test_articles_are_no_files_however_many_there_are(bodies):
    sentence = "The quick brown fox jumps over the lazy dog while the other animals look on. "
    assert found(bodies, [{"text": sentence * 30}] * 500) == []


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
    def outcome(size):
        try:
            return found(session_bodies, document, size, least=8, most=1000)
        except CodingError:
            return None

    assert outcome(size) == outcome(1000)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-32-le"])
@pytest.mark.parametrize("size", [1, 1000])
def test_other_encodings_are_an_error(bodies, encoding, size):
    with pytest.raises(CodingError, match="not in UTF-8"):
        found(bodies, json.dumps([WRITTEN]).encode(encoding), size)


LONG = b64encode(bytes(768)).decode()


def test_long_ones_are_counted(bodies):
    assert found(bodies, [LONG] * 3, most=3) == [bytes(768)] * 3
    with pytest.raises(BoundError, match="more than 3"):
        found(bodies, [LONG] * 4, most=3)


def test_short_ones_beyond_the_bound_come_together(bodies):
    digests = [hashlib.sha256(b"%d" % number).hexdigest() for number in range(200)]
    files = found(bodies, [*digests, LONG], most=3)
    assert len(files) == 5
    assert b64encode(b"".join([*files[:3], files[4]])).decode() == "".join(digests)
    assert files[3] == bytes(768)


def test_they_come_together_in_pieces(bodies):
    files = found(bodies, [LONG[:-4]] * 200, most=100)
    assert b"".join(files) == bytes(765 * 200)
    assert len(files) == 102


# What costs most


DOCUMENTS = {
    "short strings": b"[" + b'"a",' * 2_500_000 + b'"a"]',
    "escaped breaks": b'{"a":"' + b"\\n" * 1_000_000 + b'"}',
    "breaks": b'{"a":"' + b"\n" * 10_000_000 + b'"}',
    "spaces": b'{"a":"' + b" " * 10_000_000 + b'"}',
    "spaces and breaks": b'{"a":"' + b" \t  " * 2_500_000 + b'"}',
    "words": b'{"a":"' + b"These are words " * 600_000 + b'"}',
    "letters": b'{"a":"' + b"\\u0041" * 500_000 + b'"}',
    "padding": b'{"a":"' + b"A" * 1000 + b"A=" * 1_000_000 + b'"}',
    "a file": b'{"a":"' + b"AAAA" * 2_500_000 + b'"}',
    "a page": b'{"a":"' + b"z z." * 2_500_000 + b'"}',
    "records": json.dumps(
        [{"id": n, "name": f"person {n}", "mail": f"{n}@example.com"} for n in range(100_000)]
    ).encode(),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_others_get_their_turn_and_memory_stays_small(bodies, name):
    async def longest_wait():
        longest, last = 0.0, time.process_time()  # of others that use the machine we know nothing
        task = asyncio.ensure_future(read())
        while not task.done():
            await asyncio.sleep(0)
            now = time.process_time()
            longest, last = max(longest, now - last), now
        await task
        return longest

    async def read():
        async for file in base64_strings(bodies.pieces(DOCUMENTS[name], 1 << 18)):
            async for _ in file:
                pass

    begin = time.process_time()
    assert asyncio.run(longest_wait()) < 0.25
    assert time.process_time() - begin < 2

    tracemalloc.start()
    try:
        asyncio.run(read())
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
