"""What a service says of itself, checked: an interface has no word for the values."""

import re
from collections.abc import Collection
from typing import Any, Final

from zcadapt.icap.endpoint import METHODS

__all__ = ["ON_ERROR", "check_declarations"]

#: What may follow when a service fails.
ON_ERROR: Final = ("error", "skip", "block")

_EXTENSION = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def check_declarations(service: Any) -> None:  # noqa: ANN401 - IICAPService, as it should be
    """Check what the server reads of `service` before it asks it anything.

    That is all of `IICAPServiceDetails` but ``state``, which may be out of
    reach for a while; ``version`` may be anything that has a text.

    Raises:
        ValueError: an attribute has a value that it cannot have; the text says
            which, and what it must be.
        Exception: whatever an attribute raises that cannot be read.

    >>> from zcadapt.icap.echo import echo
    >>> check_declarations(echo)
    """
    methods, preview = service.methods, service.preview
    if not (_is_list(methods) and methods and all(each in METHODS for each in methods)):
        raise ValueError(f"methods must be a list of REQMOD, RESPMOD or both, not {methods!r:.80}")
    if not isinstance(preview, int) or isinstance(preview, bool) or preview < 0:
        raise ValueError(f"preview must be a whole number of at least 0, not {preview!r:.80}")
    on_error = getattr(service, "on_error", None)
    if on_error is not None and on_error not in ON_ERROR:
        raise ValueError(f"on_error must be one of {', '.join(ON_ERROR)}, not {on_error!r:.80}")
    timeout = getattr(service, "timeout", None)
    if timeout is not None and not _is_time(timeout):
        raise ValueError(f"timeout must be a number of seconds above 0, not {timeout!r:.80}")
    for name in ("transfer_ignore", "transfer_complete"):
        extensions = getattr(service, name, ())
        if not (_is_list(extensions) and all(map(_is_extension, extensions))):
            raise ValueError(f"{name} must be a list of file extensions, not {extensions!r:.80}")
    str(getattr(service, "version", ""))


def _is_list(value: object) -> bool:
    """Whether it can be gone through, and more than once."""
    return isinstance(value, Collection) and not isinstance(value, str)


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _is_extension(value: object) -> bool:
    return isinstance(value, str) and _EXTENSION.fullmatch(value) is not None
