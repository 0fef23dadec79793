"""Policies as the rule asks them: what each is given, and what follows when it fails.

A policy is given the URL. One that provides `IICPQueryPolicy`, or was
registered as one, is given the whole query.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from difflib import get_close_matches
from typing import Any, Final

from zope.component import getSiteManager  # type: ignore[import-untyped]
from zope.interface.interfaces import IComponents

from zcadapt.icp.datagram import build, read
from zcadapt.icp.message import Asked, Query
from zcadapt.icp.opcodes import ANSWERS, DEFAULT_ANSWER
from zcadapt.icp.seldom import Seldom
from zcadapt.interfaces import IICPPolicy, IICPQueryPolicy
from zcadapt.overrides import UtilitySettings
from zcadapt.registry import Utilities, named_utilities
from zcadapt.rule import Candidate, NoAnswerError, consult, go_on

__all__ = ["Policies", "check_url"]

log = logging.getLogger("zcadapt.icp")

#: What counts as the answer of a policy that failed.
ON_ERROR: Final[Mapping[str, str | None]] = {
    "skip": None,
    "error": "ICP_OP_ERR",
    "block": "ICP_OP_DENIED",
}
DEFAULT_ON_ERROR: Final = "skip"

#: Seconds that an asynchronous policy has. Squid waits two at most, for all of us.
DEFAULT_TIMEOUT: Final = 1.0

THIS_HOST: Final = ("127.0.0.1", 0)

NOTHING_SET: Final = UtilitySettings()

Overrides = Mapping[str, UtilitySettings]


class Policies(Utilities):
    """The policies that `components` holds, in the order of their names.

    `overrides` has, by name, what is to be done when a policy fails and how
    long it may take; what it leaves open the policy's own attributes
    ``on_error`` and ``timeout`` say.
    """

    __slots__ = ()

    def __init__(self, components: IComponents, overrides: Overrides | None = None) -> None:
        overrides = {} if overrides is None else overrides

        def make(name: str, policy: Any) -> Candidate:  # noqa: ANN401 - whatever was registered
            return candidate(components, name, policy, overrides.get(name, NOTHING_SET))

        super().__init__(components, IICPPolicy, make)


def candidate(
    components: IComponents,
    name: str,
    policy: Any,  # noqa: ANN401 - whatever was registered
    settings: UtilitySettings = NOTHING_SET,
) -> Candidate:
    """Return `policy`, registered under `name`, as the rule asks it."""
    timeout = settings.timeout or _own(policy, "timeout", _is_duration) or DEFAULT_TIMEOUT
    on_error = settings.on_error or _own(policy, "on_error", ON_ERROR.__contains__)
    return Candidate(
        name,
        policy,
        _with_query(policy) if _wants_query(components, name, policy) else _with_url(policy),
        valid=ANSWERS.__contains__,
        on_failure=_Failing(ON_ERROR[on_error or DEFAULT_ON_ERROR]),
        timeout=timeout,
    )


def check_url(url: str, components: IComponents | None = None) -> str:
    """Return what the policies answer to a query for `url` from this very host.

    They are those of the global registry, unless another is given. An
    asynchronous policy gets an event loop of its own, so this is not for code
    that runs in one.

    >>> check_url('http://example.com/')
    'ICP_OP_MISS'

    Raises:
        ValueError: the URL does not fit into a query.
    """
    components = getSiteManager() if components is None else components
    asked = read(build(url), THIS_HOST)
    found = named_utilities(components, IICPPolicy)
    candidates = iter([candidate(components, name, policy) for name, policy in found])
    won = consult(candidates, asked)
    if won is not None and won.pending:
        won = asyncio.run(go_on(candidates, asked, won))
    answer: str = DEFAULT_ANSWER if won is None else won.answer
    return answer


def _wants_query(components: IComponents, name: str, policy: object) -> bool:
    if IICPQueryPolicy.providedBy(policy):
        return True
    # A plain function declares nothing; then it counts what it was registered as.
    registry: Any = components  # zope.interface has no annotations
    return registry.queryUtility(IICPQueryPolicy, name) is policy


def _with_query(policy: Callable[[Query], object]) -> Callable[[Asked], object]:
    return lambda asked: policy(Query(*asked))


def _with_url(policy: Callable[[str], object]) -> Callable[[Asked], object]:
    return lambda asked: policy(asked[1])


def _own(policy: object, attribute: str, fits: Callable[[Any], bool]) -> Any:  # noqa: ANN401
    """Return what `policy` says of itself, ``None`` where it says nothing that fits."""
    value: Any = None
    with suppress(Exception):  # a plugin may raise anything
        value = getattr(policy, attribute, None)
        if value is None or fits(value):
            return value
    log.warning("policy %r: %s cannot be %.80r; it is ignored", policy, attribute, value)
    return None


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and value > 0


class _Failing:
    """What follows each time a policy fails: now and then a line in the log, and `answer`."""

    __slots__ = ("_answer", "_seldom")

    def __init__(self, answer: str | None) -> None:
        self._answer = answer
        self._seldom = Seldom()

    def __call__(self, candidate: Candidate, _: object, error: BaseException) -> str | None:
        if self._seldom.due():
            text = "policy %r failed (%d so far): %s: %s%s"
            told = (candidate.name, candidate.failures, type(error).__name__, error, _near(error))
            log.error(text, *told, exc_info=error)
        return self._answer


def _near(error: BaseException) -> str:
    """Return which answer was meant, where a policy has returned another word."""
    if not isinstance(error, NoAnswerError) or not isinstance(error.answer, str):
        return ""
    near = get_close_matches(error.answer[:40].upper(), ANSWERS, n=1, cutoff=0.4)
    return f". Did you mean {near[0]!r}?" if near else f"; there are {', '.join(ANSWERS)}"
