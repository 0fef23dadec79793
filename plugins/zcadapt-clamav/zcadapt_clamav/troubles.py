"""Why something was not scanned."""

from enum import StrEnum
from typing import Final

from zcadapt import UnableError

__all__ = ["OUTCOME", "TEXTS", "LostError", "NotScannedError", "Trouble"]

#: The header of ours: what came of a message.
OUTCOME: Final = "X-Clamav-Outcome"


class Trouble(StrEnum):
    """The cases in which a body cannot be scanned, as they stand in logs and headers."""

    TOO_LARGE = "too-large"
    UNDECODABLE = "undecodable"
    ENCRYPTED = "encrypted"
    DOWN = "down"
    SLOW = "slow"
    RELOADING = "reloading"

    @property
    def setting(self) -> str:
        """The name of the setting that says what happens then."""
        return self.value.replace("-", "_")


#: What a user reads where it is blocked.
TEXTS: Final = {
    Trouble.TOO_LARGE: "It is too large to be scanned for viruses.",
    Trouble.UNDECODABLE: "It cannot be decoded, and so not be scanned for viruses.",
    Trouble.ENCRYPTED: "It is encrypted, and so cannot be scanned for viruses.",
    Trouble.DOWN: "The virus scanner cannot be reached.",
    Trouble.SLOW: "The virus scanner takes too long.",
    Trouble.RELOADING: "The virus scanner loads its database.",
}


class NotScannedError(UnableError):
    """A body could not be scanned, because of `trouble`."""

    def __init__(self, trouble: Trouble, text: str) -> None:
        super().__init__(text, icap_headers={OUTCOME: trouble.value})
        self.trouble = trouble


class LostError(NotScannedError):
    """clamd dropped the connection before its answer: it may be worth another try."""

    def __init__(self, text: str) -> None:
        super().__init__(Trouble.DOWN, text)
