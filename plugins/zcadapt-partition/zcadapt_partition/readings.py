"""How busy the machine is: read from the system, and compared with what is allowed."""

import os
import re
from pathlib import Path
from typing import Final

__all__ = ["load_per_cpu", "pressure", "pressure_file"]

#: Bytes of a file that are looked at; such a file has two lines.
LONGEST: Final = 4096

_SOME = re.compile(rb"^some avg10=(\d{1,3}(?:\.\d{1,6})?) ", re.MULTILINE)


def load_per_cpu() -> float:
    """Return the load average of the last minute for each CPU of the machine.

    Raises:
        OSError: the system does not tell.
    """
    return os.getloadavg()[0] / (os.cpu_count() or 1)


def pressure_file(resource: str, cgroup: str) -> Path:
    """Return where the system tells of a resource, for a control group or for all."""
    return Path(cgroup, f"{resource}.pressure") if cgroup else Path("/proc/pressure", resource)


def pressure(file: Path) -> float:
    """Return the percentage of the last ten seconds in which somebody had to wait (PSI).

    Raises:
        OSError: the system does not tell.
        ValueError: it tells something else.
    """
    with file.open("rb") as opened:
        found = _SOME.search(opened.read(LONGEST))
    if found is None:
        raise ValueError(f"{file} has no line that begins with some avg10=")
    return float(found[1])
