"""The interface of icapserver, over this server: handlers see str, in latin-1.

Code written for it goes on with another import line. `service_of` makes the
methods of a handler a service that stands next to others in a zcadapt server.
"""

import logging
import sys
from typing import Any, Final

from zcadapt.compat.blocking_server import BlockingServer
from zcadapt.compat.mounted import service_of as service_of  # noqa: PLC0414 - it is for others too
from zcadapt.compat.request_handler import RequestHandler
from zcadapt.compat.texts import ICAPError, as_text, formatted, printable

# As it was: programs import all of it with a star.
__all__ = ["BaseICAPRequestHandler", "ICAPError", "ICAPServer", "set_logger"]

#: Where handlers write down what happens.
LOG: Final = logging.getLogger("zcadapt.icap.icapserver")

LEVELS: Final = {"error": logging.ERROR, "info": logging.INFO, "debug": logging.DEBUG}
FORMAT: Final = "[%(asctime)s][%(name)s][%(levelname)s] %(message)s"

#: Where `main` listens if nothing is said.
PORT: Final = 13440


def set_logger(lvl: str = "info") -> None:
    """Say how much is written down: ``'error'``, ``'info'`` (each request) or ``'debug'``.

    It goes where the program's logging says, or else to standard error.

    Raises:
        ICAPError: there is no such level.
    """
    level = LEVELS.get(str(lvl).lower())
    if level is None:
        raise ICAPError(500, "Incorrect logging level.")
    LOG.setLevel(level)
    if not LOG.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter(FORMAT))
        LOG.addHandler(handler)


class ICAPServer(BlockingServer):
    """An ICAP server on the address (host, port); see `BlockingServer`."""


class BaseICAPRequestHandler(RequestHandler[str]):
    """A handler that sees str; what it sets may be bytes too."""

    @staticmethod
    def _zcadapt_text(raw: bytes) -> str:
        return raw.decode("latin-1")

    def update_enc_header(self, header: str | bytes, value: str | bytes) -> None:
        """Set a header of the HTTP message again; one that has not been set is left out."""
        self.__update(self.enc_headers, header, value)

    def delete_enc_header(self, header: str | bytes) -> None:
        """Leave out a header of the HTTP message."""
        self.__update(self.enc_headers, header, None)

    def update_icap_header(self, header: str | bytes, value: str | bytes) -> None:
        """Set an ICAP header again; one that has not been set is left out."""
        self.__update(self.icap_headers, header, value)

    def delete_icap_header(self, header: str | bytes) -> None:
        """Leave out an ICAP header."""
        self.__update(self.icap_headers, header, None)

    def __update(
        self, headers: dict[str, list[str]], header: str | bytes, value: str | bytes | None
    ) -> None:
        """Set a header again, whatever its case; None: leave it out."""
        name = as_text(header, "the name of a header")
        text = None if value is None else as_text(value, f"the header {printable(name)}")
        known = [key for key in headers if key.lower() == name.lower()]
        if not known:
            LOG.error("header %s not found", printable(name))
        for key in known:
            del headers[key]
        if known and text is not None:
            headers[known[0]] = [text]

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Write a request down; of its URI without what may be secret."""
        del size
        LOG.info('[%s] "%s" %s', self.address_string(), printable(self._zcadapt_shown), code)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its old name
        """Write something down that has gone wrong."""
        LOG.error("[%s] %s", self.address_string(), formatted(format, args))


class _Example(BaseICAPRequestHandler):
    """What `main` serves: ``example`` leaves all as it is."""

    def example_OPTIONS(self) -> None:  # noqa: N802 - the command
        self.set_icap_response(200)
        self.set_icap_header("Methods", "RESPMOD, REQMOD")
        self.set_icap_header("Service", f"ICAP Server {self._server_version}")
        self.set_icap_header("Options-TTL", "3600")
        self.send_headers()

    def example_REQMOD(self) -> None:  # noqa: N802 - the command
        self.no_adaptation_required()

    example_RESPMOD = example_REQMOD  # noqa: N815 - the command


def main(
    HandlerClass: type[RequestHandler[Any]] = _Example,  # noqa: N803 - its old name
    ServerClass: type[BlockingServer] = ICAPServer,  # noqa: N803 - its old name
) -> None:
    """Serve a handler on all addresses; the first argument of the program is the port, or 13440."""
    port = int(sys.argv[1]) if sys.argv[1:] else PORT
    with ServerClass(("", port), HandlerClass) as server:
        host, port = server.socket.getsockname()[:2]
        sys.stdout.write(f"Serving ICAP on {host} port {port}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
