"""The exit codes of the commands."""

from enum import IntEnum
from typing import Self

__all__ = ["Exit"]


class Exit(IntEnum):
    """What a command ended with; ``text`` is its line in the reference."""

    text: str

    def __new__(cls, code: int, text: str) -> Self:
        """Give the number its text."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.text = text
        return member

    OK = 0, "It did what it was asked; the server ended after SIGTERM or SIGINT."
    PROBLEMS = (
        1,
        (
            "The settings are wrong or leave nothing to serve, or a plugin is wrong where that is "
            "fatal; no answer came; something is left to migrate; standard output cannot be "
            "written."
        ),
    )
    USAGE = 2, "The command line is wrong."
    CANNOT_LISTEN = 3, "An address is taken, forbidden, or none of this machine."
