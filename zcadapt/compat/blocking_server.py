"""A TCP server that asks a handler in the manner of pyicap, for one client or for many at once."""

import errno
import logging
import socket
import socketserver
import sys
import time
from contextlib import suppress
from socketserver import BaseRequestHandler
from typing import Any, Final

from zcadapt.compat.clients import DEFAULTS, clients_of
from zcadapt.icap.settings import ICAPSettings

__all__ = ["BlockingServer"]

logger = logging.getLogger("zcadapt.icap")

#: What says that no more files can be opened, and the seconds until that is tried again.
NO_FILES: Final = frozenset({errno.EMFILE, errno.ENFILE})
PAUSE: Final = 0.5


class BlockingServer(socketserver.TCPServer):
    """Listens for ICAP clients.

    By itself it serves one client after the other; with `socketserver.ThreadingMixIn`
    in front of it, each in a thread of its own.

    Attributes:
        icap_settings: what clients may send, for how long, and how many of them
            there may be: as in the table ``[icap]``, where ``listen`` and
            ``options_ttl`` do not count. A subclass, or an instance before it
            serves, may have others.

    Raises:
        TypeError: the settings are something else, or each client is to have a process.
    """

    allow_reuse_address = True
    request_queue_size = 128
    icap_settings: ICAPSettings = DEFAULTS

    def __init__(
        self,
        server_address: Any,  # noqa: ANN401 - as its base has it
        RequestHandlerClass: type[BaseRequestHandler],  # noqa: N803 - as its base calls it
        bind_and_activate: bool = True,  # noqa: FBT001, FBT002 - as its base has it
    ) -> None:
        if isinstance(self, getattr(socketserver, "ForkingMixIn", ())):
            raise TypeError("ForkingMixIn is not supported: take ThreadingMixIn")
        self._zcadapt_is_full = False
        clients_of(self).settings  # noqa: B018 - what is wrong is told now
        super().__init__(server_address, RequestHandlerClass, bind_and_activate)

    # What its users call

    def handle_request(self) -> None:
        """Serve one client, to its last request."""
        clients_of(self).stay()
        super().handle_request()

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Serve clients until `shutdown` is called."""
        clients_of(self).stay()
        super().serve_forever(poll_interval)

    def shutdown(self) -> None:
        """End `serve_forever`: requests that have begun are answered, and nobody stays."""
        clients_of(self).leave()
        super().shutdown()

    def server_close(self) -> None:
        """Listen no more: requests that have begun are answered, and nobody stays."""
        clients_of(self).leave(for_ever=True)
        with suppress(OSError):  # who waits in `handle_request` would not notice otherwise
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)
        super().server_close()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Return the next client; where no more files can be opened, wait a little."""
        try:
            request = super().get_request()
        except OSError as error:
            if error.errno in NO_FILES:
                if not self._zcadapt_is_full:
                    logger.error("no client can be accepted: %s", error)  # noqa: TRY400 - it says all
                self._zcadapt_is_full = True
                time.sleep(PAUSE)
            raise
        self._zcadapt_is_full = False
        return request

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as above
        """Serve a client, or tell it that there are too many."""
        clients = clients_of(self)
        is_welcome = clients.come()
        try:
            if is_welcome:
                super().finish_request(request, client_address)
            else:
                clients.turn_away(request)
        finally:
            clients.go()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as above
        """Log what has gone wrong outside of any request."""
        del request
        logger.error(
            "the client %s:%s cannot be served", *client_address[:2], exc_info=sys.exc_info()
        )
