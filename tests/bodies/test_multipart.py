import asyncio
import contextlib
import sys
import time

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
HIDDEN = b'Content-Disposition: form-data; name="f"; filename="e.exe"'


def part(disposition, content=b"x"):
    if isinstance(disposition, str):
        disposition = disposition.encode()
    head = b"--XX\r\nContent-Disposition: %b\r\n\r\n" % disposition
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


@given(size=st.integers(1, 40))
def test_no_piece_is_empty(session_bodies, size):
    async def sizes():
        parts = form_parts(session_bodies.pieces(b"a" * 50 + b"\r\n" + FORM + b"b", size), TYPE)
        return [len(piece) async for part in parts async for piece in part]

    assert all(asyncio.run(sizes()))


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
        "multipart/form-data; x-boundary=YY; boundary=XX",
        "multipart/form-data; boundary=XX; x-boundary=YY",
        "multipart/form-data; boundary=XX,YY",
        "multipart/form-data; boundary=XX YY",
        "multipart/form-data; boundary = XX",
        'multipart/form-data; boundary = "XX"',
        'multipart/form-data; boundary="X\\X"',
        'multipart/form-data; boundary="XX',
        'multipart/form-data; a="; boundary=XX',
        'multipart/form-data; a="; boundary=XX;"',
    ],
)
def test_a_boundary_that_is_in_doubt_is_refused(bodies, type_):
    with pytest.raises(CodingError):
        bodies.each(form_parts(bodies.pieces(FORM), type_))


@pytest.mark.parametrize(
    "boundary",
    ["----=_Part_1_23.456", "==abc==", "=-=-=", "uuid:1-2", "a/b", "a(b)", "a?b", "a'b", "a+b"],
)
def test_a_boundary_without_quotes_need_be_no_token(bodies, boundary):
    form = FORM.replace(b"XX", boundary.encode())
    for end in "", " ", ";", "; a=b", '; a="b"':
        type_ = f"multipart/form-data; boundary={boundary}{end}"
        assert bodies.each(form_parts(bodies.pieces(form), type_), *NAMES) == FOUND


SIZES = pytest.mark.parametrize("size", [1, 7, 1000])


@SIZES
@pytest.mark.parametrize("boundary", ["a=b", "a:b", "ab?c=d", "ab?c"])
@pytest.mark.parametrize("mark", [b"\r\n", b"\n", b" \r\n"])
@pytest.mark.parametrize("before", [b"", b"\r\n", b"hi\r\n", b"hi\n", b"hi\r"])
def test_then_others_may_see_a_shorter_one(bodies, boundary, mark, before, size):
    longest = boundary.encode()
    shortest = longest.replace(b"=", b"?").replace(b":", b"?").rpartition(b"?")[0]
    hidden = before + b"--" + longest[: len(shortest)] + mark + HIDDEN + b"\r\n\r\nMZ\r\n"
    whole = FORM.replace(b"XX", longest)
    type_ = f"multipart/form-data; boundary={boundary}"
    for form in hidden + whole, whole + hidden, whole.replace(b"Holidays", hidden):
        with pytest.raises(CodingError):
            bodies.each(form_parts(bodies.pieces(form, size), type_))
    dashes = whole.replace(b"Holidays", hidden.replace(b"--", b"-"))
    assert len(bodies.each(form_parts(bodies.pieces(dashes, size), type_))) == 3


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
        (b'form-data; name="f"; filename="\xe9.exe"', "é.exe"),
        (b'form-data; name="f"; filename="\x95\\.exe"', "\x95\\.exe"),
        ('form-data; name="f"', None),
    ],
)
def test_names_of_files(bodies, disposition, filename):
    parts = form_parts(bodies.pieces(part(disposition)), TYPE)
    assert bodies.each(parts, "filename") == [(filename, b"x")]


@pytest.mark.parametrize(
    "disposition",
    [
        'form-data; name="f"',
        'form-data;name="a b[é]"',
        "Form-Data; Name=f.g-h",
        b'form-data; name="\xe9"',
        'form-data; name=""',
    ],
)
def test_a_field_has_a_name_and_nothing_else(bodies, disposition):
    parts = form_parts(bodies.pieces(part(disposition)), TYPE)
    assert bodies.each(parts, "is_field", "filename") == [(True, None, b"x")]


@pytest.mark.parametrize(
    "disposition",
    [
        'form-data; name="f"; filename="x.exe"',
        'form-data;\tname="f";\tfilename="x.exe"',
        'form-data; name="f" filename="x.exe"',
        'form-data; name="f"; filename*0="x.exe"',
        'form-data; name="f"\r\nContent-Disposition: form-data; name="f"; filename="x.exe"',
        'form-data; name="f"; filename="x.exe"\r\nContent-Disposition: form-data; name="f"',
        'form-data; name="f"\r\n ; filename="x.exe"',
        'form-data; name="f"\r\nContent-Type: text/plain',
        'form-data; name="f"\r\nContent-Type:',
        'form-data; name="f\\"; filename="x.exe"',
        'form-data; name="f; filename=x.exe"',
        'form-data; name="f\0"',
        "form-data; name=f filename=x.exe",
        "form-data; name=f; filename=é.exe",
        "form-data",
    ],
)
def test_what_has_more_is_none(bodies, disposition):
    parts = form_parts(bodies.pieces(part(disposition)), TYPE)
    assert bodies.each(parts, "is_field") == [(False, b"x")]


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


