"""Seeing what blocks an event loop: whoever else it serves would have to wait."""

import asyncio
import os
import socket
import sys
import sysconfig
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import cache
from operator import attrgetter
from types import FrameType
from typing import Any, Final, NamedTuple

__all__ = ["blocked_by", "watched"]

#: Seconds between two signs of life of the loop, and between two looks for them.
STEP: Final = 0.02
#: So many looks in vain, and it is blocked, as it seems.
MOST: Final = 5
#: So often that has to be seen: a pause of the machine is nobody's fault.
TIMES: Final = 3
#: So many looks in vain are no pause any more.
SURE: Final = 25

#: What waits for others wherever it is called; a socket may be one that does not.
WAITS: Final = frozenset(
    {"os.system", "socket.getaddrinfo", "socket.gethostbyname", "socket.connect", "time.sleep"}
)

STDLIB: Final = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib")})
PACKAGES: Final = tuple({sysconfig.get_path(name) + os.sep for name in ("purelib", "platlib")})


class Seen(NamedTuple):
    """What blocks a loop, and where; whether that is certain."""

    text: str
    is_sure: bool


#: What was seen, by the thread of the loop that is watched.
_seen: dict[int, list[Seen]] = {}


async def blocked_by(tried: Callable[[], Coroutine[Any, Any, object]]) -> str:
    """Await what `tried` makes; return what blocked the loop, and where, or an empty text."""
    seen = ""
    for _ in range(TIMES):
        async with watched() as blocks:
            await tried()
        if not blocks:
            return ""
        seen, is_sure = max(blocks, key=attrgetter("is_sure"))
        if is_sure:
            break
    return seen


@asynccontextmanager
async def watched() -> AsyncIterator[list[Seen]]:
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

    def __init__(self, watched: int, blocks: list[Seen]) -> None:
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
            if self.missed in {MOST, SURE} and frame is not None:
                text = f"{_where(frame)} holds it for {self.missed * STEP:.1f} s and more"
                self._blocks.append(Seen(text, self.missed == SURE))


@cache
def _hear() -> None:
    """Listen to what the interpreter tells of calls, from now on; there is no way back."""
    sys.addaudithook(_heard)


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in WAITS or (blocks := _seen.get(threading.get_ident())) is None:
        return
    if event == "socket.connect" and not _waits(arguments[0]):
        return
    if event == "time.sleep" and arguments[0] == 0:
        return
    text = f"{_where(sys._getframe(1))} calls {event}"  # noqa: SLF001 - as above
    blocks.append(Seen(text, is_sure=True))


def _waits(connecting: socket.socket) -> bool:
    """Whether it has to wait for somebody; asyncio's own never do."""
    return connecting.gettimeout() != 0 and connecting.type == socket.SOCK_STREAM


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
