"""Options that several commands have."""

import click
import pytest
from click.testing import CliRunner
from zope.component import getGlobalSiteManager
from zope.interface.registry import Components

from zcadapt.cli.options import ADDRESS, config_option, load_option, registry


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
