"""A setting is declared once: name, type, default, bounds and help, where it is used.

The groups of settings are frozen dataclasses beside the code that reads them;
the settings file, its check, the command line and the reference are made from
their fields.
"""

from dataclasses import field
from typing import Any

__all__ = ["setting"]


def setting(
    default: object,
    text: str,
    *,
    least: float | None = None,
    most: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:  # noqa: ANN401 - as dataclasses.field: the annotation beside it tells the type
    """Return the field of a dataclass that is a setting.

    Args:
        default: its value where nobody says another.
        text: one sentence for the reference, with the unit.
        least: the smallest number allowed.
        most: the largest number allowed.
        choices: the words allowed.
    """
    return field(
        default=default,
        metadata={"text": text, "least": least, "most": most, "choices": choices},
    )
