"""``zcadapt new-plugin`` writes a distribution that is whole as it stands."""

import os
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

FILES = ["CHANGES.rst", "README.rst", "pyproject.toml"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("args", "kind"), [([], "service"), (["--service"], "service"), (["--policy"], "policy")]
)
def test_a_distribution_is_written(invoke, here, args, kind):
    result = invoke("new-plugin", "my-rules", *args)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("zcadapt-my-rules is written.")
    folder = here / "zcadapt-my-rules"
    assert files(folder) == sorted(
        [
            *FILES,
            "tests/test_zcadapt_my_rules.py",
            "zcadapt_my_rules/__init__.py",
            "zcadapt_my_rules/py.typed",
            f"zcadapt_my_rules/{kind}.py",
        ]
    )
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "zcadapt-my-rules"
    assert (
        project["entry-points"]
        == {
            "service": {"zcadapt.icap_services": {"50-my-rules": "zcadapt_my_rules:Service"}},
            "policy": {"zcadapt.icp_policies": {"50-my-rules": "zcadapt_my_rules:Policy"}},
        }[kind]
    )


def test_the_name_may_be_that_of_the_distribution(invoke, here):
    assert invoke("new-plugin", "zcadapt-a").exit_code == 0
    assert (here / "zcadapt-a").is_dir()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "A",
        "1a",
        "a_b",
        "a--b",
        "a-",
        "-",
        "../a",
        "/a",
        "a b",
        "é",
        "a.b",
        "x" * 31,
        "zcadapt-",
    ],
)
def test_another_name_is_refused(invoke, here, name):
    result = invoke("new-plugin", "--", name)
    assert result.exit_code == 2
    assert "is not at most 30 letters" in result.output
    assert files(here) == []


def test_nothing_is_overwritten(invoke, here):
    folder = here / "zcadapt-a"
    folder.mkdir()
    (folder / "mine").write_text("mine")
    result = invoke("new-plugin", "a")
    assert result.exit_code == 1
    assert result.output == "Error: it cannot be written: zcadapt-a: File exists\n"
    assert files(folder) == ["mine"]


def test_the_name_of_what_is_installed_is_refused(invoke, here, monkeypatch):
    info = here / "zcadapt_scan-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zcadapt-scan\nVersion: 2.0\n")
    monkeypatch.syspath_prepend(str(here))
    result = invoke("new-plugin", "scan")
    assert result.exit_code == 1
    assert result.output == "Error: zcadapt-scan 2.0 is installed; another name is wanted\n"
    assert not (here / "zcadapt-scan").exists()


def test_the_name_of_a_module_that_is_there_is_refused(invoke, here):
    result = invoke("new-plugin", "pytest")
    assert result.exit_code == 1
    assert result.output == "Error: there is a module zcadapt_pytest here; another name is wanted\n"
    assert not (here / "zcadapt-pytest").exists()


def test_what_cannot_be_written_whole_is_not_there(invoke, here, monkeypatch):
    write = Path.write_text

    def full(self, *args, **kwargs):
        if self.name == "service.py":
            raise OSError(28, "No space left on device", str(self))
        return write(self, *args, **kwargs)

    monkeypatch.setattr(Path, "write_text", full)
    result = invoke("new-plugin", "a")
    assert result.exit_code == 1
    assert "No space left on device" in result.output
    assert files(here) == []


def test_a_file_in_its_place_stays_too(invoke, here):
    (here / "zcadapt-a").write_text("mine")
    assert invoke("new-plugin", "a").exit_code == 1
    assert (here / "zcadapt-a").read_text() == "mine"


# In a fresh environment, as a user has it


class Installation:
    """A virtual environment with zcadapt in it, and the commands there."""

    def __init__(self, folder):
        self.bin = folder / "bin"
        venv.create(folder, with_pip=True)

    def run(self, name, *args, cwd):
        """Return what a command prints."""
        environ = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        environ["PATH"] = f"{self.bin}{os.pathsep}{environ['PATH']}"
        done = subprocess.run(
            [self.bin / name, *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=cwd,
            env=environ,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installation")
    ignored = shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__", "tests", "plugins")
    shutil.copytree(ROOT, folder / "zcadapt", ignore=ignored)
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", folder, folder / "zcadapt"]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    installation = Installation(folder / "venv")
    installation.run("pip", "install", "--quiet", str(wheel), cwd=folder)
    return installation


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["service", "policy"])
@pytest.mark.parametrize("name", ["a", "abcdefghijklmno-qrstuvwxyz-123"])
def test_it_installs_is_found_and_passes_its_tests_lint_and_types(installation, here, kind, name):
    run = installation.run
    run("zcadapt", "new-plugin", name, f"--{kind}", cwd=here)
    project = here / f"zcadapt-{name}"
    run("pip", "install", "--quiet", "-e", ".[test]", cwd=project)
    assert f"  50-{name}  " in run("zcadapt", "plugins", cwd=here)
    assert "no problems" in run("zcadapt", "check", cwd=here)
    assert " passed" in run("pytest", "-p", "no:cacheprovider", cwd=project)
    run("ruff", "check", "--no-cache", cwd=project)
    run("ruff", "format", "--check", "--no-cache", cwd=project)
    assert "no issues found" in run("mypy", cwd=project)
    run("pip", "uninstall", "--quiet", "--yes", f"zcadapt-{name}", cwd=here)
