"""``zcadapt query``."""

import asyncio
import math
import secrets
from ipaddress import IPv4Address

import click

from zcadapt.cli.options import ADDRESS
from zcadapt.cli.output import say
from zcadapt.config import parse_address
from zcadapt.icp.box import format_datagram
from zcadapt.icp.client import exchange
from zcadapt.icp.datagram import build

__all__ = ["query"]


def _number(_context: click.Context, _param: click.Parameter, value: float) -> float:
    """Refuse what is in every range."""
    if math.isnan(value):
        raise click.BadParameter("nan is not a number of seconds.")
    return value


def _ipv4(_context: click.Context, _param: click.Parameter, value: str) -> IPv4Address:
    try:
        return IPv4Address(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r:.80} is no IPv4 address.") from error


@click.command(short_help="Ask an ICP server about a URL.")
@click.argument("url")
@click.option(
    "--server",
    type=ADDRESS,
    default="127.0.0.1:3130",
    show_default=True,
    help="Whom to ask.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, max=3600, min_open=True),
    callback=_number,
    default=2.0,
    show_default=True,
    help="Seconds to wait for an answer.",
)
@click.option(
    "--requester",
    metavar="ADDRESS",
    default="0.0.0.0",  # noqa: S104 - as RFC 2186 has it where nobody is named
    help="The IPv4 address of whom the query is for: its Requester Host Address.",
    callback=_ipv4,
)
@click.option("--verbose", is_flag=True, help="Draw the query and the reply first.")
def query(*, url: str, server: str, timeout: float, requester: IPv4Address, verbose: bool) -> None:
    """Ask an ICP server about URL and print its answer, such as ICP_OP_MISS.

    Exits with 0 when an answer came, whatever it is; 1 when none came in time
    or nobody listens there; 2 when the command line is wrong.
    """
    try:
        datagram = build(url, request_number=secrets.randbits(32), requester=requester)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="URL") from error
    if verbose:
        say(format_datagram(datagram))
    try:
        reply = asyncio.run(exchange(datagram, *parse_address(server), timeout))
    except TimeoutError as error:
        raise click.ClickException(f"no answer from {server} in {timeout:g} s") from error
    except OSError as error:
        raise click.ClickException(f"no answer from {server}: {error.strerror or error}") from error
    if verbose:
        say(format_datagram(reply.datagram))
    say(reply.answer)
