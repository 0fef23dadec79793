"""The event loop: uvloop where it is installed, asyncio elsewhere."""

import asyncio
import importlib
from collections.abc import Callable

__all__ = ["loop_factory"]


def loop_factory(wanted: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """Return what makes the loop that the setting ``loop`` wants.

    Raises:
        ImportError: uvloop is asked for by name and is not installed.
    """
    if wanted == "asyncio":
        return asyncio.new_event_loop
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module(
            "uvloop"
        ).new_event_loop
    except ImportError:
        if wanted == "uvloop":
            raise
        return asyncio.new_event_loop
    return factory
