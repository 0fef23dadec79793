"""What is wrong with what was written or installed: told all at once, each with its place."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

__all__ = ["Problem", "SettingsError", "did_you_mean"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where it stands, and what was expected there."""

    where: str  #: such as ``lists[2].path``; empty for the whole
    what: str  #: as it reads behind the place
    is_warning: bool = False  #: it is of something that takes part nevertheless

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what

    @property
    def told(self) -> str:
        """The problem and what follows from it, where all else goes on."""
        return f"{'warning' if self.is_warning else 'left out'}: {self}"


class SettingsError(ValueError):
    """Settings are wrong; `problems` are all that was found.

    Where a plugin raises it, the place of a problem is told from what the
    plugin was given: ``depth``, ``deep.down``, ``lists[2].path``, with items
    of lists counted from 0, and no text for the whole.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, self.problems)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the end of a message that names what is nearest to `word`, if anything is.

    >>> 'no such setting' + did_you_mean('preveiw', ['preview', 'listen'])
    'no such setting. Did you mean "preview"?'
    """
    near = get_close_matches(word, list(known), n=1)
    return f'. Did you mean "{near[0]}"?' if near else ""
