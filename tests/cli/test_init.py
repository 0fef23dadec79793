"""The group of commands: ours, imported when they are wanted, and those of plugins."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from zcadapt.cli import Commands


def test_the_version_is_that_of_the_distribution(invoke):
    assert invoke("--version").output == f"zcadapt, version {version('zcadapt')}\n"


@pytest.mark.parametrize("args", ["--help", "--version", "check --help"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_help_that_cannot_be_written_is_told(args, unbuffered):
    command = [sys.executable, "-m", "zcadapt", *args.split()]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    assert done.returncode == 1
    assert done.stderr == ("Error: standard output cannot be written: No space left on device\n")


def test_what_else_fails_is_raised_as_it_is():
    group = Commands(callback=Path("/nowhere/at/all").read_text, invoke_without_command=True)
    with pytest.raises(FileNotFoundError):
        group.main([])


def test_an_unknown_command_is_a_wrong_command_line(invoke):
    result = invoke("serv")
    assert result.exit_code == 2
    assert "No such command 'serv'. Did you mean \"serve\"?" in result.output
    assert "No such command 'zzz'" in invoke("zzz").output


@pytest.mark.parametrize("command", ["check", "echo", "plugins", "query", "serve"])
def test_our_commands_are_there_and_explain_themselves(invoke, command):
    (line,) = [
        each for each in invoke("-h").output.splitlines() if each.startswith(f"  {command} ")
    ]
    assert line.endswith(".")
    assert not line.endswith("...")
    assert "Exits with" in invoke(command, "--help").output


def test_only_the_command_that_is_wanted_is_imported():
    code = (
        "import sys\nfrom zcadapt.cli import main\n"
        "try: main(['check', '--help'])\nexcept SystemExit: pass\n"
        "print(sorted(each for each in sys.modules if each.startswith('zcadapt.cli.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "zcadapt.cli.check" in done.stdout
    assert "zcadapt.cli.serve" not in done.stdout


@pytest.mark.usefixtures("folder")
def test_plugins_add_commands(invoke):
    assert "  greet       Greet." in invoke("--help").stdout
    assert invoke("greet").stdout == "hello from a plugin\n"


@pytest.mark.usefixtures("folder")
def test_plugins_cannot_replace_our_commands(invoke):
    assert "Answer ICAP and ICP clients" in invoke("serve", "--help").stdout


@pytest.mark.usefixtures("folder")
def test_a_broken_plugin_is_told_and_the_others_add_theirs(invoke):
    result = invoke("greet")
    assert result.stderr.startswith("left out: plug-cli 1.5 (zcadapt.plugins: worse): ")
    assert result.exit_code == 0


@pytest.mark.usefixtures("folder")
def test_a_hook_that_fails_is_told(invoke, folder):
    with (folder / "plug_cli.py").open("a") as code:
        code.write("\n@hookimpl\ndef zcadapt_commands(group): 1/0\n")
    result = invoke("--help")
    assert "plugin cli: zcadapt_commands failed: ZeroDivisionError" in result.stderr
    assert result.exit_code == 0


def test_it_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "zcadapt", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("zcadapt, version ")
