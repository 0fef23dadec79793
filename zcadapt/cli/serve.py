"""``zcadapt serve``."""

from dataclasses import replace

import click

from zcadapt.cli.options import ADDRESS, config_option, load_option, registry
from zcadapt.config import Settings, load
from zcadapt.runtime.running import run_server
from zcadapt.runtime.threads import leave

__all__ = ["serve"]


@click.command()
@config_option
@click.option("--icap", type=ADDRESS, multiple=True, help="Serve ICAP there. Can be repeated.")
@click.option("--icp", type=ADDRESS, multiple=True, help="Serve ICP there. Can be repeated.")
@click.option("--no-icap", is_flag=True, help="Serve no ICAP.")
@click.option("--no-icp", is_flag=True, help="Serve no ICP.")
@load_option
@click.option("--strict", is_flag=True, help="Do not start with a plugin that has a problem.")
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

    Prints where it listens ("icap HOST:PORT", "icp HOST:PORT"; port 0 lets
    the system choose one), what it consults, the lines for squid.conf, and
    "ready". Logs to standard error. A second signal ends it at once.

    A plugin that cannot be imported or configured is told, left out, and does
    not stop the others: without it what it would block is not blocked. With
    --strict the server does not start then.

    Exits with 0 when it was told to stop, 1 when the settings are wrong or,
    with --strict, a plugin or its table is, 3 when it cannot listen on an
    address.
    """
    loaded = load(config)
    settings = _listening(
        loaded.settings, () if no_icap else icap or None, () if no_icp else icp or None
    )
    code = run_server(
        loaded._replace(settings=settings),
        registry(context),
        modules,
        strict=strict,
        say=click.echo,
        complain=lambda text: click.echo(text, err=True),
    )
    leave(code)


def _listening(
    settings: Settings, icap: tuple[str, ...] | None, icp: tuple[str, ...] | None
) -> Settings:
    """Return `settings` with other addresses, where they are not None."""
    return replace(
        settings,
        icap=settings.icap if icap is None else replace(settings.icap, listen=icap),
        icp=settings.icp if icp is None else replace(settings.icp, listen=icp),
    )
