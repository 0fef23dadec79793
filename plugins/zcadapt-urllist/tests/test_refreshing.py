"""Changed files are taken up, and nobody waits for it."""

import gzip
import os
import shutil
import tempfile
from threading import Event

import pytest
from zcadapt_urllist import URLList
from zcadapt_urllist.reading import Report, keys_of, sources_of
from zcadapt_urllist.store import write

from zcadapt.testing import decide_now, reqmod_request


def is_blocked(service, host):
    return decide_now(service, reqmod_request(f"http://{host}/")) is not None


@pytest.fixture
def looked():
    """How to let a service look after its files, as the thread does second by second."""

    def look(service, times=2):
        for _ in range(times):
            service.refresh(Event())

    return look


@pytest.fixture(params=["plain", "built"])
def kept(request, written, tmp_path):
    """How to write the file of a list, plain or built; returns its path."""

    def keep(*lines):
        plain = written(*lines, name="new.txt")
        report = Report()
        path = tmp_path / "kept"
        if request.param == "built":
            write(keys_of(sources_of([plain]), report), report, path)
        else:
            plain.replace(path)
        return path

    return keep


def service_with(path):
    return URLList({"lists": {"a": {"sources": [str(path)]}}})


def test_a_changed_file_is_taken_up_and_the_state_changes(kept, looked):
    service = service_with(kept("a.example"))
    before = service.state
    looked(service)
    assert service.state == before
    kept("b.example", "c.example")
    assert is_blocked(service, "a.example")
    looked(service)
    assert not is_blocked(service, "a.example")
    assert is_blocked(service, "b.example")
    assert service.state != before


def test_who_starts_later_with_the_same_file_has_the_same_state(kept, looked):
    service = service_with(kept("a.example"))
    path = kept("b.example")
    looked(service)
    assert service.state == service_with(path).state


def test_a_file_is_taken_up_when_it_no_longer_changes(kept, looked):
    service = service_with(kept("a.example"))
    kept("b.example")
    looked(service, 1)
    assert is_blocked(service, "a.example")
    kept("c.example", "d.example")
    looked(service, 1)
    assert is_blocked(service, "a.example")
    looked(service, 1)
    assert is_blocked(service, "c.example")


def test_a_file_that_is_gone_or_spoiled_changes_nothing_and_is_told_once(kept, looked, caplog):
    path = kept("a.example")
    service = service_with(path)
    path.unlink()
    looked(service, 5)
    assert is_blocked(service, "a.example")
    assert caplog.text.count("stays as it is") == 1
    path.write_bytes("b.example\n".encode("utf-16"))
    looked(service, 5)
    assert is_blocked(service, "a.example")
    assert caplog.text.count("stays as it is") == 2
    kept("b.example")
    looked(service)
    assert is_blocked(service, "b.example")


def test_lines_that_cannot_be_read_any_more_are_told(written, looked, caplog, tmp_path):
    caplog.set_level("INFO")
    service = service_with(written("a.example"))
    written("b.example", "no host")
    looked(service)
    assert is_blocked(service, "b.example")
    assert [(each.levelname, each.getMessage()) for each in caplog.records[1:]] == [
        ("INFO", f"list 'a': {tmp_path}/list.txt:2: not a URL"),
        ("INFO", "list 'a': 1 hosts and domains, 1 lines not read"),
        ("INFO", "list 'a': its files have changed and are in use"),
    ]


def test_a_server_that_ends_does_not_wait_for_a_list(written):
    service = service_with(written("a.example"))
    written("b.example")
    service.refresh(Event())
    ended = Event()
    ended.set()
    service.refresh(ended)
    assert is_blocked(service, "a.example")


def test_what_is_the_same_under_another_name_or_time_has_the_same_state(written):
    one = service_with(written("a.example", name="one"))
    two = written("a.example", name="two")
    os.utime(two, (1, 1))
    assert service_with(two).state == one.state


@pytest.mark.parametrize("how", ["in place", "renamed"])
def test_a_change_of_the_same_size_is_seen(written, looked, how):
    path = written("a.example")
    service = service_with(path)
    before = path.stat()
    if how == "in place":
        path.write_text("b.example\n")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    else:
        new = written("b.example", name="new")
        os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
        new.replace(path)
    looked(service)
    assert is_blocked(service, "b.example")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "list.txt: is empty; a comment says that it is meant"),
        (b"\r\n", "list.txt: is empty; a comment says that it is meant"),
        (gzip.compress(b""), "list.txt: is empty; a comment says that it is meant"),
        (b"<html>\n<body>login please</body>\n</html>\n", "is a page of HTML, XML or JSON"),
        (b"404: Not Found\n", "none of the lines lists anything"),
        (b"no host\nb.example\nstill none\n", "2 lines cannot be read, and 1 can"),
        (b"no host\nb.example/x\nstill none\n", "2 lines cannot be read, and 1 can"),
        (b"/ads.\n", "none of the lines lists anything"),
    ],
)
def test_what_a_broken_download_leaves_is_not_taken_up(written, looked, caplog, content, why):
    path = written("||a.example^")
    service = service_with(path)
    for day in (1, 2):
        caplog.clear()
        path.write_bytes(content)
        os.utime(path, (day, day))
        looked(service, 5)
        assert is_blocked(service, "a.example")
        assert caplog.text.count("list 'a' stays as it is: ") == 1
        assert why in caplog.text
    written("||b.example^")
    looked(service)
    assert is_blocked(service, "b.example")


