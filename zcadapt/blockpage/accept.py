"""In which form and language a client wants its page (RFC 9110, 12.5)."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

__all__ = ["HTML", "JSON", "TEXT", "best_language", "best_type"]

HTML: Final = "text/html"
JSON: Final = "application/json"
TEXT: Final = "text/plain"

#: How much of a header is looked at, in characters; clients need a few hundred.
MOST: Final = 1000
#: How many different values of a header are remembered; clients have a few each.
REMEMBERED: Final = 256

#: Laxer than RFC 9110, 12.4.2: clients write ``.5``, and more digits than three.
_WEIGHT: Final = re.compile(r";[ \t]*q=([0-9]*\.?[0-9]+|[0-9]+\.)[ \t]*(?:;|$)", re.IGNORECASE)


def best_type(accept: str) -> str:
    """Return `HTML`, `JSON` or `TEXT`: what suits a client with this Accept.

    The one with the highest weight, of equal ones the first in this order.
    ``*/*`` counts as a wish for text: browsers name HTML where they would show
    it, and a program, an image or a script wants no page. Without the header
    it is HTML, since an ICAP client may have kept it to itself.

    >>> best_type('text/html,application/xhtml+xml,*/*;q=0.8')
    'text/html'
    >>> best_type('*/*')
    'text/plain'
    """
    return _best_type(accept[:MOST])


def best_language(accept: str, known: tuple[str, ...]) -> str | None:
    """Return which of the `known` languages suits a client with this Accept-Language.

    Args:
        accept: the header.
        known: tags in lower case, as ``pt-br``. One is wanted by those who
            want it, or more than it: ``de`` by ``de-AT`` (RFC 4647, 3.4).

    >>> best_language('fr-CA, en;q=0.5', ('en', 'fr'))
    'fr'
    """
    return _best_language(accept[:MOST], known)


@lru_cache(REMEMBERED)
def _best_type(accept: str) -> str:
    weights: dict[str, float] = {}
    for name, weight in _weighted(accept):
        kind = _merged(name)
        weights[kind] = max(weight, weights.get(kind, 0.0))
    if not weights:
        return HTML
    of_text = weights.get("text/*", 0.0)
    wishes = {
        HTML: weights.get(HTML, of_text),
        JSON: weights.get(JSON, weights.get("application/*", 0.0)),
        TEXT: weights.get(TEXT, weights.get("text/*", weights.get("*/*", 0.0))),
    }
    best = max(wishes, key=lambda name: wishes[name])
    return best if wishes[best] else TEXT


def _merged(name: str) -> str:
    is_json = name.startswith("application/") and name.endswith("+json")
    return JSON if is_json else name


@lru_cache(REMEMBERED)
def _best_language(accept: str, known: tuple[str, ...]) -> str | None:
    wanted = sorted(_weighted(accept), key=lambda each: each[1], reverse=True)
    for tag, weight in wanted:
        while tag and weight:
            if tag in known:
                return tag
            tag = tag.rpartition("-")[0]  # noqa: PLW2901 - shorter and shorter
    return None


def _weighted(header: str) -> Iterator[tuple[str, float]]:
    """Return what is listed in a header, in lower case, and how much each is wanted: 0 to 1."""
    for item in header.split(","):
        name, _, _ = item.partition(";")
        if name := name.strip(" \t").lower():
            found = _WEIGHT.search(item)
            yield name, min(float(found[1]), 1.0) if found else 1.0
