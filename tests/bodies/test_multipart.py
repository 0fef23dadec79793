import asyncio
import contextlib
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcadapt.bodies import BoundError, CodingError, MissingLibraryError, form_parts

TYPE = "multipart/form-data; boundary=XX"
FORM = (
    b'--XX\r\nContent-Disposition: form-data; name="title"\r\n\r\nHolidays\r\n'
    b'--XX\r\nContent-Disposition: form-data; name="f"; filename="a b.exe"\r\n'
    b"Content-Type: Application/X-Thing; a=b\r\n\r\nMZ\r\n--X\r\nY\r\n"
    b'--XX\r\nContent-Disposition: form-data; name="e"; filename=""\r\n\r\n\r\n'
    b"--XX--\r\n"
)
FOUND = [
    ("title", None, "", b"Holidays"),
    ("f", "a b.exe", "application/x-thing", b"MZ\r\n--X\r\nY"),
    ("e", "", "", b""),
]
NAMES = "name", "filename", "content_type"


def part(disposition, content=b"x"):
    head = f"--XX\r\nContent-Disposition: {disposition}\r\n\r\n".encode()
    return head + content + b"\r\n--XX--\r\n"


@given(size=st.integers(1, 400))
def test_parts_come_with_their_names_however_the_body_is_cut(session_bodies, size):
    parts = form_parts(session_bodies.pieces(FORM, size), TYPE)
    assert session_bodies.each(parts, *NAMES) == FOUND


@given(body=st.binary(max_size=300), size=st.integers(1, 400), at=st.integers(0, len(FORM)))
def test_nonsense_is_an_error_of_ours(session_bodies, body, size, at):
    body = FORM[:at] + body + FORM[at:]
    with contextlib.suppress(CodingError, BoundError):
        session_bodies.each(form_parts(session_bodies.pieces(body, size), TYPE))


def test_parts_that_are_not_read_are_skipped(bodies):
    async def names():
        return [part.name async for part in form_parts(bodies.pieces(FORM), TYPE)]

    assert asyncio.run(names()) == ["title", "f", "e"]


@pytest.mark.parametrize("type_", [TYPE, 'Multipart/Form-Data;charset=utf-8; boundary="XX"'])
def test_ways_to_write_the_boundary(bodies, type_):
    assert bodies.each(form_parts(bodies.pieces(FORM), type_), *NAMES) == FOUND


@pytest.mark.parametrize(
    "type_",
    [
        "",
        "text/plain",
        "multipart/mixed; boundary=XX",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "X" * 71,
        "multipart/form-data; boundary=YY; boundary=XX",
        "multipart/form-data; boundary=XX; Boundary*=YY",
    ],
)
def test_a_boundary_that_is_in_doubt_is_refused(bodies, type_):
    with pytest.raises(CodingError):
        bodies.each(form_parts(bodies.pieces(FORM), type_))


@pytest.mark.parametrize(
    ("disposition", "filename"),
    [
        ('form-data; name="f"; filename="a.exe"', "a.exe"),
        ("form-data; name=f; filename=a.exe", "a.exe"),
        ('form-data; name="f"; filename="a\\"b.exe"', 'a"b.exe'),
        ('form-data; name="f"; filename="a%22b.exe"', 'a"b.exe'),
        ('form-data; name="f"; filename="C:\\dir\\a.exe"', "a.exe"),
        ('form-data; name="f"; filename="../../a.exe"', "../../a.exe"),
        ('form-data; name="f"; filename="é.exe"', "é.exe"),
        ("form-data; name=\"f\"; filename*=UTF-8''%e2%82%ac%20a.exe", "€ a.exe"),
        ("form-data; name=f; filename*=iso-8859-1'en'%e9.exe", "é.exe"),
        ('form-data; name="f"', None),
    ],
)
def test_names_of_files(bodies, disposition, filename):
    parts = form_parts(bodies.pieces(part(disposition)), TYPE)
    assert bodies.each(parts, "filename") == [(filename, b"x")]


@pytest.mark.parametrize("cut", [1, 20, 100, len(FORM) - 4])
def test_half_a_form_is_an_error(bodies, cut):
    with pytest.raises(CodingError):
        bodies.each(form_parts(bodies.pieces(FORM[:cut]), TYPE))


