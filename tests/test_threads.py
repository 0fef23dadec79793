"""Blocking code has so many places, and who waits for a client takes none."""

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from concurrent.futures import CancelledError
from functools import partial

import pytest

from zcadapt.threads import Call, Threads, _Worker, busy, current_call, threads_of, use_threads

DEADLINE = 10.0


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request):
    new_loop = pytest.importorskip(request.param).new_event_loop

    def run(coroutine):
        problems = []
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.get_loop().set_exception_handler(lambda _, context: problems.append(context))
            result = runner.run(asyncio.wait_for(coroutine, DEADLINE))
        assert problems == []
        return result

    return run


class Work:
    """A function for a thread: it goes on to its end when it is told."""

    def __init__(self, threads):
        self.loop = asyncio.get_running_loop()
        self.began, self._go_on = asyncio.Event(), threading.Event()
        self.task = asyncio.ensure_future(threads.run(self))

    def __call__(self):
        self.ident = threading.get_ident()
        self.loop.call_soon_threadsafe(self.began.set)
        assert self._go_on.wait(DEADLINE)
        return self.ident

    def stop(self):
        self._go_on.set()

    async def end(self):
        self.stop()
        return await self.task


class Reading(Work):
    """A function that waits for a client first."""

    def __init__(self, threads):
        self.bytes = asyncio.get_running_loop().create_future()
        self.waits = asyncio.Event()
        super().__init__(threads)

    def __call__(self):
        lending = current_call().lend(self._wait())
        assert asyncio.run_coroutine_threadsafe(lending, self.loop).result(DEADLINE) == b"x"
        return super().__call__()

    async def _wait(self):
        self.waiting = asyncio.current_task()
        self.waits.set()
        return await self.bytes


def free(threads):
    """Return how many places are free, and how many threads may be had."""
    return threads._places, threads._threads


async def until(condition):
    """Wait for what other threads do."""
    while not condition():  # noqa: ASYNC110 - nothing in the loop tells
        await asyncio.sleep(0)


