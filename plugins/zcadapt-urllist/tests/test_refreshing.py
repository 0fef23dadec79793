"""Changed files are taken up, and nobody waits for it."""

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
        ("WARNING", f"list 'a': {tmp_path}/list.txt:2: not a URL"),
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
