"""The interface of pyicap, over this server: handlers see bytes.

Code written for it goes on with another import line. `service_of` makes the
methods of a handler a service that stands next to others in a zcadapt server.
"""

from typing import ClassVar

from zcadapt.compat.blocking_server import BlockingServer
from zcadapt.compat.mounted import service_of as service_of  # noqa: PLC0414 - it is for others too
from zcadapt.compat.request_handler import RequestHandler
from zcadapt.compat.texts import RESPONSES, ICAPError

# As it was: programs import all of it with a star.
__all__ = ["BaseICAPRequestHandler", "ICAPError", "ICAPServer"]


class ICAPServer(BlockingServer):
    """An ICAP server on the address (host, port); see `BlockingServer`."""


class BaseICAPRequestHandler(RequestHandler[bytes]):
    """A handler that sees bytes; what it sets may be a str too, which goes out in latin-1."""

    _responses: ClassVar = {
        code: tuple(each.encode("latin-1") for each in told) for code, told in RESPONSES.items()
    }

    @staticmethod
    def _zcadapt_text(raw: bytes) -> bytes:
        return raw

    def version_bytes(self) -> bytes:
        """Return what stands in the header Server."""
        return self.version_string().encode("latin-1")

    def date_time_bytes(self, timestamp: float | None = None) -> bytes:
        """Return a time, in seconds since the epoch, as HTTP writes it; without, that of now."""
        return self.date_time_string(timestamp).encode("ascii")
