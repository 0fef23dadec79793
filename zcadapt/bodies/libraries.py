"""The libraries that not every installation needs: imported when they are."""

from importlib import import_module
from typing import Any

from zcadapt.bodies.errors import MissingLibraryError

__all__ = ["library"]


def library(*names: str) -> Any:  # noqa: ANN401 - a module
    """Return the first of these modules that is there.

    Raises:
        MissingLibraryError: none is.

    >>> library('no_such_library')
    Traceback (most recent call last):
    zcadapt.bodies.errors.MissingLibraryError: no_such_library is not installed: ...
    """
    for name in names:
        try:
            return import_module(name)
        except ImportError:
            continue
    raise MissingLibraryError(f"{names[0]} is not installed: pip install 'zcadapt[bodies]'")
