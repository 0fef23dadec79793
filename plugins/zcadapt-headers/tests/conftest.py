"""The plugin as a user has it: built, installed into an environment of its own, and served."""

import os
import re
import shutil
import subprocess
import sys
import venv
from contextlib import contextmanager
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parent.parent
CORE = PLUGIN.parent.parent


class Installation:
    """A virtual environment with the plugin, and the commands in it."""

    def __init__(self, folder, wheels):
        self.folder = folder
        venv.create(folder, with_pip=True)
        self.run("pip", "install", "--quiet", *map(str, wheels))

    def run(self, name, *args, code=0):
        """Return what a command prints on standard output; it must end with `code`."""
        command = [self.folder / "bin" / name, *args]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self.folder, env=environment()
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def serving(self, settings, output):
        """Serve with the text `settings`; yield the port for ICAP."""
        file = output.with_suffix(".toml")
        file.write_text(settings + '\n[icap]\nlisten = ["127.0.0.1:0"]\n[icp]\nlisten = []\n')
        command = [self.folder / "bin" / "zcadapt", "serve", "--config", file]
        with (
            output.open("w") as log,
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment()
            ) as process,
        ):
            try:
                report = list(iter(process.stdout.readline, "ready\n"))
                yield int(re.search(r"^icap \S+:(\d+)$", "".join(report), re.MULTILINE)[1])
            finally:
                process.terminate()
        assert process.returncode == 0


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
