"""What a failed download leaves is told from a list."""

import gzip

import pytest
from zcadapt_urllist.reading import SourceError, sources_of
from zcadapt_urllist.sniffing import is_blank, refuse_pages


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("content", "is_it"),
    [
        (b"", True),
        (b"\n\r\n \n", True),
        (b"\xef\xbb\xbf\n", True),
        (b"# nothing\n", False),
        (b"\na.example\n", False),
    ],
)
def test_a_file_is_blank_without_as_much_as_a_comment(tmp_path, packed, content, is_it):
    path = tmp_path / "list"
    path.write_bytes(gzip.compress(content) if packed else content)
    assert is_blank(path) is is_it


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html>\n<p>",
        b"\xef\xbb\xbf\n  <HTML lang=en>",
        b"<!-- hello -->\n<!--\n-->\n<html>",
        b'<?xml version="1.0"?>\n<Error>',
        b'{\n  "message": "Not Found"\n}',
    ],
)
def test_a_page_is_no_list(tmp_path, packed, content):
    path = tmp_path / "list"
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(SourceError, match=r"list: is a page of HTML, XML or JSON, and no list"):
        refuse_pages(sources_of([path]))


@pytest.mark.parametrize(
    "line",
    [
        "a.example",
        "<script",
        "[Adblock Plus 2.0]",
        "{2}x",
        "# <html>",
        "<!-- my list -->\na.example",
        "<!-- my list",
        "<!---->" * 9000,
    ],
)
def test_what_may_be_a_list_is_none_the_worse(written, line):
    refuse_pages(sources_of([written(line)]))


def test_what_cannot_be_unpacked_is_told(tmp_path):
    path = tmp_path / "list.gz"
    path.write_bytes(gzip.compress(b"a.example\n" * 1000)[:20])
    with pytest.raises(SourceError, match=r"list\.gz: cannot be read"):
        is_blank(path)
