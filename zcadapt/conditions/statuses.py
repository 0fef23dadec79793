"""Status codes of HTTP responses: 404, ``5xx``, ``400-499``."""

import re
from typing import Final

__all__ = ["statuses"]

CLASS: Final = 100

_CLASS = re.compile(r"([1-5])xx")
_RANGE = re.compile(r"([1-5]\d\d)(?:-([1-5]\d\d))?", re.ASCII)


def statuses(item: int | str) -> range:
    """Return the status codes that `item` means.

    >>> statuses(404), statuses('5xx'), statuses('400-499')
    (range(404, 405), range(500, 600), range(400, 500))

    Raises:
        ValueError: it means none.
    """
    text = str(item).lower()
    if found := _CLASS.fullmatch(text):
        first = int(found[1]) * CLASS
        return range(first, first + CLASS)
    if found := _RANGE.fullmatch(text):
        first, last = int(found[1]), int(found[2] or found[1])
        if first <= last:
            return range(first, last + 1)
    raise ValueError