def test_of_several_files_each_is_looked_at(written, looked, caplog):
    one, two = written("a.example", name="one"), written("b.example", "c.example", name="two")
    service = URLList({"lists": {"a": {"sources": [str(one), str(two)]}}})
    for content in ("", "<html>"):
        two.write_text(content)
        looked(service)
        assert is_blocked(service, "b.example")
    assert f"{two}: has nothing any more, nor most of the list" in caplog.text


@pytest.mark.parametrize("how", ["empty", "gone"])
def test_a_file_that_has_nothing_any_more_does_not_hold_the_others_up(written, looked, caplog, how):
    folder = written("a.example", "b.example", name="games/domains").parent
    urls = written("c.example/x", name="games/urls")
    service = service_with(folder)
    written("a.example", "d.example", name="games/domains")
    if how == "empty":
        urls.write_bytes(b"")
    else:
        urls.unlink()
    looked(service)
    assert is_blocked(service, "d.example")
    assert f"list 'a': {urls} is {'empty now' if how == 'empty' else 'gone'}" in caplog.text
    written("a.example", "e.example", name="games/domains")
    caplog.clear()
    looked(service)
    assert is_blocked(service, "e.example")
    assert caplog.text.count(str(urls)) == 0


def test_a_working_directory_that_is_replaced_is_no_matter(written, looked, monkeypatch):
    folder = written("a.example", name="settings/list").parent
    monkeypatch.chdir(folder)
    service = service_with("list")
    shutil.rmtree(folder)
    looked(service)
    written("b.example", name="settings/list")
    looked(service)
    assert is_blocked(service, "b.example")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "there is no such file"),
        (b"<html>", "is a page of HTML"),
        (b"We love Marisa.\0 and more", "the list cannot be used"),
        (b"no host\n", "none of the lines lists anything; is the format right?"),
    ],
)
def test_a_list_that_was_left_out_is_taken_up_when_its_file_is_right(
    written, looked, caplog, content, why
):
    path = written(content or "")
    if content is None:
        path.unlink()
    service = service_with(path)
    before = service.state
    looked(service, 10)
    assert caplog.text.count(why) == 1
    assert not is_blocked(service, "a.example")
    written("a.example")
    looked(service)
    assert is_blocked(service, "a.example")
    assert service.state != before
    path.write_bytes(b"")
    looked(service)
    assert is_blocked(service, "a.example")
    assert "list 'a' stays as it is" in caplog.text


def test_a_list_that_was_left_out_and_is_wrong_in_another_way_is_still_left_out(
    written, looked, caplog
):
    service = service_with(written("no host"))
    written("<html>")
    looked(service, 5)
    assert caplog.text.count("list 'a' is still left out") == 1
    written("a.example", "no host", "no host")
    looked(service)
    assert is_blocked(service, "a.example")
    assert "2 lines cannot be read, and 1 can; is the format right?" in caplog.text


def test_a_file_that_only_has_a_comment_is_meant_to_have_nothing_else(written, looked):
    service = service_with(written("a.example"))
    written("# nothing any more")
    looked(service)
    assert not is_blocked(service, "a.example")


def test_a_list_that_never_was_better_is_taken_up(written, looked):
    service = service_with(written("a.example", "no host", "no host"))
    written("b.example", "no host", "no host")
    looked(service)
    assert is_blocked(service, "b.example")


def test_what_was_built_and_is_cut_off_is_not_taken_up(written, looked, tmp_path):
    report, path = Report(), tmp_path / "built"
    write(keys_of(sources_of([written("a.example")]), report), report, path)
    service = service_with(path)
    for spoiled in (path.read_bytes()[:-1], b""):
        path.write_bytes(spoiled)
        looked(service)
        assert is_blocked(service, "a.example")


def test_what_was_built_to_be_empty_is_meant_so(written, looked, tmp_path):
    report, path = Report(), tmp_path / "built"
    write(keys_of(sources_of([written("a.example")]), report), report, path)
    service = service_with(path)
    write([], Report(), path, allow_empty=True)
    looked(service)
    assert not is_blocked(service, "a.example")


def test_what_could_not_be_taken_up_is_tried_again_and_each_time_later(
    written, looked, caplog, monkeypatch, tmp_path
):
    service = service_with(written("a.example"))
    written("b.example")
    looked(service, 1)
    with monkeypatch.context() as trouble:
        trouble.setattr(tempfile, "tempdir", str(tmp_path / "full"))
        looked(service, 4)
        assert caplog.text.count("stays as it is") == 1
    assert is_blocked(service, "a.example")
    looked(service, 1)
    assert is_blocked(service, "b.example")
    written("c.example", "d.example")
    looked(service, 1)
    with monkeypatch.context() as trouble:
        trouble.setattr(tempfile, "tempdir", str(tmp_path / "full"))
        looked(service, 5)
    looked(service, 7)
    assert not is_blocked(service, "c.example")
    looked(service, 1)
    assert is_blocked(service, "c.example")
