"""The first signal asks the server to end; the second ends it, and so does time."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from zcadapt.runtime.signals import STOP, stop_signals


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request):
    new_loop = pytest.importorskip(request.param).new_event_loop

    def run(main):
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(main)

    return run


@pytest.mark.parametrize("number", STOP)
def test_a_signal_wakes_who_waits(run, number):
    async def main():
        with stop_signals(60) as stop:
            os.kill(os.getpid(), number)
            async with asyncio.timeout(10):
                await stop.asked.wait()
            return stop.reason, [signal.getsignal(each) for each in STOP]

    assert run(main()) == (number.name, [signal.SIG_DFL, signal.SIG_DFL])


def test_a_signal_wakes_a_loop_that_has_nothing_to_do(run):
    """It sleeps in the system, not between two steps of ours."""

    async def main():
        loop = asyncio.get_running_loop()
        with stop_signals(60) as stop:
            timer = loop.run_in_executor(None, os.kill, os.getpid(), signal.SIGTERM)
            async with asyncio.timeout(10):
                await stop.asked.wait()
            await timer

    run(main())


def test_without_a_signal_nobody_is_woken_and_all_is_as_before(run):
    async def main():
        before = [signal.getsignal(each) for each in (*STOP, signal.SIGHUP)]
        with stop_signals(60) as stop:
            assert not stop.asked.is_set()
        assert [signal.getsignal(each) for each in (*STOP, signal.SIGHUP)] == before

    run(main())


def test_sighup_wakes_nobody_and_is_told(run, caplog):
    async def main():
        with stop_signals(60) as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return stop.asked.is_set()

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # or it could end the test run
    try:
        assert run(main()) is False
    finally:
        signal.signal(signal.SIGHUP, before)
    assert caplog.messages == [
        "SIGHUP is ignored: settings are read at start: restart to take them up"
    ]


def test_an_alarm_that_somebody_has_set_is_as_before(run):
    async def main():
        with stop_signals(60) as stop:
            os.kill(os.getpid(), signal.SIGTERM)
            await stop.asked.wait()
            stop.allow(50)
            assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 50

    def theirs(number, frame):
        pytest.fail("it was not for them")

    before = signal.signal(signal.SIGALRM, theirs)
    timer = signal.setitimer(signal.ITIMER_REAL, 3000)
    try:
        run(main())
        assert signal.getsignal(signal.SIGALRM) is theirs
        assert 2000 < signal.getitimer(signal.ITIMER_REAL)[0] <= 3000
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("blocked", ["time.sleep(3600)", "threading.Event().wait()", "spin()"])
def test_who_does_not_notice_in_time_is_ended_with_a_line(tmp_path, loop, blocked):
    pytest.importorskip(loop)
    (tmp_path / "blocked.py").write_text(
        f"import asyncio, logging, os, signal, threading, time, {loop}\n"
        "from zcadapt.runtime.signals import stop_signals\n"
        "def spin():\n    while True: pass\n"
        "async def main():\n"
        "    with stop_signals(0.1):\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        f"        {blocked}\n"
        "logging.basicConfig()\n"
        f"asyncio.Runner(loop_factory={loop}.new_event_loop).run(main())\n"
    )
    command = [sys.executable, "blocked.py"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert "the server ends at once: it has had its time, and is still at " in done.stderr
    assert len(done.stderr.splitlines()) == 1
