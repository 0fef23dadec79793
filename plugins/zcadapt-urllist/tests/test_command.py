"""``zcadapt urllist``, as an administrator runs it."""

import gzip

import pytest
from click.testing import CliRunner
from zcadapt_urllist.command import urllist


@pytest.fixture
def run():
    def run(*args):
        return CliRunner().invoke(urllist, list(map(str, args)))

    return run


def test_sources_are_built_to_one_file_that_can_be_searched(run, written, tmp_path):
    one = written("a.example", "broken line", name="one")
    two = tmp_path / "two.gz"
    two.write_bytes(gzip.compress(b"0.0.0.0 b.example\n"))
    done = run("build", one, two, "--output", tmp_path / "out")
    assert done.exit_code == 0
    assert f"{one}:2: not a URL\n" in done.stderr
    assert done.stderr.endswith(f"{tmp_path}/out: 2 hosts and domains, 1 lines not read\n")
    found = run("find", tmp_path / "out", "http://www.A.example:80/x")
    assert (found.stdout, found.exit_code) == ("a.example\n", 0)
    found = run("find", tmp_path / "out", "www.b.example")
    assert (found.stdout, found.exit_code) == ("not listed\n", 1)


def test_a_format_can_be_told_for_all_or_for_one(run, written, tmp_path):
    one, two = written("a.example", name="one"), written("b.example", name="two")
    args = ["--output", tmp_path / "out", "--format", "dstdomain", "--source", "domains", two]
    assert run("build", one, *args).exit_code == 0
    assert run("find", tmp_path / "out", "www.a.example").exit_code == 1
    assert run("find", tmp_path / "out", "www.b.example").exit_code == 0


@pytest.mark.parametrize(
    ("lines", "args", "why"),
    [
        ([], [], "there is nothing in the sources"),
        (["# nothing"], [], "there is nothing in the sources"),
        (["<html>", "a.example"], [], "is a page of HTML, XML or JSON, and no list"),
        (["a.example"] * 100, ["--max-bytes", "50"], "too large"),
        (["a.example"], ["missing"], "missing: there is no such file"),
    ],
)
def test_what_cannot_be_built_leaves_the_file_as_it_was(run, written, lines, args, why):
    source = written(*lines)
    out = source.parent / "out"
    out.write_bytes(b"as it was")
    done = run("build", source, *args, "--output", out)
    assert done.exit_code == 1
    assert why in done.stderr
    assert "is as it was" in done.stderr
    assert out.read_bytes() == b"as it was"


def test_an_empty_list_is_written_where_that_is_allowed(run, written, tmp_path):
    args = ["--allow-empty", "--output", tmp_path / "out"]
    assert run("build", written(), *args).exit_code == 0
    assert run("find", tmp_path / "out", "a.example").stdout == "not listed\n"


def test_a_folder_that_cannot_be_written_is_told(run, written, tmp_path):
    done = run("build", written("a.example"), "--output", tmp_path / "none" / "out")
    assert done.exit_code == 1
    assert "cannot be written: No such file or directory" in done.stderr


def test_without_sources_it_says_so(run, tmp_path):
    done = run("build", "--output", tmp_path / "out")
    assert done.exit_code == 2
    assert "SOURCES" in done.stderr


def test_a_file_that_was_not_built_cannot_be_searched(run, written):
    done = run("find", written("a.example"), "a.example")
    assert done.exit_code == 1
    assert "zcadapt urllist build" in done.stderr
