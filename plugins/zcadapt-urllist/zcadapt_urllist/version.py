"""The version of this distribution."""

from importlib.metadata import version
from typing import Final

__all__ = ["VERSION"]

VERSION: Final = version("zcadapt-urllist")
