"""``zcadapt check``."""

import click

from zcadapt.cli.options import config_option, load_option, load_settings, registry
from zcadapt.cli.output import say
from zcadapt.runtime.assembly import assemble
from zcadapt.runtime.exits import Exit

__all__ = ["check"]


@click.command(short_help="Tell what is wrong with the settings and the plugins.")
@click.argument("file", required=False)
@config_option
@load_option
@click.pass_context
def check(
    context: click.Context, *, file: str | None, config: str | None, modules: tuple[str, ...]
) -> None:
    """Tell everything that is wrong with FILE and with the plugins, without starting.

    FILE is the settings file, as is that of --config. Without one the plugins
    are checked with their default settings.

    What plugins warn of in the log while they are made is told too.

    Exits with 0 when nothing is wrong, 1 when anything was told, be it a
    warning, 2 when the command line is wrong.
    """
    if file is not None and config is not None:
        raise click.UsageError("FILE and --config are the same; give one of them")
    path = config if file is None else file
    assembled = assemble(load_settings(context, path), registry(context), modules)
    problems = [*assembled.problems, *assembled.logged]
    for problem in problems:
        say(problem)
    what = "The installation" if path is None else path
    say(f"{what}: {_counted(len(problems))}")
    raise SystemExit(Exit.PROBLEMS if problems else Exit.OK)


def _counted(number: int) -> str:
    return {0: "no problems", 1: "1 problem"}.get(number, f"{number} problems")
