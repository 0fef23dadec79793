"""The version of this distribution."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final

__all__ = ["VERSION"]


def _version() -> str:
    try:
        return version("zcadapt")
    except PackageNotFoundError:  # run from a folder without having been installed
        return "0"


VERSION: Final = _version()
