"""Seeing what blocks an event loop: whoever else it serves would have to wait."""

import asyncio
import os
import sys
import sysconfig
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import cache
from types import FrameType
from typing import Any, Final

__all__ = ["blocked_by", "watched"]

#: Seconds between two signs of life of the loop, and between two looks for them.
STEP: Final = 0.02
#: So many looks in vain, and it is blocked.
MOST: Final = 5
#: So often it has to be seen: a pause of the machine is nobody's fault.
TIMES: Final = 3

#: What waits for others wherever it is called; a socket may be one that does not.
WAITS: Final = frozenset(
    {"os.system", "socket.getaddrinfo", "socket.gethostbyname", "socket.connect", "time.sleep"}
)

STDLIB: Final = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib")})
PACKAGES: Final = tuple({sysconfig.get_path(name) + os.sep for name in ("purelib", "platlib")})

#: What was seen, by the thread of the loop that is watched.
_seen: dict[int, list[str]] = {}


async def blocked_by(tried: Callable[[], Coroutine[Any, Any, object]]) -> str:
    """Await what `tried` makes; return what blocked the loop, and where, or an empty text."""
    seen = ""
    for _ in range(TIMES):
        async with watched() as blocks:
            await tried()
        if not blocks:
            return ""
        seen = blocks[0]
    return seen


@asynccontextmanager
async def watched() -> AsyncIterator[list[str]]:
    """Watch the loop that runs; give what blocks it, as it is seen."""
    _hear()
    here = threading.get_ident()
    blocks = _seen[here] = []
    lookout = _Lookout(here, blocks)
    beating = asyncio.create_task(_beat(lookout))
    await asyncio.sleep(0)
    lookout.start()
    try:
        yield blocks
        await asyncio.sleep(0)
    finally:
        lookout.ended.set()
        beating.cancel()
        await asyncio.wait([beating])
        del _seen[here]


async def _beat(lookout: "_Lookout") -> None:
    while True:
        lookout.missed = 0
        await asyncio.sleep(STEP)


class _Lookout(threading.Thread):
    """Looks for signs of life of a thread's loop."""

    def __init__(self, watched: int, blocks: list[str]) -> None:
        super().__init__(name="zcadapt lookout", daemon=True)
        self.ended = threading.Event()
        self.missed = 0
        self._watched = watched
        self._blocks = blocks

    def run(self) -> None:
        # Looks are counted, not time: where all of us are paused there are none.
        while not self.ended.wait(STEP):
            self.missed += 1
            frame = sys._current_frames().get(self._watched)  # noqa: SLF001 - there is no other way
            if self.missed == MOST and frame is not None:
                self._blocks.append(f"{_where(frame)} holds it for {MOST * STEP:.1f} s and more")


@cache
def _hear() -> None:
    """Listen to what the interpreter tells of calls, from now on; there is no way back."""
    sys.addaudithook(_heard)


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in WAITS or (blocks := _seen.get(threading.get_ident())) is None:
        return
    if event == "socket.connect" and arguments[0].gettimeout() == 0:
        return  # as asyncio's own
    if event == "time.sleep" and arguments[0] == 0:
        return
    blocks.append(f"{_where(sys._getframe(1))} calls {event}")  # noqa: SLF001 - as above


def _where(frame: FrameType) -> str:
    """Return the place that is nobody's library, or the innermost where all are."""
    each: FrameType | None = frame
    while each is not None:
        name = each.f_code.co_filename
        is_library = name.startswith(STDLIB) and not name.startswith(PACKAGES)
        if not (is_library or name.startswith("<frozen ")):
            frame = each
            break
        each = each.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno} ({frame.f_code.co_name})"
