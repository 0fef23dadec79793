"""The built-in service: it adapts nothing, whatever the message."""

from zcadapt.icap.service import respmod, reqmod
from zcadapt.icap.request import Request

__all__ = ["echo"]


@respmod
@reqmod
def echo(request: Request) -> None:
    """Have no opinion."""
