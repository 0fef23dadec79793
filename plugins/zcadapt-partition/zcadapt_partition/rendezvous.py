"""Weighted rendezvous hashing: which of the members a key belongs to.

Each member draws a number between 0 and 1 for each key, made of hashes of
both, and waits for ``-ln(number) / weight``; who waits least has the key. A
member's number depends on nobody else, so one that leaves or joins moves its
own share and no other, and shares are as the weights are.
"""

from collections.abc import Mapping
from hashlib import blake2b
from math import log
from struct import Struct
from typing import Final

__all__ = ["Members"]

HALVES: Final = Struct(">QQ")

#: Of the 128 bits of a product those in the middle, which depend on all of both factors.
SHIFT: Final = 38
MIDDLE: Final = (1 << 52) - 1
#: What makes 52 bits and a half a number that is exact in a float, and neither 0 nor 1.
SCALE: Final = 1.0 / (1 << 52)


class Members:
    r"""Named members, each with its weight; 0 for one that shall have no share.

    All of a group must come to the same result: a number is the middle of a
    product of two halves, in which the BLAKE2b of the key and that of the
    member's name in UTF-8 are mixed, in all versions to come.

    >>> members = Members({'app1': 1, 'app2': 1, 'app3': 2})
    >>> members.ranking(b'example.com\x00articles')
    ['app3', 'app1', 'app2']
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        names = sorted(name for name, weight in weights.items() if weight > 0)
        self._at = {name: at for at, name in enumerate(names)}
        self._drawing = [(*_of_name(name), -float(weights[name])) for name in names]

    def ranking(self, key: bytes) -> list[str]:
        """Return the names in the order in which they wait for the key, the owner first."""
        return [name for _, name in sorted(zip(self._waits(key), self._at, strict=True))]

    def place(self, name: str, key: bytes) -> int | None:
        """Return how many members wait less for the key than `name` does.

        0 is the owner; ``None`` where `name` has no share at all.
        """
        at = self._at.get(name)
        if at is None:
            return None
        waits = self._waits(key)
        return sorted(waits).index(waits[at])

    def _waits(self, key: bytes) -> list[float]:
        """Return how long each waits, in the order of their names."""
        left, right = HALVES.unpack(blake2b(key, digest_size=HALVES.size).digest())
        return [
            log((((left ^ first) * (right ^ second) >> SHIFT & MIDDLE) + 0.5) * SCALE) / minus
            for first, second, minus in self._drawing
        ]


def _of_name(name: str) -> tuple[int, int]:
    # Unlike the hash of a key: one that reads as a name does must not make a product of 0.
    hashed = blake2b(name.encode(), digest_size=HALVES.size, person=b"zcadapt member")
    first, second = HALVES.unpack(hashed.digest())
    return first, second
