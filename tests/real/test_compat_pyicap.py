"""A program written for pyicap serves c-icap-client and a Squid, alone and mounted."""

from .compat_handlers import CompatHandlers


class TestPyicap(CompatHandlers):
    package = "pyicap"
