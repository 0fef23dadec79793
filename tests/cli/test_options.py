"""Options that several commands have."""

import os
import sys
import threading
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from zope.component import getGlobalSiteManager
from zope.interface.registry import Components

from zcadapt.cli.options import ADDRESS, config_option, load_option, load_settings, registry


@click.command()
@config_option
@load_option
@click.option("--at", type=ADDRESS)
def command(config, modules, at):
    click.echo(f"{config} {modules} {at}")


@pytest.mark.parametrize(
    ("args", "printed"),
    [
        ([], "None () None"),
        (["--config", "a.toml"], "a.toml () None"),
        (["--load", "a", "--load", "b"], "None ('a', 'b') None"),
        (["--at", "[::1]:80"], "None () [::1]:80"),
    ],
)
def test_options_are_what_was_said(args, printed):
    assert CliRunner().invoke(command, args).output == printed + "\n"


def test_the_registry_is_the_global_one():
    assert registry(click.Context(command)) is getGlobalSiteManager()


def test_the_registry_can_be_brought_along():
    components = Components()
    assert registry(click.Context(command, obj=components)) is components


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Give a folder with settings; the working directory is another one."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "my.toml").write_text("nonsense = 1\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "etc"


def test_the_folder_of_the_settings_is_the_working_directory_for_the_command(elsewhere):
    with click.Context(command) as context:
        (problem,) = load_settings(context, "etc/my.toml").problems
        assert Path.cwd() == elsewhere
    assert Path.cwd() == elsewhere.parent
    assert str(problem).startswith("etc/my.toml:1: nonsense: ")


@pytest.mark.parametrize("path", ["nowhere/my.toml", "etc/nowhere.toml"])
@pytest.mark.usefixtures("elsewhere")
def test_settings_that_there_are_not_are_a_problem(path):
    with click.Context(command) as context:
        assert list(map(str, load_settings(context, path).problems)) == [
            f"{path}: No such file or directory"
        ]


def test_a_working_directory_that_is_gone_is_told_where_it_is_wanted(elsewhere, monkeypatch):
    gone = elsewhere.parent / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with click.Context(command) as context:
        (problem,) = load_settings(context, str(elsewhere / "my.toml")).problems
        assert "nonsense" in str(problem)
    told = CliRunner().invoke(command, ["--load", "a"])
    assert (told.exit_code, told.output) == (
        1,
        "Error: the working directory: No such file or directory\n",
    )


def test_settings_from_a_pipe_leave_the_working_directory_alone(elsewhere):
    os.mkfifo(elsewhere / "pipe")
    writing = threading.Thread(target=(elsewhere / "pipe").write_text, args=("nonsense = 1\n",))
    writing.start()
    with click.Context(command) as context:
        (problem,) = load_settings(context, "etc/pipe").problems
        assert Path.cwd() == elsewhere.parent
    writing.join()
    assert str(problem).startswith("etc/pipe:1: nonsense: ")


def test_without_settings_the_working_directory_stays(elsewhere):
    with click.Context(command) as context:
        assert load_settings(context, None).problems == ()
        assert Path.cwd() == elsewhere.parent


def test_modules_are_looked_for_where_the_command_is_given(elsewhere, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    CliRunner().invoke(command, [])
    assert str(elsewhere.parent) not in sys.path
    for _ in range(2):
        CliRunner().invoke(command, ["--load", "a"])
    assert sys.path.count(str(elsewhere.parent)) == 1


@pytest.mark.usefixtures("elsewhere")
def test_a_settings_file_that_lies_there_unread_is_told(capsys):
    Path("zcadapt.toml").write_text("nonsense = 1\n")
    with click.Context(command) as context:
        assert load_settings(context, None).problems == ()
    assert capsys.readouterr().err == (
        "note: zcadapt.toml is here, and is not read: it takes --config zcadapt.toml\n"
    )
    with click.Context(command) as context:
        assert load_settings(context, "zcadapt.toml").problems
    assert capsys.readouterr().err == ""
