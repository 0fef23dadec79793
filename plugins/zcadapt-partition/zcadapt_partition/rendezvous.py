"""Weighted rendezvous hashing: which of the members a key belongs to.

Each member draws a number between 0 and 1 for each key, a hash of both, and
``-weight / ln(number)`` is how much it wants the key; who wants it most has it.
A member's number depends on nobody else, so one that leaves or joins moves its
own share and no other, and shares are as the weights are.
"""

from collections.abc import Mapping
from hashlib import blake2b
from math import log

__all__ = ["Members"]


class Members:
    r"""Named members, each with its weight; 0 for one that shall have no share.

    All of a group must come to the same result: the name of a member is
    hashed as UTF-8, and the hash is BLAKE2b in all versions to come.

    >>> members = Members({'app1': 1, 'app2': 1, 'app3': 2})
    >>> members.ranking(b'example.com\x00articles')
    ['app3', 'app1', 'app2']
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._drawing = {
            name: (weight, blake2b(name.encode() + b"\0", digest_size=8))
            for name, weight in weights.items()
            if weight > 0
        }

    def ranking(self, key: bytes) -> list[str]:
        """Return the names in the order in which they want the key, the owner first."""
        found = self._wants(key)
        return sorted(found, key=found.__getitem__, reverse=True)

    def place(self, name: str, key: bytes) -> int | None:
        """Return how many members want the key more than `name` does.

        0 is the owner; ``None`` where `name` has no share at all.
        """
        if name not in self._drawing:
            return None
        found = self._wants(key)
        ours = found[name]
        return sum(other > ours for other in found.values())

    def _wants(self, key: bytes) -> dict[str, tuple[float, str]]:
        """Return how much each wants the key; a name decides where that is the same."""
        found = {}
        for name, (weight, begun) in self._drawing.items():
            drawn = begun.copy()
            drawn.update(key)
            # 52 bits and a half: exact in a float, and neither 0 nor 1.
            number = ((int.from_bytes(drawn.digest()) >> 12) + 0.5) / (1 << 52)
            found[name] = (-weight / log(number), name)
        return found
