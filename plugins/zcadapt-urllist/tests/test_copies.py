"""What is mapped stays what it is, stands there once, and goes when nobody uses it."""

import os
import resource
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from zcadapt_urllist import copies
from zcadapt_urllist.copies import mapped


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the copies of this user are."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return tmp_path / "temporary" / f"zcadapt-urllist-{os.geteuid()}"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"as it was")
    return path


def right(_):
    """Everything is as its digest says."""


def wrong(_):
    raise ValueError("it is damaged")


def names(folder):
    return sorted(each.name for each in folder.iterdir())


def inodes(path):
    """Return the inodes that this process has mapped from copies made below `path`."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return [line.split()[4] for line in lines if f"{path}/zcadapt-urllist-" in line]


@pytest.mark.usefixtures("folder")
def test_a_file_that_is_written_over_or_cut_does_not_change_what_is_mapped(path):
    memory = mapped(path, "digest", right)
    path.write_bytes(b"x")
    assert bytes(memory) == b"as it was"


def test_what_is_mapped_again_is_there_once_until_the_last_has_gone(folder, path):
    one, two = mapped(path, "digest", right), mapped(path, "digest", right)
    assert len(set(inodes(folder.parent))) == 1
    assert names(folder) == ["digest"]
    del one
    assert names(folder) == ["digest"]
    assert bytes(two) == b"as it was"
    del two
    assert names(folder) == []


def test_who_ends_with_a_copy_removes_none_that_took_its_place(folder, path):
    memory = mapped(path, "digest", right)
    (folder / "digest").unlink()
    other = mapped(path, "digest", right)
    del memory
    assert names(folder) == ["digest"]
    del other


def test_what_nobody_uses_is_removed_and_not_believed(folder, path):
    folder.mkdir(0o700)
    (folder / "digest").write_bytes(b"half of it")
    (folder / "other").write_bytes(b"another")
    memory = mapped(path, "digest", right)
    assert bytes(memory) == b"as it was"
    assert names(folder) == ["digest"]


def test_what_is_not_right_is_refused_and_leaves_nothing(folder, path):
    with pytest.raises(ValueError, match="damaged"):
        mapped(path, "digest", wrong)
    with pytest.raises(FileNotFoundError):
        mapped(path.with_name("missing"), "digest", right)
    assert names(folder) == []


@pytest.mark.parametrize("end", [b"b", b"", b"ab"])
def test_what_says_the_digest_of_another_does_not_stand_in_for_it(folder, path, end):
    begin, liar = bytes(2 * copies.AT_ONCE), path.with_name("liar")
    path.write_bytes(begin + b"a")
    liar.write_bytes(begin + end)
    lie = mapped(liar, "digest", right)
    true = mapped(path, "digest", right)
    assert (bytes(lie), bytes(true)) == (begin + end, begin + b"a")
    again = mapped(liar, "digest", right)
    assert len(set(inodes(folder.parent))) == 2
    del true
    assert names(folder) == ["digest"]
    assert bytes(lie) == bytes(again) == begin + end
    del lie, again
    assert names(folder) == []


FORKED = """
import os, sys, tempfile
from pathlib import Path
from zcadapt_urllist.copies import mapped
tempfile.tempdir = sys.argv[1]
memory = mapped(Path(sys.argv[2]), "digest", lambda _: None)
if (child := os.fork()) == 0:
    sys.exit()
os.waitpid(child, 0)
print(os.listdir(sys.argv[3]), flush=True)
"""


def test_a_forked_process_that_ends_leaves_the_copy_to_its_maker(folder, path):
    command = [sys.executable, "-c", FORKED, folder.parent, path, folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "['digest']\n"
    assert names(folder) == []


@contextmanager
def full():
    """Let there be room for no file in which there is more than a byte."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def missing():
    """Let there be no folder for temporary files."""
    before, tempfile.tempdir = tempfile.tempdir, "/dev/null/none"
    try:
        yield
    finally:
        tempfile.tempdir = before


@pytest.mark.parametrize("trouble", [full, missing])
def test_without_a_place_for_a_copy_the_file_itself_is_mapped(folder, path, caplog, trouble):
    copies.tell.cache_clear()
    caplog.set_level("INFO")
    with trouble():
        one, two = mapped(path, "digest", right), mapped(path, "digest", right)
        with pytest.raises(ValueError, match="damaged"):
            mapped(path, "digest", wrong)
        with pytest.raises(FileNotFoundError):
            mapped(path.with_name("missing"), "digest", right)
    path.unlink()
    assert bytes(one) == bytes(two) == b"as it was"
    assert not folder.exists() or names(folder) == []
    assert [each.levelname for each in caplog.records] == ["INFO"]
    assert "there is no place for copies" in caplog.text


@pytest.mark.parametrize("kind", ["for all", "a link"])
def test_a_folder_of_somebody_else_is_not_used(folder, path, tmp_path, kind):
    if kind == "for all":
        folder.mkdir()
        folder.chmod(0o777)
    else:
        (tmp_path / "theirs").mkdir(0o700)
        folder.symlink_to(tmp_path / "theirs")
    memory = mapped(path, "digest", right)
    assert bytes(memory) == b"as it was"
    assert names(folder) == []
    assert names(folder.parent) == [folder.name]
