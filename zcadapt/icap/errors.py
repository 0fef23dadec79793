"""What can be wrong with a request, each with the answer that fits (RFC 3507, 4.3.3).

A client's mistake is an `IcapError`: it knows the status its sender is told
and whether the connection survives. Our own mistake is a `LocalProtocolError`.
"""

from typing import ClassVar

__all__ = [
    "BrokenMessageError",
    "ClientGoneError",
    "IcapError",
    "LocalProtocolError",
    "OverloadedError",
    "ServiceFailedError",
    "SlowClientError",
    "TooLargeError",
    "UnknownMethodError",
    "UnknownServiceError",
    "UnknownVersionError",
    "WrongMethodError",
]


class IcapError(Exception):
    """A request that is not served; `status` is what its sender is told.

    `keeps_connection` says whether the framing is still known, so that the
    next request on the connection can be found; `icap_headers` go with it.
    """

    status: ClassVar[int] = 500
    keeps_connection: ClassVar[bool] = False
    icap_headers: tuple[tuple[str, str], ...] = ()


class BrokenMessageError(IcapError):
    """What came is not ICAP, or its framing is lost."""

    status = 400


class ClientGoneError(BrokenMessageError):
    """The client closed in the middle of a request: behind a proxy, a user went away."""


class UnknownServiceError(IcapError):
    """The path of the URI leads to no endpoint."""

    status = 404
    keeps_connection = True


class WrongMethodError(IcapError):
    """The endpoint does not serve this method."""

    status = 405
    keeps_connection = True


class SlowClientError(IcapError):
    """The client fell silent in the middle of a request."""

    status = 408


class TooLargeError(IcapError):
    """Something is larger than the settings allow."""

    status = 413


class ServiceFailedError(IcapError):
    """A service failed, and its ``on_error`` leaves the choice to the client."""

    keeps_connection = True


class UnknownMethodError(IcapError):
    """The method is none of OPTIONS, REQMOD and RESPMOD."""

    status = 501


class OverloadedError(IcapError):
    """More clients are connected than the settings allow."""

    status = 503


class UnknownVersionError(IcapError):
    """The version is not ICAP/1.0."""

    status = 505


class LocalProtocolError(Exception):
    """Our own code asked for the impossible; never the client's fault."""