@SIZES
@pytest.mark.parametrize(
    ("before", "text"),
    [
        (b"a preamble\r\n", b"a preamble"),
        (b"\n\r\n a preamble\r\n\r\n", b"a preamble\r\n"),
        (b"MZ\r\n" * 1000, b"MZ\r\n" * 999 + b"MZ"),
        (b"-\r\n-\r--\r\n--X\r\n", b"-\r\n-\r--\r\n--X"),
    ],
)
def test_what_stands_before_the_parts_comes_as_well(bodies, before, text, size):
    parts = form_parts(bodies.pieces(before + FORM, size), TYPE, parts=3)
    found = bodies.each(parts, "is_outside", *NAMES)
    assert found == [(True, "", None, "", text), *((False, *each) for each in FOUND)]


@SIZES
@pytest.mark.parametrize(
    ("behind", "text"),
    [
        (b"an epilogue", b"an epilogue"),
        (b" \r\n\nan epilogue\r\n", b"an epilogue\r\n"),
        (b" " * 10_000 + b"x", b"x"),
        (b"MZ\r\n--X", b"MZ\r\n--X"),
    ],
)
def test_so_does_what_stands_behind_them(bodies, behind, text, size):
    parts = form_parts(bodies.pieces(FORM + behind, size), TYPE, parts=3)
    found = bodies.each(parts, "is_outside", *NAMES)
    assert found == [*((False, *each) for each in FOUND), (True, "", None, "", text)]


@SIZES
@pytest.mark.parametrize(
    "body",
    [
        b"MZ" + FORM,
        b"MZ\n" + FORM,
        b"MZ\r" + FORM,
        b"MZ--XX\r\n" + FORM,
        b"MZ\r\n--XXY\r\n" + FORM,
        FORM[:-2] + b"MZ",
        FORM[:-2] + b" MZ",
        FORM[:-2] + b"--",
        FORM + FORM,
        FORM + b"\r\n" + FORM,
        FORM + b"MZ\n" + FORM,
        FORM + b"MZ--XX",
    ],
)
def test_no_boundary_may_be_in_it(bodies, body, size):
    with pytest.raises(CodingError):
        bodies.each(form_parts(bodies.pieces(body, size), TYPE))


@pytest.mark.parametrize("body", [b"", b"\r\n"])
def test_an_empty_body_has_no_parts(bodies, body):
    assert bodies.each(form_parts(bodies.pieces(body), TYPE)) == []


def test_a_form_may_be_empty(bodies):
    assert bodies.each(form_parts(bodies.pieces(b"--XX--\r\n"), TYPE)) == []


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


@pytest.mark.parametrize(("lines", "fits"), [(60, True), (70, False), (20_000, False)])
def test_nor_on_any_number_of_lines(bodies, lines, fits):
    body = FORM.replace(b"Type: ", b"Type: a" + b"\r\n b" * lines)
    with contextlib.nullcontext() if fits else pytest.raises(BoundError, match="too long"):
        assert len(bodies.each(form_parts(bodies.pieces(body), TYPE))) == 3


def test_a_large_file_passes_in_pieces(bodies):
    body = part('form-data; name="f"; filename="zeros"', bytes(10_000_000))

    async def read():
        async for each in form_parts(bodies.pieces(body, 65536), TYPE):
            sizes.extend([len(piece) async for piece in each])

    sizes = []
    asyncio.run(read())
    assert (sum(sizes), max(sizes) <= 66_000) == (10_000_000, True)


@pytest.mark.parametrize(
    ("boundary", "content"),
    [
        ("a", b"--a" * 6_000_000),
        ("a=b", b"--a" * 6_000_000),
        ("WebKitFormBoundary", b"x--WebKitFormBoundary" * 800_000),
        ("a", b"\n--b" * 4_000_000),
        ("a=b", b"\n\r" * 9_000_000),
    ],
)
def test_others_get_their_turn_whatever_it_holds(bodies, boundary, content):
    body = part('form-data; name="f"', b"x" + content).replace(b"--XX", f"--{boundary}".encode())

    async def longest_wait():
        longest, last = 0.0, time.process_time()  # of others that use the machine we know nothing
        task = asyncio.ensure_future(read())
        while not task.done():
            await asyncio.sleep(0)
            now = time.process_time()
            longest, last = max(longest, now - last), now
        return await task, longest

    async def read():
        size = 0
        type_ = f"multipart/form-data; boundary={boundary}"
        async for each in form_parts(bodies.pieces(body, 1 << 20), type_):
            size += sum([len(piece) async for piece in each])
        return size

    begin = time.process_time()
    size, longest = asyncio.run(longest_wait())
    assert size == 1 + len(content)
    assert longest < 0.1
    assert time.process_time() - begin < 1


def test_a_missing_library_is_told(bodies, monkeypatch):
    monkeypatch.setitem(sys.modules, "multipart", None)
    with pytest.raises(MissingLibraryError, match="multipart is not installed"):
        bodies.each(form_parts(bodies.pieces(FORM), TYPE))
