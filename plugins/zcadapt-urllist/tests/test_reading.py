"""Files as people have them: packed or not, from any system, with broken lines."""

import gzip

import pytest
from zcadapt_urllist.formats import STRICT, size_of
from zcadapt_urllist.reading import (
    LONGEST_LINE,
    MOST_INSTRUCTIONS,
    MOST_TOLD,
    SourceError,
    sources_of,
)


@pytest.mark.parametrize(
    "content",
    [
        b"a.example\nb.example\n",
        b"a.example\nb.example",
        b"a.example\r\nb.example\r\n",
        b"a.example\rb.example\r",
        b"\xef\xbb\xbfa.example\rb.example",
        b"! Title: both\na.example\nb.example\n",
        b"! Title: both\ra.example\r||b.example^",
        b"\xef\xbb\xbfa.example\nb.example\n",
        b"\n\n# both\n  a.example  \n\tb.example # the second\n",
        b"a.example\n\x1a\nb.example\n",
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_list_is_read(tmp_path, read, content, packed):
    path = tmp_path / "list"
    path.write_bytes(gzip.compress(content) if packed else content)
    keys, report = read(path)
    assert keys == [b"example.a.", b"example.b."]
    assert (report.hosts, len(report)) == (2, 2)


def test_the_first_line_behind_a_bom_is_read_as_the_others(tmp_path, read):
    path = tmp_path / "list"
    path.write_bytes(b"\xef\xbb\xbf0.0.0.0 a.example\n0.0.0.0 b.example\n")
    assert read(path)[0] == [b"example.a.\0", b"example.b.\0"]


def test_broken_lines_are_told_with_file_and_line_counted_and_skipped(written, read):
    path = written("a.example", "no host", "b.example", b"\xff\xfe.example/ x")
    keys, report = read(path)
    assert keys == [b"example.a.", b"example.b."]
    assert report.broken == 2
    assert report.told[0] == f"{path}:2: not a URL"
    assert report.told[1].startswith(f"{path}:4: ")


def test_the_lines_of_an_old_mac_are_counted_as_all_others(tmp_path, read):
    path = tmp_path / "list"
    path.write_bytes(b"a.example\r" * 20_000 + b"no host\r")
    keys, report = read(path)
    assert len(keys) == 20_000
    assert report.told == [f"{path}:20001: not a URL"]
    with pytest.raises(SourceError, match="too large"):
        read(path, most_bytes=100_000)


def test_a_broken_name_in_a_hosts_file_is_told_and_the_others_of_its_line_are_read(written, read):
    path = written("0.0.0.0 a.example b!x.example c.example", "0.0.0.0 d.example")
    keys, report = read(path)
    assert keys == [b"example.a.\0", b"example.c.\0", b"example.d.\0"]
    assert (report.hosts, report.broken) == (3, 1)
    assert report.told == [f"{path}:1: not a host: 'b!x.example'"]


def test_expressions_that_would_take_too_long_together_are_told(written, read):
    fits = MOST_INSTRUCTIONS // size_of(b"x0.{900}y")
    path = written(*[f"x{number}.{{900}}y" for number in range(fits + 2)], "x0.{900}y", "abc")
    _, report = read(path, wanted="expressions")
    assert list(report.expressions)[-2:] == [b"x%d.{900}y" % (fits - 1), b"abc"]
    assert report.instructions <= MOST_INSTRUCTIONS
    assert [each.split(": ")[0] for each in report.told] == [
        f"{path}:{fits + 1}",
        f"{path}:{fits + 2}",
    ]
    assert f"{MOST_INSTRUCTIONS} instructions" in report.told[0]


def test_only_the_first_broken_lines_of_each_file_are_told(written, read):
    one = written(*["no host"] * 100, name="one")
    two = written(*["no host"] * 3, name="two")
    _, report = read(one, two)
    assert report.broken == 103
    assert len(report.told) == MOST_TOLD + 3


@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_line_that_is_too_long_is_one_broken_line(tmp_path, read, end):
    path = tmp_path / "list"
    path.write_bytes(b"a.example\n" + b"x" * (3 * LONGEST_LINE) + end + b"b.example\n" * bool(end))
    keys, report = read(path)
    assert keys == [b"example.a.", b"example.b."][: 1 + bool(end)]
    assert report.told == [f"{path}:2: a line has {LONGEST_LINE} bytes at most"]


def test_what_only_a_browser_can_follow_is_counted_and_not_told(written, read):
    path = written("! ads", "||a.example^", "##.ad", "/banner/*", "@@||b.a.example^")
    keys, report = read(path)
    assert keys == [b"example.a.", b"\x01example.a.b."]
    assert (report.not_for_us, report.broken, report.exceptions, report.told) == (2, 0, 1, [])


def test_a_squidguard_directory_is_read_each_file_in_its_format(written, read):
    folder = written("a.example", name="adult/domains").parent
    written("b.example/x", name="adult/urls")
    (folder / "expressions.gz").write_bytes(gzip.compress(b"(^|/)porn/\n(broken\n"))
    written("ignored", name="adult/usage")
    keys, report = read(folder)
    urls = [b"example.b.\0/x", b"example.b.www.\0/x"]
    assert keys == [b"example.a.", urls[0], STRICT + urls[0], urls[1], STRICT + urls[1]]
    assert list(report.expressions) == [b"(^|/)porn/"]
    assert (report.hosts, report.urls, report.lines, report.broken) == (1, 1, 3, 1)
    assert str(report) == "1 hosts and domains, 1 URLs, 1 expressions, 1 lines not read"


def test_lines_are_counted_not_what_they_are_looked_up_by(written, read):
    _, report = read(written("a.example/x", "b.example", "http://192.0.2.1/"), wanted="urls")
    assert (report.hosts, report.urls, report.lines) == (2, 1, 3)
    _, report = read(written("0.0.0.0 a.example b.example", "0.0.0.0 localhost", "0.0.0.0 c.d"))
    assert (report.hosts, report.lines) == (3, 2)
    _, report = read(written("||a.example^", "@@||b.a.example^", "##.ad"))
    assert (report.hosts, report.exceptions, report.lines) == (1, 1, 2)
    _, report = read(written("abc", "abc", "(abc"), wanted="expressions")
    assert (len(report.expressions), report.lines) == (1, 2)


def test_a_file_with_the_name_of_a_squidguard_file_is_one(written):
    path = written("x", name="expressions")
    assert [each.format for each in sources_of([path])] == ["expressions"]
    assert [each.format for each in sources_of([path], "domains")] == ["domains"]


def test_what_is_not_there_is_told(tmp_path, read):
    with pytest.raises(SourceError, match="no such file"):
        read(tmp_path / "missing")
    with pytest.raises(SourceError, match="no domains, urls or expressions"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("a.example\n".encode("utf-16"), "UTF-16"),
        (gzip.compress(b"a.example\n" * 1000)[:-20], "cannot be read"),
        (b"\x1f\x8b no gzip", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path, read, content, why):
    path = tmp_path / "list"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=why) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_what_unpacks_to_more_than_is_taken_is_refused(tmp_path, read):
    path = tmp_path / "bomb"
    path.write_bytes(gzip.compress(b"x" * 10_000_000))
    with pytest.raises(SourceError, match="too large"):
        read(path, most_bytes=1_000_000)


def test_progress_is_told_in_bytes_of_the_file(tmp_path, read):
    path = tmp_path / "list"
    path.write_bytes(b"a.example\n" * 20_000)
    steps = []
    read(path, on_progress=steps.append)
    assert sum(steps) == path.stat().st_size
    assert len(steps) > 1
