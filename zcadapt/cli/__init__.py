"""The command line: a group of commands, one module each, and those that plugins add."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import click

from zcadapt.cli.output import complain, lost
from zcadapt.config import Loaded, Settings, did_you_mean
from zcadapt.discovery import add_plugins
from zcadapt.hooks import Hooks
from zcadapt.runtime.exits import Exit
from zcadapt.runtime.files import fill_standard_files

__all__ = ["Commands", "main"]

BUILT_IN: Final = ("check", "echo", "migrate", "new-plugin", "plugins", "query", "serve")

ADDED: Final = "zcadapt.cli.added"


class Commands(click.Group):
    """The commands of zcadapt, imported when they are wanted, then those of plugins."""

    def main(self, *args: Any, **extra: Any) -> Any:  # noqa: ANN401 - as inherited
        """Run what the command line says; a help that cannot be written is told."""
        try:
            return super().main(*args, **extra)
        except OSError as error:
            if lost(error):
                raise SystemExit(Exit.PROBLEMS) from error
            raise

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted({*filter(_exists, BUILT_IN), *_added(ctx).commands})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return the command `name`; a plugin cannot replace one of ours."""
        if name in BUILT_IN and _exists(name):
            module = import_module(f"zcadapt.cli.{_module(name)}")
            command: click.Command = getattr(module, _module(name))
            return command
        return _added(ctx).commands.get(name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that `args` begin with; a wrong name is told with the nearest."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = did_you_mean(args[0], self.list_commands(ctx))
            if not near:
                raise
            raise click.UsageError(f"No such command {args[0]!r}{near}", ctx) from error


def _exists(name: str) -> bool:
    return find_spec(f"zcadapt.cli.{_module(name)}") is not None


def _module(name: str) -> str:
    return name.replace("-", "_")


def _added(ctx: click.Context) -> click.Group:
    """Return a group with what plugins add, asked for once a run."""
    known: Any = ctx.meta.get(ADDED)
    if known is None:
        known = ctx.meta[ADDED] = click.Group()
        hooks = Hooks()
        problems = add_plugins(hooks, Loaded(Settings()))
        failures = hooks.call("zcadapt_commands", group=known)
        for line in [*problems, *(f"plugin {each.plugin}: {each}" for each in failures)]:
            complain(f"left out: {line}")
    group: click.Group = known
    return group


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="zcadapt")
def main() -> None:
    """Let named plugins decide what an HTTP proxy fetches, changes and blocks.

    Services answer over ICAP (RFC 3507), policies over ICP (RFC 2186). A
    plugin is active as soon as it is installed; `zcadapt plugins` shows who is
    asked, and in which order.
    """
    fill_standard_files()