@pytest.mark.parametrize("before", [b"", b"\r\n", b" \t\r\n\r\n", b"\n"])
@pytest.mark.parametrize("behind", [b"", b"\r\n", b"\n \t\r\n"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_blanks_may_stand_outside_the_parts(bodies, before, behind, size):
    body = before + FORM + behind
    assert bodies.each(form_parts(bodies.pieces(body, size), TYPE), *NAMES) == FOUND


SIZES = pytest.mark.parametrize("size", [1, 7, 1000])


@SIZES
@pytest.mark.parametrize(
    "body",
    [
        b"a preamble\r\n" + FORM,
        b"MZ" + FORM,
        b"MZ\r\n" * 1000 + FORM,
        FORM + b"an epilogue",
        FORM[:-2] + b"MZ",
        FORM + b"\r\n" + FORM,
        FORM + b" " * 10_000 + b"x",
        b"--XX--\r\nMZ",
    ],
)
def test_nothing_else_may(bodies, body, size):
    with pytest.raises(CodingError, match=r"something (stands before its first|follows its last)"):
        bodies.each(form_parts(bodies.pieces(body, size), TYPE))


def test_a_form_may_be_empty(bodies):
    assert bodies.each(form_parts(bodies.pieces(b"--XX--\r\n"), TYPE)) == []


HIDDEN = b'Content-Disposition: form-data; name="f"; filename="e.exe"'


@SIZES
@pytest.mark.parametrize(
    "content",
    [
        b"hi\n--XX\n" + HIDDEN + b"\n\nMZ",
        b"hi\n--XX\r\n" + HIDDEN + b"\r\n\r\nMZ",
        b"hi\n--XX--\nMZ",
        b"hi\r--XX\r" + HIDDEN + b"\r\rMZ",
        b"\n--XX\n" + HIDDEN + b"\n\nMZ",
        b"--XX\r\n" + HIDDEN + b"\r\n\r\nMZ",
        b"hi\r\n--XX\n" + HIDDEN + b"\n\nMZ",
        b"hi\r\n--XX \r\n" + HIDDEN + b"\r\n\r\nMZ",
        b"hi\r\n--XX--MZ",
    ],
)
def test_a_boundary_that_others_may_see_is_an_error(bodies, content, size):
    with pytest.raises(CodingError):
        bodies.each(form_parts(bodies.pieces(part('form-data; name="a"', content), size), TYPE))


@SIZES
@pytest.mark.parametrize(
    "head",
    [
        b'Content-Disposition: form-data; name="f"\n\nMZ\r\n',
        b'Content-Disposition: form-data; name="f"\r\rMZ\r\n',
        b'Content-Disposition: form-data; name="f"\r\n\nMZ: x\r\n',
        b'Content-Disposition: form-data; name="f"\r\n\rMZ: x\r\n',
        b'Content-Disposition: form-data; name="f"\r\n \r\nMZ: x\r\n',
        b'Content-Disposition: form-data; name="f"\r\n--XX--: x\r\n',
    ],
)
def test_a_head_that_others_may_end_elsewhere_is_an_error(bodies, head, size):
    body = b"--XX\r\n" + head + b"\r\nx\r\n--XX--\r\n"
    with pytest.raises(CodingError):
        bodies.each(form_parts(bodies.pieces(body, size), TYPE))


@pytest.mark.parametrize(("told", "fits"), [(b"1", True), (b"0", False), (b"2", False)])
def test_a_part_is_as_long_as_it_says(bodies, told, fits):
    body = part(f'form-data; name="a"\r\nContent-Length: {told.decode()}')
    with contextlib.nullcontext() if fits else pytest.raises(CodingError):
        assert bodies.each(form_parts(bodies.pieces(body), TYPE)) == [(b"x",)]


@given(
    content=st.lists(
        st.sampled_from([b"\r", b"\n", b"-", b"--X", b"--XY", b"X", b"\r\n--", b"-\r\n"])
    ).map(b"".join),
    size=st.integers(1, 30),
)
def test_all_that_is_no_boundary_is_content(session_bodies, content, size):
    parts = form_parts(session_bodies.pieces(part('form-data; name="a"', content), size), TYPE)
    if b"--XX" in content:
        with contextlib.suppress(CodingError):
            assert session_bodies.each(parts) == [(content,)]
    else:
        assert session_bodies.each(parts) == [(content,)]


def test_its_parts_are_counted(bodies):
    assert len(bodies.each(form_parts(bodies.pieces(FORM), TYPE, parts=3))) == 3
    with pytest.raises(BoundError):
        bodies.each(form_parts(bodies.pieces(FORM), TYPE, parts=2))


def test_so_are_their_headers(bodies):
    body = FORM.replace(b"Content-Type", b"A: b\r\n" * 20 + b"Content-Type")
    with pytest.raises(BoundError):
        bodies.each(form_parts(bodies.pieces(body), TYPE))


@pytest.mark.parametrize("end", [b"", b"\r\n"])
def test_a_header_does_not_go_on_for_ever(bodies, end):
    body = FORM.replace(b"Content-Type: ", b"Content-Type: " + b"x" * 10_000 + end)
    with pytest.raises(BoundError):
        bodies.each(form_parts(bodies.pieces(body), TYPE))


def test_a_large_file_passes_in_pieces(bodies):
    body = part('form-data; name="f"; filename="zeros"', bytes(10_000_000))

    async def read():
        async for each in form_parts(bodies.pieces(body, 65536), TYPE):
            sizes.extend([len(piece) async for piece in each])

    sizes = []
    asyncio.run(read())
    assert (sum(sizes), max(sizes) <= 66_000) == (10_000_000, True)


def test_a_missing_library_is_told(bodies, monkeypatch):
    monkeypatch.setitem(sys.modules, "multipart", None)
    with pytest.raises(MissingLibraryError, match="multipart is not installed"):
        bodies.each(form_parts(bodies.pieces(FORM), TYPE))
