"""Two policies: does this server want a URL?"""

__all__ = ["baz_nofetch_policy", "foo_hit_policy"]


def foo_hit_policy(url: str) -> str | None:
    """Want every URL with "foo" in it."""
    return "ICP_OP_HIT" if "foo" in url else None


def baz_nofetch_policy(url: str) -> str | None:
    """Want no URL with "baz" in it."""
    return "ICP_OP_MISS_NOFETCH" if "baz" in url else None
