"""The thread that looks after changed files, so that no request waits for one."""

import logging
from collections.abc import Sequence
from threading import Event, Thread
from typing import Final

from zcadapt_urllist.service import URLList

__all__ = ["Watcher"]

log = logging.getLogger(__name__)

#: Seconds between two looks at the files.
INTERVAL: Final = 1.0
#: Seconds in which the thread ends.
SOON: Final = 2.0


class Watcher:
    """Looks at the files of all lists once in a second."""

    def __init__(self, services: Sequence[URLList]) -> None:
        self._services = services
        self._stopped = Event()
        self._thread = Thread(target=self._watch, name="zcadapt-urllist", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for that a little."""
        self._stopped.set()
        self._thread.join(SOON)

    def _watch(self) -> None:
        while not self._stopped.wait(INTERVAL):
            for each in self._services:
                try:
                    each.refresh(self._stopped)
                except Exception:
                    log.exception("%r could not be refreshed", each)
