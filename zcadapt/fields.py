"""A setting is declared once: name, type, default, bounds and help, where it is used.

The groups of settings are frozen dataclasses beside the code that reads them;
the settings file, its check, the command line and the reference are made from
their fields.
"""

from collections.abc import Callable
from dataclasses import field
from typing import Any, NamedTuple

__all__ = ["Format", "setting"]


class Format(NamedTuple):
    """What a text must look like, where not every text will do."""

    expected: str  #: as it reads after "must be"
    check: Callable[[str], object]  #: raises ValueError, perhaps with the reason, for another text


def setting(  # noqa: PLR0913 - all that can be said of one
    default: object,
    text: str,
    *,
    least: float | None = None,
    most: float | None = None,
    choices: tuple[str, ...] = (),
    format: Format | None = None,  # noqa: A002 - the word for it
) -> Any:  # noqa: ANN401 - as dataclasses.field: the annotation beside it tells the type
    """Return the field of a dataclass that is a setting.

    Args:
        default: its value where nobody says another; ``dataclasses.MISSING``
            where somebody has to.
        text: one sentence for the reference, with the unit.
        least: the smallest number allowed.
        most: the largest number allowed.
        choices: the words allowed.
        format: what the text, or each one of a list, must look like.
    """
    return field(
        default=default,
        metadata={
            "text": text,
            "least": least,
            "most": most,
            "choices": choices,
            "format": format,
        },
    )
