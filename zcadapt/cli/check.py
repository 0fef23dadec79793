"""``zcadapt check``."""

import click

from zcadapt.cli.options import config_option, load_option, registry
from zcadapt.config import load
from zcadapt.runtime.assembly import assemble
from zcadapt.runtime.exits import Exit

__all__ = ["check"]


@click.command()
@click.argument("file", required=False)
@config_option
@load_option
@click.pass_context
def check(
    context: click.Context, *, file: str | None, config: str | None, modules: tuple[str, ...]
) -> None:
    """Tell everything that is wrong with FILE and with the plugins, without starting.

    Without FILE the plugins are checked with their default settings.

    Exits with 0 when nothing is wrong, else with 1.
    """
    if file and config:
        raise click.UsageError("FILE and --config are the same; give one of them")
    path = file or config
    problems = assemble(load(path), registry(context), modules).problems
    for problem in problems:
        click.echo(problem)
    click.echo(f"{path or 'The installation'}: {_counted(len(problems))}")
    raise SystemExit(Exit.PROBLEMS if problems else Exit.OK)


def _counted(number: int) -> str:
    return {0: "no problems", 1: "1 problem"}.get(number, f"{number} problems")
