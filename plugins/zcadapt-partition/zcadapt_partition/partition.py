"""The policy ``partition``: this server wants the URLs of its share."""

import logging
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field

from zope.interface import implementer

from zcadapt import Problem, SettingsError, did_you_mean, read_options, setting
from zcadapt.interfaces import IICPPolicy
from zcadapt_partition.keys import Key, KeySettings
from zcadapt_partition.rendezvous import Members

__all__ = ["Partition", "PartitionSettings"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionSettings:
    """What can be set about `Partition`."""

    this: str = setting(MISSING, "Which of the members this server is.")
    members: Mapping[str, float] = setting(
        MISSING,
        "The weight of each, the same for all members; 0: it is drained, and has no share.",
        least=0,
        most=1_000_000,
    )
    deputies: int = setting(
        1,
        "How many of those that would own a URL next say ICP_OP_MISS, so that one of them "
        "gets it when its owner does not want it or does not answer.",
        least=0,
        most=1_000_000,
    )
    elsewhere: str = setting(
        "ICP_OP_MISS_NOFETCH",
        "What all others say that have a share.",
        choices=("ICP_OP_MISS_NOFETCH", "ICP_OP_MISS"),
    )
    key: KeySettings = field(default_factory=KeySettings)


@implementer(IICPPolicy)
class Partition:
    """Says HIT to the URLs that belong to this member, and sends the others elsewhere.

    Without options it has no opinion.

    Raises:
        SettingsError: the options are wrong; it tells all of that.
    """

    def __init__(self, options: Mapping[str, object]) -> None:
        self._settings: PartitionSettings | None = None
        if not options:
            log.info("the policy partition is not configured: it has no members")
            return
        problems = [*_contradictions(options)]
        try:
            settings = read_options(PartitionSettings, options)
            self._key = Key(settings.key)
        except SettingsError as error:
            raise SettingsError([*error.problems, *problems]) from None
        if problems:
            raise SettingsError(problems)
        self._members = Members(settings.members)
        self._settings = settings

    def __call__(self, url: str) -> str | None:
        """Return whether this server wants `url`."""
        settings = self._settings
        if settings is None:
            return None
        place = self._members.place(settings.this, self._key.of_url(url))
        if place is None:  # drained: not even what `elsewhere` allows
            return "ICP_OP_MISS_NOFETCH"
        if place == 0:
            return "ICP_OP_HIT"
        return "ICP_OP_MISS" if place <= settings.deputies else settings.elsewhere


def _contradictions(options: Mapping[str, object]) -> list[Problem]:
    """Return what is wrong though each setting would do by itself."""
    this, members = options.get("this"), options.get("members")
    if not isinstance(members, dict):
        return []
    found = []
    if isinstance(this, str) and this not in members:
        near = did_you_mean(this, members)
        found.append(Problem("this", f'"{this}" is none of the members{near}'))
    if not any(members.values()):
        found.append(Problem("members", "none of them has a share: at least one weight is not 0"))
    return found