async def settled():
    """Let everything happen in the loop that can by now."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_what_a_function_returns_or_raises_is_what_awaiting_it_does(run):
    def fail():
        raise KeyError("x")

    async def main():
        threads = Threads()
        assert await threads.run(threading.get_ident) != threading.get_ident()
        with pytest.raises(KeyError, match="x"):
            await threads.run(fail)

    run(main())


@pytest.mark.parametrize("error", [StopIteration, SystemExit, asyncio.CancelledError])
def test_whatever_it_raises_somebody_is_told_and_the_place_is_free(run, error):
    def fail():
        raise error

    async def main():
        threads = Threads(1)
        told = RuntimeError if error is StopIteration else error
        with pytest.raises(told):
            await threads.run(fail)
        assert await threads.run(lambda: 1) == 1

    run(main())


def test_a_failure_is_let_go_when_it_has_been_dealt_with(run):
    class TroubleError(Exception):
        pass

    def fail():
        raise TroubleError

    async def main():
        try:
            await Threads().run(fail)
        except TroubleError as error:
            gone = weakref.ref(error)
        await Threads().run(lambda: 1)  # by the same thread
        return gone

    gc.disable()
    try:
        assert run(main())() is None
    finally:
        gc.enable()


# Places


def test_only_so_many_run_at_once_and_the_next_begins_when_one_returns(run):
    async def main():
        threads = Threads(2)
        works = [Work(threads) for _ in range(4)]
        for work in works[:2]:
            await work.began.wait()
        await settled()
        assert not works[2].began.is_set()
        await works[1].end()
        await works[2].began.wait()
        assert not works[3].began.is_set()
        for work in (works[0], works[2], works[3]):
            await work.end()

    run(main())


def test_who_gives_up_waiting_never_runs_and_is_told_how_long_it_waited(run):
    async def main():
        threads = Threads(1)
        first, second, third = (Work(threads) for _ in range(3))
        await first.began.wait()
        second.task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await second.task
        assert len(threads._new) == 1, "nothing is kept of it"
        (note,) = caught.value.__notes__
        assert note.startswith("It waited 0.")
        assert note.endswith(" s for one of 1 threads.")
        await first.end()
        await third.end()
        assert not second.began.is_set()

    run(main())


def test_who_no_longer_wants_to_go_on_leaves_the_place_to_others(run):
    async def main():
        threads = Threads(1)
        await threads.go_on()
        turn = asyncio.ensure_future(threads.go_on())
        await settled()
        threads.give(place=True, thread=False)
        turn.cancel()
        await asyncio.wait([turn])
        assert free(threads) == free(Threads(1))

    run(main())


@pytest.mark.parametrize("in_hand", [True, False])
def test_who_gives_up_just_when_its_turn_comes_leaves_the_place_to_others(run, in_hand):
    async def main():
        threads = Threads(1)
        await threads.go_on()
        second, third = Work(threads), Work(threads)
        await settled()
        give = partial(threads.give, place=True, thread=False)
        for step in (give, second.task.cancel)[:: 1 if in_hand else -1]:
            step()
        await third.began.wait()
        with pytest.raises(asyncio.CancelledError):
            await second.task
        await third.end()
        assert not second.began.is_set()
        assert free(threads) == free(Threads(1))

    run(main())


def test_a_thread_keeps_its_place_until_it_returns_whoever_has_given_it_up(run):
    async def main():
        threads = Threads(1)
        late, after = Work(threads), Work(threads)
        await late.began.wait()
        late.task.cancel()
        await asyncio.wait([late.task])
        await settled()
        assert not after.began.is_set()
        late.stop()
        await after.end()

    run(main())


def test_a_thread_that_the_system_refuses_is_a_failure_and_takes_no_place(run):
    async def main():
        threads = Threads(1)
        works = [Work(Threads()) for _ in range(threading.active_count())]
        for work in works:  # so that no thread is left without work
            await work.began.wait()
        before = threading.stack_size(1 << 46)
        try:
            with pytest.raises(RuntimeError, match="start new thread"):
                await threads.run(lambda: 1)
        finally:
            threading.stack_size(before)
        assert free(threads) == free(Threads(1))
        for work in works:
            await work.end()

    run(main())


# Waiting for clients


def test_who_waits_for_a_client_takes_no_place(run):
    async def main():
        threads = Threads(1, 3)
        readers = [Reading(threads) for _ in range(3)]
        for reader in readers:
            await reader.waits.wait()
        other = Work(threads)
        await other.began.wait()
        readers[0].bytes.set_result(b"x")
        await settled()
        assert not readers[0].began.is_set(), "it goes on when it has a place again"
        await other.end()
        await readers[0].began.wait()
        readers[1].bytes.set_result(b"x")
        readers[2].bytes.set_result(b"x")
        await settled()
        assert not readers[1].began.is_set()
        for reader in readers:
            await reader.end()
        assert free(threads) == (1, 4)

    run(main())


def test_who_has_begun_goes_on_before_others_begin(run):
    async def main():
        threads = Threads(1, 2)
        readers = [Reading(threads), Reading(threads)]
        for reader in readers:
            await reader.waits.wait()
        first, second = Work(threads), Work(threads)
        await first.began.wait()
        for reader in readers:
            reader.bytes.set_result(b"x")
        await settled()
        await first.end()
        for reader in readers:
            await reader.began.wait()
            assert not second.began.is_set()
            await reader.end()
        await second.end()

    run(main())


def test_while_no_thread_is_left_no_call_begins_and_those_that_have_begun_go_on(run):
    async def main():
        threads = Threads(2, 1)
        readers = [Reading(threads) for _ in range(3)]
        for reader in readers:
            await reader.waits.wait()
        another = Work(threads)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await another.began.wait()
        readers[0].bytes.set_result(b"x")
        await readers[0].began.wait()
        assert not another.began.is_set()
        await readers[0].end()
        await another.began.wait()
        await another.end()
        for reader in readers[1:]:
            reader.bytes.set_result(b"x")
            await reader.end()
        assert free(threads) == (2, 3)

    run(main())


def test_who_waits_for_a_client_that_is_lost_goes_on_when_it_has_a_place(run):
    async def main():
        threads = Threads(1, 1)
        reader = Reading(threads)
        await reader.waits.wait()
        other = Work(threads)
        await other.began.wait()
        ended = []
        reader.task.add_done_callback(lambda _: ended.append(other.task.done()))
        reader.bytes.set_exception(ConnectionError())
        await settled()
        await other.end()
        with pytest.raises(ConnectionError):
            await reader.task
        assert ended == [True]
        assert free(threads) == (1, 2)

    run(main())


def test_who_waits_for_a_client_no_longer_has_no_place_to_give_back(run):
    async def main():
        threads = Threads(1, 1)
        reader = Reading(threads)
        await reader.waits.wait()
        reader.waiting.cancel()
        with pytest.raises(CancelledError):
            await reader.task
        assert free(threads) == (1, 2)
        works = [Work(threads), Work(threads)]
        await works[0].began.wait()
        await settled()
        assert not works[1].began.is_set()
        for work in works:
            await work.end()

    run(main())


def test_a_loop_that_ends_waits_for_no_place(run):
    threads, told = Threads(1, 1), threading.Event()

    def read(loop, never):
        lending = asyncio.run_coroutine_threadsafe(current_call().lend(never), loop)
        with pytest.raises(CancelledError):
            lending.result(DEADLINE)
        told.set()

    async def main():
        loop = asyncio.get_running_loop()
        never = loop.create_future()
        reading = asyncio.ensure_future(threads.run(partial(read, loop, never)))
        hanging = Work(threads)  # it gets its place when the other waits
        await hanging.began.wait()
        return reading, hanging

    _, hanging = run(main())
    assert told.wait(DEADLINE)
    hanging.stop()


# Loops


def test_each_loop_has_its_own_places(run):
    async def main():
        loop = asyncio.get_running_loop()
        assert threads_of(loop) is threads_of(loop)
        mine = Threads(1)
        use_threads(loop, mine)
        return threads_of(loop) is mine

    assert run(main())
    assert run(main())


def test_a_loop_that_is_over_is_not_kept(run):
    async def main():
        use_threads(asyncio.get_running_loop(), threads := Threads(1))
        works = [Work(threads), Work(threads)]
        for work in works:
            await work.end()
        return weakref.ref(asyncio.get_running_loop())

    async def next_ones():
        works = [Work(Threads()) for _ in range(threading.active_count())]
        for work in works:
            await work.end()

    gone = run(main())
    run(next_ones())  # in the same threads
    gc.collect()
    assert gone() is None


def test_a_thread_goes_from_one_call_and_loop_to_the_next(run):
    async def main():
        return {await threads_of(asyncio.get_running_loop()).run(threading.get_ident)}

    assert len(run(main()) | run(main())) == 1


def test_a_thread_that_returns_when_its_loop_is_gone_goes_on_to_others(run):
    async def leave():
        late = Work(threads_of(asyncio.get_running_loop()))
        await late.began.wait()
        return late

    async def next_ones():
        await until(lambda: not busy())
        works = [Work(Threads()) for _ in range(threading.active_count())]
        return [await work.end() for work in works]

    late = run(leave())
    assert busy()
    late.stop()
    assert late.ident in run(next_ones())


def test_a_thread_without_work_ends(run, monkeypatch):
    monkeypatch.setattr("zcadapt.threads.KEPT", 0.01)

    async def main():
        before = set(threading.enumerate())
        works = [Work(Threads()) for _ in range(threading.active_count())]
        for work in works:
            await work.began.wait()
        begun = set(threading.enumerate()) - before
        for work in works:
            await work.end()
        return begun

    begun = run(main())
    assert begun
    for thread in begun:
        thread.join(DEADLINE)
        assert not thread.is_alive()


def test_a_thread_that_is_given_work_just_as_it_ends_does_it(run, monkeypatch):
    monkeypatch.setattr("zcadapt.threads.KEPT", 0.01)

    async def main():
        worker = _Worker()
        worker.start()
        worker.join(0.1)  # its time is over, and somebody has chosen it
        call = Call(Threads(), lambda: 1, asyncio.get_running_loop())
        worker.calls.put(call)
        assert await call.outcome == (1, None)

    run(main())


def test_a_thread_without_work_keeps_nothing_of_the_last(run):
    async def main():
        work = Work(Threads())
        await work.end()
        gone = weakref.ref(work)
        del work
        await until(lambda: gone() is None)

    gc.disable()
    try:
        run(main())
    finally:
        gc.enable()


def process(code):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.split()


FORK = """
import asyncio, os, threading
from zcadapt.threads import Threads

def ask():
    print(asyncio.run(Threads().run(lambda: "asked")), flush=True)

ask()
if os.fork() == 0:
    ask()
    os._exit(0)
os.wait()
"""


def test_a_forked_process_has_threads_of_its_own():
    assert process(FORK) == ["asked", "asked"]


HANG = """
import threading
from zcadapt import blocking, reqmod
from zcadapt.testing import decide_now, reqmod_request

@reqmod(timeout=0.05)
@blocking
def hang(request):
    threading.Event().wait()

try:
    decide_now(hang, reqmod_request("http://a/"))
except TimeoutError:
    print("late")
"""


def test_a_thread_that_hangs_keeps_no_program_from_ending():
    assert process(HANG) == ["late"]
