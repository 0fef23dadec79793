"""What is printed arrives, or the exit code and a message say that it did not."""

import os
import subprocess
import sys

import pytest

from zcadapt.cli.output import complain, say


def run(code, closed):
    command = f"import click; from zcadapt.cli.output import complain, say\n{code}"
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-c", command],
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_goes_where_it_belongs(capfd):
    say("out")
    say(b"bytes")
    complain(3)
    assert capfd.readouterr() == ("out\nbytes\n", "3\n")


@pytest.mark.parametrize(
    ("closed", "why"),
    [(">/dev/full", "No space left on device"), ("1</dev/null", "Bad file descriptor")],
)
def test_what_cannot_be_written_is_told(closed, why):
    done = run("click.command(lambda: say('x'))()", closed)
    assert (done.returncode, done.stderr) == (
        1,
        f"Error: standard output cannot be written: {why}\n",
    )


def test_what_nobody_reads_ends_a_command_silently():
    read, write = os.pipe()
    os.close(read)
    command = "import click; from zcadapt.cli.output import say; click.command(lambda: say('x'))()"
    done = subprocess.run(
        [sys.executable, "-c", command], stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


def test_it_is_told_once_and_the_exit_code_is_the_commands_own():
    code = (
        "for _ in range(2):\n"
        "    try: say('x')\n"
        "    except click.ClickException as error: complain(error)\n"
        "raise SystemExit(5)"
    )
    done = run(code, ">/dev/full")
    assert done.returncode == 5
    assert len(done.stderr.splitlines()) == 1


def test_a_complaint_that_cannot_be_written_changes_nothing():
    done = run("complain('x'); say('y'); raise SystemExit(5)", "2>/dev/full")
    assert (done.returncode, done.stdout) == (5, "y\n")
