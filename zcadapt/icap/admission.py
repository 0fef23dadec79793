"""Whether there is room for one more client, and for telling it that there is none."""

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from zcadapt.icap.wire import Wire

__all__ = ["Admission", "Clients"]

#: So many clients at once are told that there are too many; more are cut off without a word.
MOST_TURNED_AWAY: Final = 256


class Admission(Enum):
    """What becomes of a client that has connected."""

    ADMITTED = auto()
    REFUSED = auto()  #: it is told 503
    CUT = auto()  #: it is cut off: too many are being told, or the server ends


class Clients:
    """Those who are connected: at most `most` who are served.

    Attributes:
        is_closed: nobody is admitted any more.
    """

    __slots__ = ("_most", "_turned_away", "_wires", "is_closed")

    def __init__(self, most: int) -> None:
        self.is_closed = False
        self._most = most
        self._wires: set[Wire] = set()
        self._turned_away: set[Wire] = set()  # those of them for whom there was no room

    def __len__(self) -> int:
        return len(self._wires)

    def all(self) -> list["Wire"]:
        """Return all as they are now."""
        return list(self._wires)

    def admit(self, wire: "Wire") -> Admission:
        """Count a client; say what becomes of it."""
        turned_away = self._turned_away
        self._wires.add(wire)
        if not self.is_closed and len(self._wires) - len(turned_away) <= self._most:
            return Admission.ADMITTED
        turned_away.add(wire)
        if self.is_closed or len(turned_away) > MOST_TURNED_AWAY:
            return Admission.CUT
        return Admission.REFUSED

    def dismiss(self, wire: "Wire") -> None:
        """Count a client off."""
        self._wires.discard(wire)
        self._turned_away.discard(wire)
