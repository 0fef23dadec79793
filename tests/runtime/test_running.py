"""From settings to an exit code."""

import logging
import os
import signal
import socket
import sys

import pytest
from zope.interface.registry import Components

from zcadapt.config import load
from zcadapt.runtime.exits import Exit
from zcadapt.runtime.running import run_server


@pytest.fixture(autouse=True)
def logging_as_before():
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


class Run:
    """Runs a server that is told to end as soon as it has started."""

    def __init__(self, path):
        self.path = path
        self.said = []
        self.complaints = []

    def say(self, text):
        self.said.append(text)
        os.kill(os.getpid(), signal.SIGTERM)

    def __call__(self, text="", modules=(), *, strict=False):
        self.path.write_text('[icap]\nlisten = ["127.0.0.1:0"]\n[icp]\nlisten = []\n' + text)
        loaded = load(str(self.path))
        return run_server(
            loaded,
            Components(),
            modules,
            strict=strict,
            say=self.say,
            complain=self.complaints.append,
        )


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path / "zcadapt.toml")


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_server_that_was_told_to_end_did_well(run, loop):
    pytest.importorskip(loop)
    assert run(f'[server]\nloop = "{loop}"') == Exit.OK
    assert run.said[0].startswith("icap 127.0.0.1:")
    assert run.complaints == []


def test_wrong_settings_are_fatal_and_all_are_told(run):
    assert run("[server]\ngrace = -1\nloop = 'fast'") == Exit.PROBLEMS
    assert len(run.complaints) == 2
    assert run.said == []


def test_broken_plugins_are_left_out_and_all_of_them_told(run):
    assert run("[log]\nrepeats = 1", ["nowhere_at_all", "nowhere_either"]) == Exit.OK
    assert [each.partition(": Mod")[0] for each in run.complaints] == [
        "left out: --load nowhere_at_all",
        "left out: --load nowhere_either",
    ]


def test_a_broken_plugin_is_fatal_when_that_is_wanted(run):
    assert run(modules=["nowhere_at_all"], strict=True) == Exit.PROBLEMS
    assert run.complaints[0].startswith("--load nowhere_at_all: ModuleNotFoundError")
    assert run.said == []


def test_what_was_left_out_of_the_log_is_told_at_the_end(run, capsys, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    code = "import logging\nfor n in range(5): logging.warning('noise %s', n)"
    (tmp_path / "noisy_rules.py").write_text(code)
    assert run("[log]\nrepeats = 2", ["noisy_rules"]) == Exit.OK
    lines = capsys.readouterr().err.splitlines()
    assert sum("noise" in line for line in lines[:-1]) == 2
    assert lines[-1].endswith("3 more lines were not written of: noise %s")


def test_a_taken_address_has_its_own_exit_code(tmp_path):
    run = Run(tmp_path / "zcadapt.toml")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run.path.write_text(f'[icap]\nlisten = ["127.0.0.1:{port}"]\n[icp]\nlisten = []\n')
        code = run_server(
            load(str(run.path)),
            Components(),
            (),
            strict=False,
            say=run.say,
            complain=run.complaints.append,
        )
    assert code == Exit.CANNOT_LISTEN
    assert run.complaints == [f"cannot listen on 127.0.0.1:{port} (ICAP): Address already in use"]


def test_uvloop_that_is_wanted_and_not_there_is_told(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert run('[server]\nloop = "uvloop"') == Exit.PROBLEMS
    assert run.complaints == ["[server] loop: uvloop is not installed"]
