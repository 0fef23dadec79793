"""The plugin as a user has it: built, and installed into an environment of its own."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from zcadapt_partition import Table

collect_ignore = ["site_of_articles.py"]  # it is for another process

PLUGIN = Path(__file__).parent.parent
CORE = PLUGIN.parent.parent


class Installation:
    """A virtual environment, and the commands in it."""

    def __init__(self, folder, wheels):
        self.folder = folder
        venv.create(folder, with_pip=True)
        self.run("pip", "install", "--quiet", *map(str, wheels))

    def command(self, name, *args):
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


def environment():
    """Return an environment in which nothing of this checkout is found by chance."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}


def wheel(project, folder):
    """Return the wheel of a project, built from a copy so that nothing is left behind."""
    copy = folder / "source" / project.name
    ignored = shutil.ignore_patterns(
        ".*", "build", "dist", "*.egg-info", "__pycache__", "tests", "plugins"
    )
    shutil.copytree(project, copy, ignore=ignored)
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", folder, copy]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(folder, done.stdout.splitlines()[-1].rpartition(" ")[2])


@pytest.fixture(scope="session")
def installation(tmp_path_factory):
    """Return a fresh environment with zcadapt and the plugin."""
    if not (CORE / "setup.cfg").exists():
        pytest.skip("needs the source of zcadapt beside it")
    folder = tmp_path_factory.mktemp("wheels")
    wheels = [wheel(CORE, folder), wheel(PLUGIN, folder)]
    return Installation(tmp_path_factory.mktemp("installation"), wheels)


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self):
        self.now = 1_700_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def new_table(clock):
    """How to make a table in memory, which is closed in the end."""
    made = []

    def new_table(**options):
        made.append(Table.in_memory(options, clock=clock))
        return made[-1]

    yield new_table
    for table in made:
        table.close()
