"""The tests of each plugin pass where it is installed as a user would install it."""

import shutil
import subprocess
import venv
from contextlib import ExitStack
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Return the Python of an environment with zcadapt and all plugins."""
    folder = tmp_path_factory.mktemp("plugins")
    copies = [folder / path.name for path in PLUGINS]
    for path, copy in zip(PLUGINS, copies, strict=True):  # a build writes into its folder
        shutil.copytree(path, copy, ignore=shutil.ignore_patterns("build", "*.egg-info"))
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "-e", f"{ROOT}[test]")
    run(python, "-m", "pip", "install", "-q", *(f"{copy}[test]" for copy in copies))
    return python


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def runs(python, tmp_path_factory):
    """Start the tests of all plugins side by side, since they wait more than they work."""
    folder = tmp_path_factory.mktemp("runs")
    with ExitStack() as stack:
        started = {}
        for plugin in PLUGINS:
            output = stack.enter_context((folder / plugin.name).open("w+"))
            command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", plugin]
            process = subprocess.Popen(command, stdout=output, stderr=output, cwd=ROOT)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            started[plugin] = process, output
        yield started


@pytest.mark.timeout(900)
@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_its_own_tests_pass(runs, plugin):
    process, output = runs[plugin]
    failed = process.wait()
    output.seek(0)
    assert not failed, output.read()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_its_types_are_right(python, plugin):
    package = plugin.name.replace("-", "_")
    run(python, "-m", "mypy", "--config-file", ROOT / "pyproject.toml", "-p", package)
