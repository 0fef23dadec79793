"""As many files may be open as the system lets us have, and none is where one prints."""

import os
import resource
import subprocess
import sys

import pytest

from zcadapt.runtime.files import fill_standard_files, raise_open_files


@pytest.fixture(autouse=True)
def limits():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_soft_limit_becomes_the_hard_one(limits):
    _, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
    assert raise_open_files() == hard
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)


def test_a_limit_that_is_high_enough_stays(limits):
    _, hard = limits
    raise_open_files()
    assert raise_open_files() == hard


def test_a_system_that_refuses_is_left_alone(limits, monkeypatch):
    _, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))

    def refuse(*_):
        raise OSError("no")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert raise_open_files() == min(256, hard)
    monkeypatch.undo()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_no_other_file_is_where_one_reads_and_prints(closed):
    """With what is closed as a shell closes it, the exit code is what there is to see."""
    code = (
        "import os, sys; from zcadapt.runtime.files import fill_standard_files as fill; fill();"
        "print('out'); print('err', file=sys.stderr); sys.stdout.flush();"
        "sys.exit(os.open('/', os.O_RDONLY) < 3)"
    )
    done = subprocess.run(
        ["sh", "-c", f'"$@" {closed}', "sh", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert (done.stdout == "out\n") == (">&-" not in closed.split())
    assert (done.stderr == "err\n") == ("2>&-" not in closed.split())


def test_what_is_open_stays_as_it_is(capfd):
    out, err = sys.stdout, sys.stderr
    fill_standard_files()
    assert (sys.stdout, sys.stderr) == (out, err)
    os.write(1, b"here\n")
    assert capfd.readouterr().out == "here\n"
