"""Threads for code that may block, or hang, or wait for a client.

So many calls run at once, and nobody's slow client takes a place from them: a
call that waits for one lends its place to the next. Who waits for a place
waits in the event loop, without a thread, and whoever asked can give it up.
"""

import asyncio
import os
import threading
from asyncio import AbstractEventLoop, Future
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

__all__ = ["Call", "Threads", "busy", "current_call", "threads_of", "use_threads"]

T = TypeVar("T")

#: What may run, and wait, where nobody says otherwise; see the table ``[server]``.
RUNNING: Final = 32
WAITING: Final = 512

#: Seconds that a thread without work is kept.
KEPT: Final = 10.0

Outcome = tuple[Any, BaseException | None]


class Threads:
    """Threads, and places to run in, for the calls of one event loop.

    Args:
        running: how many calls may run at once: so many places there are.
        waiting: how many more threads there may be, for calls that wait for
            a client. While none is left no call begins.
    """

    def __init__(self, running: int = RUNNING, waiting: int = WAITING) -> None:
        self._running: Final = running
        self._places = running  # that are free
        self._most: Final = running + waiting
        self._threads = self._most  # as above
        self._begun: deque[Future[None]] = deque()  # calls that have a thread and want a place
        self._new: deque[Future[None]] = deque()  # calls that want both

    async def run(self, function: Callable[[], T]) -> T:
        """Return what `function` returns in a thread.

        A thread cannot be stopped: if this is cancelled, `function` keeps its
        thread and its place until it returns.

        Raises:
            BaseException: what `function` raises.
            RuntimeError: the system has no thread left.
        """
        loop = asyncio.get_running_loop()
        since = loop.time()
        try:
            await self._take(self._new)
        except asyncio.CancelledError as error:
            waited = loop.time() - since
            error.add_note(f"It waited {waited:.1f} s for one of {self._running} threads.")
            raise
        call = Call(self, function, loop)
        try:
            _start(call)
        except RuntimeError:
            self.give(place=True, thread=True)
            raise
        result, failure = await call.outcome
        if failure is None:
            return result  # type: ignore[no-any-return]
        try:
            raise failure
        finally:
            del call, failure  # its traceback holds this frame

    @property
    def in_use(self) -> int:
        """How many calls have a thread: those that have not come back yet."""
        return self._most - self._threads

    async def go_on(self) -> None:
        """Take a place for a call that has a thread."""
        await self._take(self._begun)

    def give(self, *, place: bool, thread: bool) -> None:
        """Take back what a call had."""
        self._places += place
        self._threads += thread
        self._hand_out()

    async def _take(self, queue: deque[Future[None]]) -> None:
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        self._hand_out()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give(place=True, thread=queue is self._new)
            elif turn in queue:
                queue.remove(turn)
            raise

    def _hand_out(self) -> None:
        """Give what is free to who has waited longest, those first who have begun."""
        while self._places and (self._begun or (self._new and self._threads)):
            is_new = not self._begun
            turn = (self._begun or self._new).popleft()
            if not turn.done():
                self._places -= 1
                self._threads -= is_new
                turn.set_result(None)


class Call:
    """One call of a function in a thread.

    Attributes:
        function: what is called.
        outcome: what came of it, when that is told.
    """

    __slots__ = ("_has_place", "_loop", "_threads", "function", "outcome")

    def __init__(
        self, threads: Threads, function: Callable[[], object], loop: AbstractEventLoop
    ) -> None:
        self._threads = threads
        self._loop = loop
        self._has_place = True
        self.function = function
        self.outcome: Future[Outcome] = loop.create_future()

    async def lend(self, awaitable: Awaitable[T]) -> T:
        """Await what depends on a client, while another call has this one's place.

        The thread waits for this, and goes on when it has a place again.
        """
        if not self._has_place:
            return await awaitable
        self._has_place = False
        self._threads.give(place=True, thread=False)
        try:
            result = await awaitable
        except Exception:  # not if it is cancelled: the loop ends, and waits for no place
            await self._go_on()
            raise
        await self._go_on()
        return result

    async def _go_on(self) -> None:
        await self._threads.go_on()
        self._has_place = True

    def tell(self, outcome: Outcome) -> None:
        """Tell the loop, from whatever thread, what came of it."""
        with suppress(RuntimeError):  # the loop is gone, and all who waited in it
            self._loop.call_soon_threadsafe(self._end, outcome)

    def _end(self, outcome: Outcome) -> None:
        self._threads.give(place=self._has_place, thread=True)
        if not self.outcome.done():
            self.outcome.set_result(outcome)


_of: WeakKeyDictionary[AbstractEventLoop, Threads] = WeakKeyDictionary()


def threads_of(loop: AbstractEventLoop) -> Threads:
    """Return the threads for what runs in `loop`."""
    threads = _of.get(loop)
    if threads is None:
        threads = _of[loop] = Threads()
    return threads


def use_threads(loop: AbstractEventLoop, threads: Threads) -> None:
    """Let `threads` be those for what runs in `loop`."""
    _of[loop] = threads


class _Worker(threading.Thread):
    """A thread that does one call after the other, for whatever loop.

    It is a daemon: nobody waits for it in the end.
    """

    def __init__(self) -> None:
        super().__init__(name="zcadapt-blocking", daemon=True)
        self.calls: SimpleQueue[Call] = SimpleQueue()
        self.call: Call | None = None

    def run(self) -> None:
        while (call := self._next()) is not None:
            self.call = call
            outcome = _outcome(call.function)
            self.call = None
            _idle.append(self)  # first, so that who is told finds it
            call.tell(outcome)
            del call, outcome  # it may be a while until the next

    def _next(self) -> Call | None:
        try:
            return self.calls.get(timeout=KEPT)
        except Empty:
            try:
                _idle.remove(self)
            except ValueError:  # somebody has taken it at the last moment
                return self.calls.get()
            return None


#: Threads without work, the latest last. Each operation on the list is atomic.
_idle: list[_Worker] = []
os.register_at_fork(after_in_child=_idle.clear)  # a child has none of them


def _outcome(function: Callable[[], object]) -> Outcome:
    """Call `function`; a traceback holds this frame, and so it knows nothing else."""
    try:
        return function(), None
    except BaseException as error:  # noqa: BLE001 - for who awaits it
        return None, error


def _start(call: Call) -> None:
    """Begin a call in a thread.

    Raises:
        RuntimeError: the system has no thread left.
    """
    try:
        worker = _idle.pop()
    except IndexError:
        worker = _Worker()
        worker.start()
    worker.calls.put(call)


def current_call() -> Call | None:
    """Return the call that runs in this thread, if any."""
    thread = threading.current_thread()
    return thread.call if isinstance(thread, _Worker) else None


def busy() -> bool:
    """Whether any call, of whatever loop, has not come back yet."""
    threads = threading.enumerate()
    return any(isinstance(each, _Worker) and each not in _idle for each in threads)
