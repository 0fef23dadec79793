"""What is not scanned, told from the heads alone."""

from fnmatch import fnmatchcase
from typing import Any, Final

from zcadapt import Request
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
    kinds = dict.fromkeys(headers.get_all("Content-Type"))
    return Described(", ".join(kinds), ", ".join(headers.get_all("Content-Encoding")))


def length(request: Request) -> int | None:
    """Return how long the body is said to be; None: it is not said, or not beyond doubt."""
    told = set(_headers(request).get_all("Content-Length"))
    text = told.pop() if len(told) == 1 else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


class Skipping:
    """The settings that say what is not scanned."""

    def __init__(self, settings: ClamAVSettings) -> None:
        self._types = tuple(each.lower() for each in settings.skip_types)
        self._hosts = frozenset(each.lower().strip(".") for each in settings.skip_hosts)
        self._larger = settings.skip_larger

    def skips(self, request: Request) -> str:
        """Return why a message is not scanned; empty: it is."""
        if self._hosts and not self._hosts.isdisjoint(_domains(request.http.host)):
            return "host"
        if self._types and self._is_skipped(described(request).media_type):
            return "type"
        if self._larger and (size := length(request)) is not None and size > self._larger:
            return "size"
        return ""

    def _is_skipped(self, media_type: str) -> bool:
        return any(fnmatchcase(media_type, each) for each in self._types)


def _domains(host: str) -> list[str]:
    """Return `host` and the domains it is in."""
    labels = host.split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]
