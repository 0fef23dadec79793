"""How far an exchange is, seen from a piece of the body that comes."""

from enum import Enum, auto
from typing import Final

__all__ = ["UNDECIDED", "Phase"]


class Phase(Enum):
    """What an exchange does with a piece of the body that comes."""

    GATHER = auto()  #: keep it; services are asked when enough is there
    ASK = auto()  #: keep it for those who are asked, or make the new body of it
    ECHO = auto()  #: send it back
    HOLD = auto()  #: drop it; the answer waits for its end


#: No answer has been chosen.
UNDECIDED: Final = frozenset({Phase.GATHER, Phase.ASK})
