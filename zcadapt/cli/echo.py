"""``zcadapt echo``."""

import logging
from typing import Any
from urllib.parse import quote

import click
from zope.interface.registry import Components

from zcadapt.cli.output import complain, say
from zcadapt.config import Address, LogSettings, Settings, parse_address
from zcadapt.hooks import Hooks
from zcadapt.icap.request import Request
from zcadapt.icap.service import reqmod
from zcadapt.icap.settings import ICAPSettings
from zcadapt.icp.settings import ICPSettings
from zcadapt.interfaces import IICAPService
from zcadapt.observe.log import configure, harmless
from zcadapt.runtime.assembly import Assembled
from zcadapt.runtime.running import run_assembled
from zcadapt.runtime.server import Addresses

__all__ = ["echo"]

log = logging.getLogger(__name__)


@reqmod
def print_request_line(request: Request) -> None:
    """Print the line and leave the message alone, whether or not anybody reads."""
    line = harmless(request.http.request.start_line)
    try:
        say(line.encode("ascii", "backslashreplace"))  # bytes were sent, no characters
    except (click.ClickException, OSError) as error:
        log.warning("request lines are lost from now on: %s", error)


@click.command(short_help="Serve a REQMOD service that prints request lines.")
@click.argument("name")
@click.option(
    "--host",
    metavar="HOST",
    default="127.0.0.1",
    show_default=True,
    help="Where to listen: an address or a name of this machine.",
)
@click.option(
    "--port",
    default=1344,
    show_default=True,
    help="0 lets the system choose one.",
    type=click.IntRange(0, 65535),
)
def echo(*, name: str, host: str, port: int) -> None:
    """Serve a REQMOD service NAME that prints each HTTP request line and adapts nothing.

    No plugin is consulted. The address is told on standard error, so that
    standard output has request lines only. Runs until SIGTERM or Ctrl-C.

    Exits with 0 when it was told to stop, 2 when the command line is wrong, 3
    when it cannot listen.
    """
    configure(LogSettings())
    components: Any = Components()  # zope.interface has no annotations
    components.registerUtility(print_request_line, IICAPService, name)
    settings = Settings(icap=ICAPSettings(listen=(_where(host, port),)), icp=ICPSettings(listen=()))

    def started(addresses: Addresses) -> None:
        complain(f"icap://{addresses['icap'][0]}/{quote(name)}")

    assembled = Assembled(settings, components, Hooks(), ())
    raise SystemExit(run_assembled(assembled, started, complain))


def _where(host: str, port: int) -> str:
    where = str(Address(host.removeprefix("[").removesuffix("]"), port))
    try:
        parse_address(where)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--host'") from error
    return where
