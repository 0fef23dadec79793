"""Lists that were not built: compiled at start and, when changed, in a process of its own."""

import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Final

from zcadapt_urllist.reading import Report, Source, SourceError, keys_of
from zcadapt_urllist.sniffing import refuse_pages
from zcadapt_urllist.store import Store

__all__ = ["compiled_aside", "compiled_here"]

log = logging.getLogger(__name__)

#: Seconds that a process may take to compile a list.
PATIENCE: Final = 300.0
#: Seconds between two looks at that process.
STEP: Final = 0.05
#: How much of what it says is read.
MOST_TOLD: Final = 65536


def compiled_here(name: str, sources: Sequence[Source], most_bytes: int) -> Store:
    """Return a store with what `sources` hold, and log which lines could not be read.

    Raises:
        SourceError: a source cannot be read at all, or they are too large.
    """
    refuse_pages(sources)
    report = Report()
    store = Store.of(keys_of(sources, report, most_bytes=most_bytes), report)
    for told in report.told:
        log.info("list %r: %s", name, told)
    log.info("list %r: %s", name, report)
    return store


def compiled_aside(name: str, sources: Sequence[Source], most_bytes: int, stopped: Event) -> Store:
    """Do the same in another process, so that this one goes on answering meanwhile.

    Raises:
        SourceError: as above, or the process fails, takes too long, or is no
            longer wanted because `stopped` is set.
    """
    with tempfile.TemporaryDirectory(prefix="zcadapt-urllist-") as folder:
        output, told = Path(folder, "list"), Path(folder, "told")
        command = [sys.executable, "-P", "-m", "zcadapt_urllist", "build", "--allow-empty"]
        command += ["--max-bytes", str(most_bytes), "--output", str(output)]
        for source in sources:
            command += ["--source", source.format, str(source.path.absolute())]
        with told.open("wb") as file:
            # Not in the folder of the settings, which may be gone, or have a json.py.
            process = subprocess.Popen(command, stdout=file, stderr=file, cwd="/")  # noqa: S603 - ours
        try:
            _wait(process, stopped)
        finally:
            process.kill()
            process.wait()
        with told.open("rb") as file:
            text = file.read(MOST_TOLD).decode("utf-8", "replace").strip()
        if process.returncode:
            text = text.removeprefix("Error: ").removesuffix(f"; {output} is as it was")
            raise SourceError(text or f"the process that compiles it ended: {process.returncode}")
        *broken, report = text.splitlines()
        for line in broken:
            log.info("list %r: %s", name, line)
        log.info("list %r: %s", name, report.removeprefix(f"{output}: "))
        return Store.open(output)


def _wait(process: subprocess.Popen[bytes], stopped: Event) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None:
        if stopped.wait(STEP):
            raise SourceError("the server ends")
        if time.monotonic() > deadline:
            raise SourceError(f"compiling takes longer than {PATIENCE:.0f} seconds")
