"""``zcadapt plugins``."""

import json
from dataclasses import asdict

import click

from zcadapt.cli.options import config_option, load_option, load_settings, registry
from zcadapt.cli.output import complain, say
from zcadapt.runtime.assembly import Assembled, assemble
from zcadapt.runtime.exits import Exit
from zcadapt.runtime.listing import policies, services, table

__all__ = ["plugins"]


@click.command(short_help="List what would be consulted, in order.")
@config_option
@load_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def plugins(
    context: click.Context, *, config: str | None, modules: tuple[str, ...], as_json: bool
) -> None:
    """List what would be consulted, in order, and where it comes from.

    For each service and policy: its name, its methods, what follows when it
    fails, and the distribution, version and entry point it comes from. What
    is left out because of a problem is told on standard error.

    Exits with 0 when there is a list, 1 when the settings are wrong, so that
    nothing would be consulted, 2 when the command line is wrong.
    """
    loaded = load_settings(context, config)
    if loaded.problems:
        for problem in loaded.problems:
            complain(problem)
        raise SystemExit(Exit.PROBLEMS)
    assembled = assemble(loaded, registry(context), modules)
    for problem in (*assembled.problems, *assembled.logged):
        complain(problem.told)
    say(_as_json(assembled) if as_json else _as_text(assembled))


def _as_json(assembled: Assembled) -> str:
    asked = assembled.components, assembled.settings
    listed = {
        "icap": [asdict(row) for row in services(*asked)],
        "icp": [asdict(row) for row in policies(*asked)],
        "plugins": assembled.hooks.plugins,
    }
    return json.dumps(listed, indent=2)


def _as_text(assembled: Assembled) -> str:
    asked = assembled.components, assembled.settings
    parts = {
        "ICAP services:": table(services(*asked)),
        "ICP policies:": table(policies(*asked)),
        "Plugins with hooks:": assembled.hooks.plugins or ["(none)"],
    }
    return "\n".join(
        line for title, lines in parts.items() for line in (title, *(f"  {each}" for each in lines))
    )
