"""The built-in service: it adapts nothing, whatever the message."""

from zcadapt.icap.request import Request
from zcadapt.icap.service import reqmod, respmod

__all__ = ["echo"]


@respmod
@reqmod
def echo(request: Request) -> None:
    """Have no opinion."""
