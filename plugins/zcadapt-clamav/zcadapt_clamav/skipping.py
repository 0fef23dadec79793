"""What is not scanned, told from the heads alone."""

from fnmatch import fnmatchcase
from typing import Any, Final

from zcadapt import Conditions, Request
from zcadapt_clamav.contents import Described
from zcadapt_clamav.settings import ClamAVSettings

__all__ = ["Skipping", "described", "length"]


#: More digits no length has.
MOST_DIGITS: Final = 18


def _headers(request: Request) -> Any:  # noqa: ANN401 - a mapping with get_all
    message = request.http.request if request.method == "REQMOD" else request.http.response
    return message.headers


def described(request: Request) -> Described:
    """Return what the message under adaptation says about its body."""
    headers = _headers(request)
    return Described(
        tuple(dict.fromkeys(headers.get_all("Content-Type"))),
        ", ".join(headers.get_all("Content-Encoding")),
        request.method == "REQMOD",
    )


def length(request: Request) -> int | None:
    """Return how long the body is said to be; None: it is not said, or not beyond doubt."""
    told = set(_headers(request).get_all("Content-Length"))
    text = told.pop() if len(told) == 1 else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


class Skipping:
    """The settings that say what is not scanned."""

    def __init__(self, settings: ClamAVSettings) -> None:
        self._types = tuple(each.lower() for each in settings.skip_types)
        # In "not", as one of them beside another is not excepted.
        hosts = {"not": {"hosts": list(settings.skip_hosts)}} if settings.skip_hosts else {}
        self._scanned = Conditions(hosts)
        self._larger = settings.skip_larger

    def skips(self, request: Request) -> str:
        """Return why a message is not scanned; empty: it is."""
        if not self._scanned.holds(request):
            return "host"
        if self._types and self._are_skipped(described(request).media_types):
            return "type"
        if self._larger and (size := length(request)) is not None and size > self._larger:
            return "size"
        return ""

    def _are_skipped(self, media_types: set[str]) -> bool:
        """Whether all of them are: where there are several, any may be what it is taken for."""
        return bool(media_types) and all(
            any(fnmatchcase(each, skipped) for skipped in self._types) for each in media_types
        )
