"""Verdicts in a file that workers share: SQLite, to be used in a thread."""

import os
import sqlite3
import stat
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

__all__ = ["Row", "Store", "default_path"]

#: Digest, version of the database, name of what was found, Unix time until which that holds.
Row = tuple[bytes, str, str, float]

#: Milliseconds to wait for another worker that writes.
BUSY: Final = 250
#: Verdicts written until those that are too old, or too many, are dropped.
TIDY_EVERY: Final = 1000

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS verdicts (
    digest BLOB NOT NULL, version TEXT NOT NULL, threat TEXT NOT NULL, expires REAL NOT NULL,
    PRIMARY KEY (digest, version)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_age ON verdicts (expires);
CREATE TABLE IF NOT EXISTS seen (one INTEGER PRIMARY KEY CHECK (one = 1), version TEXT NOT NULL);
"""


def default_path() -> Path:
    """Return where the file is if nobody says another place.

    Raises:
        RuntimeError: who runs this has no home.
    """
    cache = os.environ.get("CACHE_DIRECTORY", "").split(":")[0]  # of a systemd unit
    cache = cache or os.environ.get("XDG_CACHE_HOME", "")
    return Path(cache or Path.home() / ".cache") / "zcadapt" / "clamav.sqlite3"


class Store:
    """The file, opened when it is first used.

    All methods may block and raise OSError or sqlite3.Error. Only one thread
    may use it at a time.

    Args:
        path: the file; it and its folder are made if they are not there.
        most: how many verdicts it may hold, about.
    """

    def __init__(self, path: Path, most: int) -> None:
        self._path = path
        self._most = most
        self._connection: sqlite3.Connection | None = None
        self._unchecked = 0

    def __del__(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def get(self, digest: bytes, version: str) -> tuple[str, float] | None:
        """Return what was found in it and until when (Unix time) that holds; None: unknown."""
        found: tuple[str, float] | None = (
            self._open()
            .execute(
                "SELECT threat, expires FROM verdicts"
                " WHERE digest = ? AND version = ? AND expires > ?",
                (digest, version, time.time()),
            )
            .fetchone()
        )
        return found

    def put(self, verdicts: Sequence[Row]) -> None:
        """Remember verdicts, all or none."""
        connection = self._open()
        with connection:  # one transaction
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?)", verdicts)
        self._unchecked += len(verdicts)
        if self._unchecked >= TIDY_EVERY:
            self._unchecked = 0
            self.tidy()

    def tidy(self) -> None:
        """Drop what is too old, and the oldest of what is too much."""
        connection = self._open()
        connection.execute("DELETE FROM verdicts WHERE expires <= ?", (time.time(),))
        (number,) = connection.execute("SELECT count(*) FROM verdicts").fetchone()
        if number > self._most:
            connection.execute(
                "DELETE FROM verdicts WHERE (digest, version) IN"
                " (SELECT digest, version FROM verdicts ORDER BY expires LIMIT ?)",
                (number - self._most,),
            )

    def seen(self) -> str:
        """Return the version of the database that was seen last; empty: none was."""
        if not self._path.exists():
            return ""
        with closing(self._connect()) as connection:
            found = connection.execute("SELECT version FROM seen").fetchone()
        return found[0] if found else ""

    def see(self, version: str) -> None:
        """Remember the version of the database."""
        self._open().execute("INSERT OR REPLACE INTO seen VALUES (1, ?)", (version,))

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._make_sure()
        connection = sqlite3.connect(
            self._path, timeout=BUSY / 1000, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_TABLES)
        except BaseException:
            connection.close()
            raise
        return connection

    def _make_sure(self) -> None:
        """See that nobody else can write verdicts."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(self._path, flags, 0o600)
        try:
            status = os.fstat(file)
        finally:
            os.close(file)
        for each in status, self._path.parent.stat():
            others = each.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            if each.st_uid not in {os.geteuid(), 0} or others:
                raise PermissionError(f"others could write to {self._path}, or replace it")
