"""A distribution as a user has it: built, and installed into an environment of its own."""

import os
import re
import shutil
import subprocess
import sys
import venv
from contextlib import contextmanager
from pathlib import Path

#: What is not copied to where a wheel is built, which writes into its folder.
IGNORED = (".*", "build", "dist", "*.egg-info", "__pycache__", "tests", "plugins")


class Installation:
    """A virtual environment with what is in `wheels`, and the commands in it."""

    def __init__(self, folder, wheels):
        self.folder = folder
        venv.create(folder, with_pip=True)
        self.run("pip", "install", "--quiet", *wheels)

    def command(self, name, *args):
        """Return the words of a command line."""
        return [str(self.folder / "bin" / name), *map(str, args)]

    def run(self, name, *args, code=0):
        """Return what a command prints on standard output; it must end with `code`."""
        done = subprocess.run(
            self.command(name, *args),
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=environment(),
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def serve(self, *args, stderr=None):
        """Serve, give the addresses by protocol, and see that it ends as it should."""
        with subprocess.Popen(
            self.command("zcadapt", "serve", *args),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            cwd=self.folder,
            env=environment(),
        ) as process:
            try:
                yield addresses(report_of(process))
            finally:
                process.terminate()
        assert process.returncode == 0


def environment():
    """Return an environment in which nothing of this checkout is found by chance."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}


def wheel(project, folder):
    """Return the wheel of a project, built from a copy so that nothing is left behind."""
    copy = folder / "source" / project.name
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns(*IGNORED))
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", folder, copy]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(folder, done.stdout.splitlines()[-1].rpartition(" ")[2])


def report_of(process):
    """Return the lines of the start-up report, which ends with ``ready``."""
    lines = []
    for line in process.stdout:
        if line == "ready\n":
            return lines
        lines.append(line)
    raise AssertionError("the server has ended by itself")


def addresses(report):
    """Return (host, port) by protocol."""
    found = (re.fullmatch(r"(icap|icp) (\S+):(\d+)\n", line) for line in report)
    return {each[1]: (each[2], int(each[3])) for each in found if each}
