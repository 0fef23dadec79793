"""The command line: a group of commands, one module each, and those that plugins add."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import click

from zcadapt.config import Loaded, Settings
from zcadapt.discovery import add_plugins
from zcadapt.hooks import Hooks

__all__ = ["Commands", "main"]

BUILT_IN: Final = ("check", "echo", "plugins", "query", "serve")

ADDED: Final = "zcadapt.cli.added"


class Commands(click.Group):
    """The commands of zcadapt, imported when they are wanted, then those of plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted({*filter(_exists, BUILT_IN), *_added(ctx).commands})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return the command `name`; a plugin cannot replace one of ours."""
        if name in BUILT_IN and _exists(name):
            command: click.Command = getattr(import_module(f"zcadapt.cli.{name}"), name)
            return command
        return _added(ctx).commands.get(name)


def _exists(name: str) -> bool:
    return find_spec(f"zcadapt.cli.{name}") is not None


def _added(ctx: click.Context) -> click.Group:
    """Return a group with what plugins add, asked for once a run."""
    known: Any = ctx.meta.get(ADDED)
    if known is None:
        known = ctx.meta[ADDED] = click.Group()
        hooks = Hooks()
        problems = add_plugins(hooks, Loaded(Settings()))
        failures = hooks.call("zcadapt_commands", group=known)
        for line in [*problems, *(f"plugin {each.plugin}: {each}" for each in failures)]:
            click.echo(f"left out: {line}", err=True)
    group: click.Group = known
    return group


@click.group(cls=Commands)
@click.version_option(package_name="zcadapt")
def main() -> None:
    """Let named plugins decide what an HTTP proxy fetches, changes and blocks.

    Services answer over ICAP (RFC 3507), policies over ICP (RFC 2186). A
    plugin is active as soon as it is installed; `zcadapt plugins` shows who is
    asked, and in which order.
    """
