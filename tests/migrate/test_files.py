"""Files are read within bounds, and written whole, as what they were."""

import contextlib
import os
import re

import pytest

from zcadapt.migrate.files import LONGEST, Unusable, found, read, write


def walked(path):
    told = []
    paths = list(found(str(path), lambda *what: told.append(what)))
    return [os.path.relpath(each, path) for each in paths], told


def test_a_folder_is_walked_but_not_what_is_not_its_own(tmp_path):
    for name in (
        "b.py",
        "a/c.py",
        "a/d.pyw",
        "setup.cfg",
        "pyproject.toml",
        "requirements-dev.txt",
        "requirements/base.txt",
        "constraints.txt",
        "e.PYI",
        "notes.txt",
        ".git/a.py",
        ".venv/a.py",
        "build/a.py",
        "x.egg-info/requires.txt",
        "env/pyvenv.cfg",
        "env/a.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "serve").write_bytes(b"#!/usr/bin/env python3\n\xff")
    (tmp_path / "other").write_text("#!/bin/sh\npython")
    (tmp_path / ".hidden").write_text("#!/usr/bin/python\n")
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere")
    assert walked(tmp_path) == (
        [
            "a/c.py",
            "a/d.pyw",
            "b.py",
            "constraints.txt",
            "e.PYI",
            "pyproject.toml",
            "requirements/base.txt",
            "requirements-dev.txt",
            "serve",
            "setup.cfg",
        ],
        [],
    )


def test_a_file_is_itself_whatever_its_name(tmp_path):
    assert walked(tmp_path / ".a.sh") == (["."], [])


def test_a_folder_that_cannot_be_read_is_told_and_the_rest_is_walked(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "b.py").write_text("")
    scan = os.scandir

    def closed(path):
        if str(path).endswith("/a"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", closed)
    assert walked(tmp_path) == (["b.py"], [(f"{tmp_path}/a", "Permission denied")])


@pytest.fixture
def file(tmp_path):
    return tmp_path / "a.py"


@pytest.mark.parametrize(
    ("data", "text", "encoding"),
    [
        (b"a\r\n\xc3\xa9", "a\r\n\u00e9", "utf-8"),
        (b"\xef\xbb\xbfa\n", "a\n", "utf-8-sig"),
        (b"# -*- coding: latin-1 -*-\n\xe9", "# -*- coding: latin-1 -*-\n\u00e9", "iso-8859-1"),
        (b"#!a\n# vim: set fileencoding=cp1252 :\n\x80", None, "cp1252"),
        (b"", "", "utf-8"),
    ],
)
def test_text_is_read_in_its_encoding_and_comes_back(file, data, text, encoding):
    file.write_bytes(data)
    content = read(str(file))
    assert content.encoding == encoding
    assert text is None or content.text == text
    assert content.encoded(content.text) == data
    assert content.known


@pytest.mark.parametrize("data", [b"\xe9\n", b"a\n\n\n\xe9\n"])
def test_text_in_no_known_encoding_comes_back_too(file, data):
    file.write_bytes(data)
    content = read(str(file))
    assert not content.known
    assert content.encoded(content.text) == data


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"a\0b", "it is no text"),
        (b"a" * (LONGEST + 1), f"it is longer than {LONGEST} bytes"),
        (b"# coding: nonsense\n", "its encoding: unknown encoding"),
        (b"# coding: hex\n", "its encoding: "),
        (b"# coding: undefined\n", "its encoding: "),
        (b"# coding: utf-7\n+AGE-\n", "what is in it cannot be written as it is"),
    ],
)
def test_what_is_of_no_use_is_refused(file, data, why):
    file.write_bytes(data)
    with pytest.raises(Unusable, match=f"^{re.escape(why)}"):
        read(str(file))


def test_what_cannot_be_in_its_encoding_comes_back_or_is_refused(file):
    data = b"# coding: punycode\nimport pyicap\n"
    file.write_bytes(data)
    with contextlib.suppress(Unusable):  # which of the two, depends on the version of Python
        content = read(str(file))
        assert content.encoded(content.text) == data


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, why in (("pipe", "it is no regular file"), ("nowhere", "No such file or directory")):
        with pytest.raises(Unusable, match=why):
            read(str(tmp_path / name))


def test_bits_and_links_stay_and_nothing_else_is_there(tmp_path, file):
    file.write_bytes(b"old")
    file.chmod(0o751)
    os.utime(file, (1, 1))
    link = tmp_path / "link.py"
    link.symlink_to("a.py")
    write(str(link), b"new", b"old")
    assert link.is_symlink()
    assert file.read_bytes() == b"new"
    assert file.stat().st_mode & 0o7777 == 0o751
    assert file.stat().st_mtime > 1
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.py", "link.py"]


def test_it_is_written_whole_or_not_at_all(tmp_path, file, monkeypatch):
    file.write_bytes(b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unusable, match="it cannot be written: No space left on device"):
        write(str(file), b"new", b"old")
    assert file.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.py"]


def test_what_may_not_be_written_stays(file, monkeypatch):
    file.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anything
    with pytest.raises(Unusable, match="it may not be written"):
        write(str(file), b"new", b"old")
    assert file.read_bytes() == b"old"


def test_what_was_changed_meanwhile_stays(tmp_path, file):
    file.write_bytes(b"newer")
    with pytest.raises(Unusable, match="it was changed meanwhile"):
        write(str(file), b"new", b"old")
    assert file.read_bytes() == b"newer"
    assert [each.name for each in tmp_path.iterdir()] == ["a.py"]


def test_who_has_enough_of_it_leaves_nothing_behind(tmp_path, file, monkeypatch):
    file.write_bytes(b"old")

    def interrupted(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(str(file), b"new", b"old")
    assert [each.name for each in tmp_path.iterdir()] == ["a.py"]
