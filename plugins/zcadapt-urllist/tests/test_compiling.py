"""The process that compiles a list beside the server."""

import sys
from threading import Event

import pytest
from zcadapt_urllist import compiling
from zcadapt_urllist.compiling import compiled_aside
from zcadapt_urllist.reading import SourceError, sources_of

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def endless(tmp_path, monkeypatch):
    """Let the process be one that never ends."""
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nexec sleep 600\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))


@pytest.mark.usefixtures("endless")
def test_a_process_that_takes_too_long_is_ended(written, monkeypatch):
    monkeypatch.setattr(compiling, "PATIENCE", 0.1)
    with pytest.raises(SourceError, match="takes longer than"):
        compiled_aside("a", sources_of([written("a.example")]), 1000, Event())


@pytest.mark.usefixtures("endless")
def test_a_process_that_nobody_waits_for_any_more_is_ended(written):
    stopped = Event()
    stopped.set()
    with pytest.raises(SourceError, match="the server ends"):
        compiled_aside("a", sources_of([written("a.example")]), 1000, stopped)


def test_what_lies_in_the_working_directory_is_not_run(written, tmp_path, monkeypatch):
    path = written("a.example")
    (tmp_path / "json.py").write_text("raise SystemExit('run')")
    monkeypatch.chdir(tmp_path)
    sources = sources_of([path.relative_to(tmp_path)])
    assert compiled_aside("a", sources, 1000, Event()).entries == 1


def test_a_process_that_is_killed_is_an_error(written, tmp_path, monkeypatch):
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nkill -9 $$\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    with pytest.raises(SourceError, match="the process that compiles it ended: -9"):
        compiled_aside("a", sources_of([written("a.example")]), 1000, Event())
