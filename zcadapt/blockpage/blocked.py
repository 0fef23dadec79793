"""What was blocked, as those see it who make a page of it."""

from dataclasses import dataclass

from zcadapt.icap.decisions import Block
from zcadapt.icap.request import Request

__all__ = ["Blocked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """One block.

    Attributes:
        id: the number of the decision: 12 letters and digits, chosen at random.
        service: the name of the service that decided.
        request: what it was asked about.
        decision: what it decided; its ``reason`` and ``status`` are those that
            the service said.
    """

    id: str
    service: str
    request: Request
    decision: Block
