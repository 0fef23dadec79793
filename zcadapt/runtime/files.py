"""How many files the process may have open: each client is one, and may need a second."""

import resource

__all__ = ["raise_open_files"]


def raise_open_files() -> int:
    """Raise the soft limit to the hard one as far as the system lets us; return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError):  # some systems promise more than they give
            return soft
    return hard
