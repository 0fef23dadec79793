"""What happened, in plain integers: counting is cheap, and reading is left to others."""

from zcadapt.icp.opcodes import ANSWERS

__all__ = ["Counters"]


class Counters:
    """What became of the datagrams that came, since the start."""

    __slots__ = (
        "answers",
        "failed",
        "ignored",
        "malformed",
        "overloaded",
        "queries",
        "refused",
        "unsent",
    )

    def __init__(self) -> None:
        self.queries = 0  #: well-formed queries of those who may ask
        self.answers = dict.fromkeys(ANSWERS, 0)  #: what the policies answered to these
        self.overloaded = 0  #: those among them that too many were waiting before
        self.refused = 0  #: datagrams of those who may not ask
        self.malformed = 0  #: queries that cannot be read
        self.ignored = 0  #: what is no query at all
        self.failed = 0  #: datagrams over which the server itself failed
        self.unsent = 0  #: replies that the system did not take
