"""What can be set: the lists of one instance, and what follows from each."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field
from typing import Final

from zcadapt import Conditions, Format, setting
from zcadapt_urllist.reading import FORMATS

__all__ = ["ACTIONS", "ICP", "ListSettings", "Settings"]

ACTIONS: Final = ("block", "allow", "redirect", "categorise", "none")
ICP: Final = ("auto", "none", "MISS_NOFETCH", "DENIED", "HIT", "MISS")


def _is_url(text: str) -> str:
    if text and not (text.startswith(("http://", "https://")) and text.isascii()):
        raise ValueError
    if any(character <= " " for character in text):
        raise ValueError("it has blanks")
    return text


REDIRECT: Final = Format("a URL of http or https", _is_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSettings:
    """What can be set about a list."""

    sources: tuple[str, ...] = setting(
        MISSING, "Its files: lists as they are, or one that was built."
    )
    format: str = setting("auto", "How the files are written.", choices=FORMATS)
    action: str = setting("block", "What follows for a request.", choices=ACTIONS)
    redirect: str = setting("", "Where a user is sent to.", format=REDIRECT)
    reason: str = setting("", "What the block page says.")
    category: str = setting("", "What is told for the log; by default the name of the list.")
    when: Conditions | None = setting(None, "When, and to whom, the list applies.")
    icp: str = setting("auto", "What is answered to an ICP query.", choices=ICP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set about an instance."""

    lists: Mapping[str, ListSettings] = field(default_factory=dict)
    source_bytes: int = setting(
        64 * 1024 * 1024,
        "How much all sources of a list may hold that was not built, unpacked, in bytes.",
        least=1,
        most=4 * 1024**3,
    )
