"""``zcadapt serve``."""

import logging
from collections.abc import Sequence

import click

from zcadapt.cli.options import ADDRESS, config_option, load_option, load_settings, registry
from zcadapt.cli.output import complain, say
from zcadapt.config import repeated
from zcadapt.runtime.running import run_server
from zcadapt.runtime.threads import leave

__all__ = ["serve"]

log = logging.getLogger(__name__)


@click.command(short_help="Answer ICAP and ICP clients.")
@config_option
@click.option(
    "--icap",
    type=ADDRESS,
    multiple=True,
    help="Serve ICAP there, and not where the settings say. Can be repeated.",
)
@click.option(
    "--icp",
    type=ADDRESS,
    multiple=True,
    help="Serve ICP there, and not where the settings say. Can be repeated.",
)
@click.option("--no-icap", is_flag=True, help="Serve no ICAP.")
@click.option("--no-icp", is_flag=True, help="Serve no ICP.")
@load_option
@click.option("--strict", is_flag=True, help="Do not start where `zcadapt check` tells anything.")
@click.pass_context
def serve(  # noqa: PLR0913 - one for each option
    context: click.Context,
    *,
    config: str | None,
    icap: tuple[str, ...],
    icp: tuple[str, ...],
    no_icap: bool,
    no_icp: bool,
    modules: tuple[str, ...],
    strict: bool,
) -> None:
    """Answer ICAP and ICP clients until SIGTERM or Ctrl-C.

    Without settings it serves ICAP on 127.0.0.1:1344 and ICP on
    127.0.0.1:3130. Prints where it listens ("icap HOST:PORT", "icp
    HOST:PORT"; port 0 lets the system choose one), what it consults, the lines
    for squid.conf, and "ready". Logs to standard error. A second signal ends
    it at once.

    A plugin that cannot be imported or configured is told, left out, and does
    not stop the others: without it what it would block is not blocked. With
    --strict the server does not start then, nor where there is a warning.

    Settings are read at start only: restart it to take others up. SIGHUP
    changes nothing.

    Exits with 0 when it was told to stop, 1 when the settings are wrong or
    leave nothing to serve or, with --strict, anything else is wrong or warned
    of, 2 when the command line is wrong, 3 when it cannot listen on an address.
    """
    listen = {"icap": _wanted("icap", icap, no=no_icap), "icp": _wanted("icp", icp, no=no_icp)}
    wanted = {key: value for key, value in listen.items() if value is not None}
    code = run_server(
        load_settings(context, config, wanted),
        registry(context),
        modules,
        strict=strict,
        say=_report,
        complain=complain,
    )
    leave(code)


def _wanted(protocol: str, addresses: Sequence[str], *, no: bool) -> Sequence[str] | None:
    """Return where to listen; ``None`` leaves it to the settings."""
    if no and addresses:
        raise click.UsageError(f"--{protocol} and --no-{protocol} contradict each other")
    for at in repeated(addresses):
        raise click.UsageError(f"--{protocol} {addresses[at]} is given twice")
    return () if no else addresses or None


def _report(text: str) -> None:
    """Print the start-up report; clients are served even where nobody can read it."""
    try:
        say(text)
    except (click.ClickException, OSError) as error:
        log.warning("the start-up report is lost: %s", error)
