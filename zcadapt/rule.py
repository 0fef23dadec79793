"""The rule: the first answer that is not ``None`` wins.

Both protocols ask their utilities through `consult`. What a question or an
answer is, where the utilities come from and how they are kept in the order of
their names is no business of this module.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, NamedTuple

__all__ = ["Candidate", "NoAnswerError", "Won", "consult", "go_on"]

DEFAULT_TIMEOUT: Final = 30.0

Limit = Callable[["Candidate"], AbstractAsyncContextManager[object]]


class NoAnswerError(TypeError):
    """A utility returned something that is no answer: `answer`."""

    def __init__(self, answer: object) -> None:
        super().__init__(f"{type(answer).__name__} is not an answer")
        self.answer = answer


class Candidate:
    """A utility as the rule sees it: something with a name that can be asked.

    `valid` tells answers from nonsense; `on_failure` is called with the
    candidate, the question and the exception, and returns what counts as the
    answer instead (``None``: ask the next one).
    """

    __slots__ = ("ask", "failures", "name", "on_failure", "timeout", "utility", "valid")

    def __init__(  # noqa: PLR0913 - a record with a field for each
        self,
        name: str,
        utility: Any,  # noqa: ANN401 - whatever was registered
        ask: Callable[[Any], Any],
        *,
        valid: Callable[[Any], bool],
        on_failure: Callable[["Candidate", Any, BaseException], Any],
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> None:
        self.name = name
        self.utility = utility
        self.ask = ask
        self.valid = valid
        self.on_failure = on_failure
        self.timeout = timeout
        self.failures = 0

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def failed(self, question: object, error: BaseException) -> object:
        """Count a failure and return what counts as the answer instead."""
        self.failures += 1
        return self.on_failure(self, question, error)


class Won(NamedTuple):
    """Who answered, and what. The answer is an awaitable while it is pending."""

    candidate: Candidate
    answer: Any

    @property
    def pending(self) -> bool:
        """Whether the answer has yet to be awaited, by `go_on`."""
        return inspect.isawaitable(self.answer)


def consult(candidates: Iterator[Candidate], question: object) -> Won | None:
    """Ask in turn and return the first answer that is not ``None``.

    An awaitable is returned as it is: whoever runs a loop goes on with
    `go_on`, which takes the same iterator up where this call left it.
    """
    for candidate in candidates:
        try:
            answer = candidate.ask(question)
            if answer is None:
                continue
            if not candidate.valid(answer) and not inspect.isawaitable(answer):
                raise NoAnswerError(answer)  # noqa: TRY301 - as a failure
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | GeneratorExit):
                raise
            answer = candidate.failed(question, error)
        if answer is not None:
            return Won(candidate, answer)
    return None


async def go_on(
    candidates: Iterator[Candidate],
    question: object,
    won: Won | None,
    *,
    limit: Limit | None = None,
) -> Won | None:
    """Await pending answers until one is not ``None`` or nobody is left to ask.

    `limit` makes, for a candidate, the context that raises TimeoutError when
    its seconds are over.
    """
    limit = _limit if limit is None else limit
    while won is not None and won.pending:
        candidate = won.candidate
        try:
            answer = await _in_time(candidate, won.answer, limit)
        except BaseException as error:
            if _is_meant_for_us(error):
                raise
            answer = candidate.failed(question, error)
        if answer is not None:
            return Won(candidate, answer)
        won = consult(candidates, question)
    return won


def _limit(candidate: Candidate) -> asyncio.Timeout:
    return asyncio.timeout(candidate.timeout)


def _is_meant_for_us(error: BaseException) -> bool:
    """Whether `error` ends the one who asks, and is no failure of the one who was asked."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt | GeneratorExit)


async def _in_time(candidate: Candidate, pending: Awaitable[Any], limit: Limit) -> object:
    async with limit(candidate):
        answer = await pending
    if answer is None or candidate.valid(answer):
        return answer
    raise NoAnswerError(answer)
