"""``zcadapt echo``."""

from typing import Any

import click
from zope.interface.registry import Components

from zcadapt.config import Address, LogSettings, Settings
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


@reqmod
def print_request_line(request: Request) -> None:
    """Print the line and leave the message alone."""
    line = harmless(request.http.request.start_line)
    click.echo(line.encode("ascii", "backslashreplace"))  # bytes were sent, no characters


@click.command()
@click.argument("name")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
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

    Exits with 0 when it was told to stop, 3 when it cannot listen.
    """
    configure(LogSettings())
    components: Any = Components()  # zope.interface has no annotations
    components.registerUtility(print_request_line, IICAPService, name)
    settings = Settings(
        icap=ICAPSettings(listen=(str(Address(host, port)),)), icp=ICPSettings(listen=())
    )

    def started(addresses: Addresses) -> None:
        click.echo(f"icap://{addresses['icap'][0]}/{name}", err=True)

    assembled = Assembled(settings, components, Hooks(), ())
    raise SystemExit(run_assembled(assembled, started, lambda text: click.echo(text, err=True)))
