"""The policy ``affinity``: this server wants what is like that it has lately handled."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass

from zope.interface import implementer

from zcadapt import read_options, setting
from zcadapt.interfaces import IICPPolicy
from zcadapt_partition.background import Sampled
from zcadapt_partition.table import Table

__all__ = ["Affinity", "AffinitySettings"]

log = logging.getLogger(__name__)

#: Seconds between two looks whether the application has made another table.
INTERVAL = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AffinitySettings:
    """What can be set about `Affinity`."""

    table: str = setting("", "The file in which the application notes what it has handled.")
    threshold: float = setting(
        0.5,
        "How much must have been handled lately: each request counts 1, "
        "and half as much after each half-life.",
        least=0.001,
        most=100,
    )


@implementer(IICPPolicy)
class Affinity:
    """Says HIT to URLs whose key this server has lately handled, and nothing to others.

    How a key is made is told by the table. In the application's own process
    `table` can be given itself. Without one it has no opinion.

    Raises:
        SettingsError: the options are wrong.
    """

    def __init__(self, options: Mapping[str, object], table: Table | None = None) -> None:
        settings = read_options(AffinitySettings, options)
        self._threshold = settings.threshold
        self._given = table
        self._watched: Sampled[Table | None] | None = None
        if table is not None:
            return
        if settings.table:
            watch = _Watch(settings.table)
            self._watched = Sampled("the policy affinity", watch, INTERVAL)
        else:
            log.info("the policy affinity is not configured: it has no table")

    def __call__(self, url: str) -> str | None:
        """Return whether this server wants `url`."""
        table = self._given
        if table is None and self._watched is not None:
            table = self._watched.latest()
        if table is not None and table.score(table.key.of_url(url)) >= self._threshold:
            return "ICP_OP_HIT"
        return None


class _Watch:
    """Returns the table that is in a file now."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._table: Table | None = None

    def __call__(self) -> Table:
        status = os.stat(self._path)  # noqa: PTH116 - as `Table.identity`
        table = self._table
        if table is None or table.identity != (status.st_dev, status.st_ino):
            # The old one is closed when nobody asks it any more.
            self._table = table = None
            self._table = table = Table.open(self._path)
            log.info("the policy affinity reads %s", self._path)
        return table
