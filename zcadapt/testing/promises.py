"""Promises, which hold or are named."""

import asyncio
from collections.abc import Callable
from typing import Final

__all__ = ["SOON", "promised", "soon"]

#: Seconds in which whatever was asked for has to happen.
SOON: Final = 5.0

#: Seconds between two looks.
STEP: Final = 0.002


def promised(holds: object, what: str) -> None:
    """Raise where a promise does not hold.

    Raises:
        AssertionError: `what` is not so.
    """
    if not holds:
        raise AssertionError(what)


async def soon(holds: Callable[[], object]) -> bool:
    """Wait until something holds; return whether it does, in time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + SOON
    while not holds():
        if loop.time() > end:
            return False
        await asyncio.sleep(STEP)
    return True
