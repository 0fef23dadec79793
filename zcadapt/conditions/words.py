"""Words to look for, in which ``*`` stands for any text, and media types made of them."""

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["Words", "media_type", "media_types"]

WILDCARD: Final = "*"

_MEDIA_TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+")


class Words:
    """Words, whatever their number looked up at once; those with wildcards in one expression.

    >>> words = Words(['ann', '*@example.com'])
    >>> words.has('ann'), words.has('bob@example.com'), words.has('bob')
    (True, True, False)
    """

    __slots__ = ("_patterns", "_words")

    def __init__(self, words: Iterable[str]) -> None:
        words = set(words)
        patterns = sorted(word for word in words if WILDCARD in word)
        self._words = frozenset(words.difference(patterns))
        self._patterns = re.compile("|".join(map(_expression, patterns)), re.DOTALL)

    def has(self, text: str) -> bool:
        """Whether `text` is one of them, or like one."""
        if text in self._words:
            return True
        return bool(self._patterns.pattern) and self._patterns.fullmatch(text) is not None


def _expression(pattern: str) -> str:
    """Return the expression for `pattern`; none makes a long text cost more than its length."""
    first, *others = map(re.escape, pattern.split(WILDCARD))
    # What lies between two wildcards is taken where it comes first: it is never tried elsewhere.
    between = "".join(f"(?>.*?{each})" for each in others[:-1])
    return f"{first}{between}.*{others[-1]}"


def media_type(text: str) -> str:
    """Return the media type that `text` means, perhaps with wildcards.

    Raises:
        ValueError: it means none.
    """
    if _MEDIA_TYPE.fullmatch(text.lower()) is None:
        raise ValueError
    return text.lower()


def media_types(value: str) -> list[str]:
    """Return the media types in the value of Content-Type, without their parameters.

    There are several where it was sent more than once (RFC 9110, 5.3), and no
    telling which of them counts.

    >>> media_types('Text/HTML; charset=utf-8, image/png')
    ['text/html', 'image/png']
    """
    return [part.partition(";")[0].strip().lower() for part in value.split(",")]
