"""``zcadapt echo``."""

import logging
import os
import sys
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Final
from urllib.parse import quote

import click
from zope.interface.registry import Components

from zcadapt.config import Address, LogSettings, Settings, parse_address
from zcadapt.hooks import Hooks
from zcadapt.icap.request import Request
from zcadapt.icap.service import reqmod
from zcadapt.icap.settings import ICAPSettings
from zcadapt.icp.settings import ICPSettings
from zcadapt.interfaces import IICAPService
from zcadapt.observe.ecs import ECS
from zcadapt.observe.log import configure, harmless
from zcadapt.runtime.assembly import Assembled
from zcadapt.runtime.running import run_assembled
from zcadapt.runtime.server import Addresses

__all__ = ["echo"]

log = logging.getLogger(__name__)


#: The number of standard output, which is open: `main` sees to that.
STDOUT: Final = 1
#: Bytes of lines that wait for whoever reads them, and seconds that they have at the end.
MOST: Final = 1024 * 1024
AT_THE_END: Final = 1.0


class Printer:
    """Prints lines in a thread, so that nobody waits for whoever reads them.

    What waits is bounded. Lines that are not printed are counted, and that is
    logged. `os.write` is used, since `sys.stdout` has a lock, and a thread that
    holds it could not be left behind when the process ends.
    """

    def __init__(self) -> None:
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        self._lock = Lock()
        self._room = MOST
        self._left_out = 0
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()
        if sys.__stdout__ is None:
            log.warning("request lines are lost: standard output is closed")

    def put(self, line: bytes) -> None:
        """Print `line` soon; it is lost if too much waits already, or nobody can read any more."""
        if not self._thread.is_alive():
            return
        with self._lock:
            has_room = len(line) <= self._room
            self._room -= len(line) if has_room else 0
        if has_room:
            self._tell()
            self._lines.put(line)
            return
        if not self._left_out:
            log.warning("request lines are left out: standard output is read too slowly")
        self._left_out += 1

    def close(self) -> None:
        """Print what waits, if it is read within a second."""
        self._lines.put(None)
        self._thread.join(AT_THE_END)
        if self._thread.is_alive():
            log.warning("request lines that waited are lost: standard output is not read")
        self._tell()

    def _tell(self) -> None:
        if self._left_out:
            log.warning("%d request lines were left out", self._left_out)
        self._left_out = 0

    def _run(self) -> None:
        for line in iter(self._lines.get, None):
            rest = line
            try:
                while rest:
                    rest = rest[os.write(STDOUT, rest) :]
            except OSError as error:
                log.warning("request lines are lost from now on: %s", error)
                return
            with self._lock:
                self._room += len(line)


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

    No plugin is consulted. Standard output has request lines only; where they
    are read too slowly some are left out, and that is told. On standard error
    are the address and whatever goes wrong, each a line with one JSON object in
    the Elastic Common Schema (ECS); only what is wrong with the command line is
    told in words. Runs until SIGTERM or Ctrl-C.

    Exits with 0 when it was told to stop, 2 when the command line is wrong, 3
    when it cannot listen.
    """
    _check(name)
    settings = Settings(icap=ICAPSettings(listen=(_where(host, port),)), icp=ICPSettings(listen=()))

    def started(addresses: Addresses) -> None:
        uri = f"icap://{addresses['icap'][0]}/{quote(name)}"
        log.info("serving %s", uri, extra={"url.full": uri, "each": True})

    @reqmod
    def print_request_line(request: Request) -> None:
        line = harmless(request.http.request.start_line)
        # Bytes were sent, no characters.
        printer.put(line.encode("ascii", "backslashreplace") + b"\n")

    components: Any = Components()  # zope.interface has no annotations
    components.registerUtility(print_request_line, IICAPService, name)
    configure(LogSettings(), formatter=ECS())
    logging.captureWarnings(capture=True)  # they are on standard error, too
    printer = Printer()
    try:
        assembled = Assembled(settings, components, Hooks(), ())
        raise SystemExit(run_assembled(assembled, started, log.error))
    finally:
        printer.close()
        logging.captureWarnings(capture=False)


def _check(name: str) -> None:
    """Refuse bytes that are in no URI."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise click.BadParameter("it is no UTF-8", param_hint="'NAME'") from error


def _where(host: str, port: int) -> str:
    where = str(Address(host.removeprefix("[").removesuffix("]"), port))
    try:
        parse_address(where)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--host'") from error
    return where
