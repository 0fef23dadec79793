"""Verdicts that are remembered: in memory, and behind that in a file."""

import asyncio
import logging
import os
import sqlite3
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

from zcadapt_clamav.store import Row, Store

__all__ = ["Verdicts"]

log = logging.getLogger("zcadapt_clamav")

T = TypeVar("T")

#: Seconds for which a verdict holds, where nothing tells of new signatures.
BRIEFLY: Final = 60.0
#: Seconds that a look into the file may take; then it is as if nothing stood there.
LOOK: Final = 0.5
#: How many calls the thread may have to do; what is more is dropped.
WAITING: Final = 100
#: How many verdicts may wait to be written; the oldest of more are dropped.
UNWRITTEN: Final = 1000


class Verdicts:
    """What was found under a digest with a version of the database.

    Nothing is known under a version that is not known itself.

    Args:
        seconds: for how long a verdict holds; 0: nothing is remembered.
        in_memory: how many are kept in memory, those that were used last.
        store: the file, if there is one.
    """

    def __init__(self, seconds: float, in_memory: int, store: Store | None) -> None:
        self._seconds = seconds
        self._most = in_memory
        self._known: OrderedDict[tuple[bytes, str], tuple[str, float]] = OrderedDict()
        self._store = store if seconds else None
        self._thread: ThreadPoolExecutor | None = None
        self._process = 0  # whose thread that is: a fork has none
        self._unwritten: deque[Row] = deque(maxlen=UNWRITTEN)
        self._writes = threading.Lock()
        self._room = threading.Semaphore(WAITING)

    async def get(self, digest: bytes, version: str) -> str | None:
        """Return the name of what was found, empty if nothing was; None: it is unknown."""
        if not version or not self._seconds:
            return None
        key = digest, version
        found = self._known.pop(key, None) or await self._look(*key)
        if found is None:
            return None
        threat, expires = found
        if expires <= time.time():
            return None
        self._keep(key, found)
        return threat

    def put(self, digest: bytes, version: str, threat: str, *, briefly: bool = False) -> None:
        """Remember a verdict, for a short time if it is `briefly`; this does not wait."""
        if not version or not self._seconds:
            return
        expires = time.time() + (min(BRIEFLY, self._seconds) if briefly else self._seconds)
        self._keep((digest, version), (threat, expires))
        if self._store is not None:
            self._unwritten.append((digest, version, threat, expires))
            if not self._writes.locked():
                self._begin(self._write)

    def _write(self) -> None:
        """Write what has come together; under load that is much at once."""
        with self._writes:
            while self._store is not None and self._unwritten:
                rows = [self._unwritten.popleft() for _ in range(len(self._unwritten))]
                self._store.put(rows)

    def see(self, version: str) -> None:
        """Remember the version, for the next start; this does not wait."""
        if self._store is not None:
            self._begin(partial(self._store.see, version))

    def seen(self) -> str:
        """Return the version that was seen before this start; this blocks."""
        if self._store is None:
            return ""
        try:
            return self._store.seen()
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)
            return ""

    def _keep(self, key: tuple[bytes, str], verdict: tuple[str, float]) -> None:
        self._known[key] = verdict
        self._known.move_to_end(key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)

    async def _look(self, digest: bytes, version: str) -> tuple[str, float] | None:
        store = self._store
        if store is None:
            return None
        looking = self._begin(partial(store.get, digest, version))
        if looking is None:
            return None
        try:
            async with asyncio.timeout(LOOK):
                return await looking
        except TimeoutError:
            return None

    def _begin(self, call: Callable[[], T]) -> "asyncio.Future[T | None] | None":
        """Begin `call` in the thread, unless that has too much to do."""
        if not self._room.acquire(blocking=False):
            return None
        if self._thread is None or self._process != os.getpid():
            self._process = os.getpid()
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="zcadapt-clamav")
        future = self._thread.submit(self._try, call)
        # Not in _try, which never runs for a call that is cancelled before its turn.
        future.add_done_callback(lambda _: self._room.release())
        return asyncio.wrap_future(future)

    def _try(self, call: Callable[[], T]) -> T | None:
        if self._store is None:
            return None
        try:
            return call()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                return None  # another worker writes; the next time, then
            self._give_up(error)
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)
        return None

    def _give_up(self, error: Exception) -> None:
        self._store = None
        log.warning("verdicts are remembered in memory only: %s", error)
