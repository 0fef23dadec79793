"""Services from plain functions, and functions that may block."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial, update_wrapper, wraps
from typing import Any, TypeVar, overload

from zope.interface import implementer

from zcadapt.icap.decisions import Decision
from zcadapt.icap.request import Request
from zcadapt.interfaces import IICAPService
from zcadapt.threads import threads_of

__all__ = ["FunctionService", "blocking", "reqmod", "respmod"]

Adapt = Callable[[Request], Decision | Awaitable[Decision | None] | None]
Function = TypeVar("Function", bound=Callable[..., Any])


@implementer(IICAPService)
class FunctionService:
    """A function as a service; it can still be called as the function it is."""

    transfer_ignore = ()
    transfer_complete = ()

    def __init__(  # noqa: PLR0913 - what a service may say of itself
        self,
        adapt: Adapt,
        methods: tuple[str, ...],
        *,
        preview: int = 0,
        version: str = "",
        on_error: str = "error",
        timeout: float | None = None,
    ) -> None:
        self.adapt = adapt
        self.methods = methods
        self.preview = preview
        self.version = version
        self.on_error = on_error
        self.timeout = timeout
        update_wrapper(self, adapt, updated=())

    def __call__(self, request: Request) -> Any:  # noqa: ANN401 - whatever the function returns
        """Call the function."""
        return self.adapt(request)

    def __repr__(self) -> str:
        return f"<service {getattr(self.adapt, '__qualname__', self.adapt)}>"


def _decorator(method: str, function: Any, options: dict[str, Any]) -> Any:  # noqa: ANN401
    def decorate(function: Adapt | FunctionService) -> FunctionService:
        if isinstance(function, FunctionService):
            methods = (*(m for m in function.methods if m != method), method)
            kept = {name: getattr(function, name) for name in _OPTIONS}
            return FunctionService(function.adapt, methods, **{**kept, **options})
        return FunctionService(function, (method,), **options)

    return decorate if function is None else decorate(function)


_OPTIONS = ("preview", "version", "on_error", "timeout")


@overload
def reqmod(function: Adapt, /) -> FunctionService: ...
@overload
def reqmod(
    *, preview: int = ..., version: str = ..., on_error: str = ..., timeout: float | None = ...
) -> Callable[[Adapt], FunctionService]: ...
def reqmod(function: Any = None, /, **options: Any) -> Any:
    """Make a function that takes a request the service for REQMOD.

    >>> @reqmod
    ... def no_trackers(request): ...
    >>> no_trackers.methods
    ('REQMOD',)

    Attributes of `zcadapt.interfaces.IICAPService` and
    `zcadapt.interfaces.IICAPServiceDetails` are given by name, where they are to be
    others than these:

    >>> no_trackers.preview, no_trackers.version
    (0, '')
    >>> no_trackers.on_error, no_trackers.timeout
    ('error', None)

    - ``preview``, an `int`: how many bytes of the body it wants to see before it decides
    - ``version``, a `str`: a part of what makes the ISTag
    - ``on_error``: what follows when it fails, ``'error'``, ``'skip'`` or ``'block'``
    - ``timeout``, a `float`: the seconds that an asynchronous answer may take, 30 with None

    With `respmod` on top the same function serves both methods, and keeps what was said
    below and is not said again:

    >>> @respmod
    ... @reqmod(preview=1024, on_error='skip')
    ... def both(request): ...
    >>> both.methods, both.preview
    (('REQMOD', 'RESPMOD'), 1024)
    """
    return _decorator("REQMOD", function, options)


@overload
def respmod(function: Adapt | FunctionService, /) -> FunctionService: ...
@overload
def respmod(
    *, preview: int = ..., version: str = ..., on_error: str = ..., timeout: float | None = ...
) -> Callable[[Adapt | FunctionService], FunctionService]: ...
def respmod(function: Any = None, /, **options: Any) -> Any:
    """Make a function that takes a request the service for RESPMOD.

    It is used as `reqmod` is, and may be given what that has made.
    """
    return _decorator("RESPMOD", function, options)


def blocking(function: Function) -> Function:
    """Run a service's ``adapt``, or a policy, in a thread: it may block.

    What is asked about is the same, but for the body of a request: in the
    thread its methods are plain ones, ``request.body.read()``, and it is
    iterated with a plain ``for``.

    Only so many run at once, see the setting ``threads``; the next one waits,
    and that counts to its time-out. One that waits for the client's bytes
    lets another run meanwhile. A thread cannot be stopped: one that goes on
    after its time-out keeps its place until it returns.
    """

    @wraps(function)
    async def in_thread(*args: Any) -> Any:  # noqa: ANN401 - as the function
        loop = asyncio.get_running_loop()
        *first, question = args
        if isinstance(question, Request):
            question = question.for_thread(loop)
        return await threads_of(loop).run(partial(function, *first, question))

    return in_thread  # type: ignore[return-value]  # a function that is awaited, as the server does
