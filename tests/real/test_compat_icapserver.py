"""A program written for icapserver serves c-icap-client and a Squid, alone and mounted."""

from .compat_handlers import CompatHandlers


class TestIcapserver(CompatHandlers):
    package = "icapserver"
