"""What plugins log while they are made counts, however little of it is written."""

import logging
import threading

import pytest

from zcadapt.runtime.warned import MOST, warnings_logged

log = logging.getLogger("a.plugin")


@pytest.fixture
def written():
    """What a handler writes that was there before."""
    root, lines = logging.getLogger(), []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    level = root.level
    root.addHandler(handler)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)


def test_warnings_and_worse_are_told_with_who_logged_them():
    with warnings_logged() as found:
        log.info("fine")
        log.warning("line %d", 3)
        log.error("lost")
    assert list(map(str, found)) == ["a.plugin: line 3", "a.plugin: lost"]
    assert all(each.is_warning for each in found)


@pytest.mark.parametrize(("level", "lines"), [("INFO", ["fine", "bad"]), ("ERROR", [])])
def test_the_log_has_what_it_has_without(written, level, lines):
    root = logging.getLogger()
    root.setLevel(level)
    before = root.level, list(root.handlers), [each.level for each in root.handlers]
    with warnings_logged() as found:
        log.info("fine")
        log.warning("bad")
    assert len(found) == 1
    assert written == lines
    assert (root.level, root.handlers, [each.level for each in root.handlers]) == before


def test_the_same_is_told_once_and_others_threads_are_others_business():
    with warnings_logged() as found:
        log.warning("bad")
        log.warning("bad")
        thread = threading.Thread(target=log.warning, args=("theirs",))
        thread.start()
        thread.join()
    assert list(map(str, found)) == ["a.plugin: bad"]


def test_a_flood_is_counted():
    with warnings_logged() as found:
        for number in range(MOST + 3):
            log.warning("line %d", number)
    assert len(found) == MOST + 1
    assert str(found[-1]) == "3 more warnings were logged"


def test_what_cannot_be_formatted_stops_nobody(monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    with warnings_logged() as found:
        log.warning("%d", "x")
    assert found == []
