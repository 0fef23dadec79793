"""The policy ``load``: it wants nothing while the server is busy, or drained."""

import asyncio
import gc
import inspect
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import until
from zcadapt_partition import Load
from zcadapt_partition.readings import load_per_cpu, pressure, pressure_file

from zcadapt import SettingsError
from zcadapt.testing import check_policy

URL = "http://example.com/"
BUSY = "ICP_OP_MISS_NOFETCH"
NOBODY_AWAITS = "it is a coroutine function, and nobody awaits it"
NO_FUNCTION = "busy: must be MODULE:NAME of a function, not"


class Application:
    """What a setting can name: whether it is busy, and what becomes of who asks that."""

    def __init__(self):
        self.is_busy = False
        self.asked = 0
        self.hangs = threading.Event()
        self.hangs.set()

    def __call__(self):
        self.asked += 1
        self.hangs.wait()
        if isinstance(self.is_busy, type):
            raise self.is_busy("no")
        return self.is_busy


@pytest.fixture
def application(monkeypatch):
    found = Application()
    monkeypatch.setattr(os, "an_application", found, raising=False)
    yield found
    found.hangs.set()


def said(policy):
    """Return what a policy answers, as the server waits for it."""
    answer = policy(URL)
    return asyncio.run(answer) if inspect.isawaitable(answer) else answer


def says(policy, answer):
    """Wait until a policy answers so."""
    until(lambda: said(policy) == answer, f"it says {answer}")


def look(policy):
    """Look now, as the threads of the policy do."""
    for each in policy._sampled:  # noqa: SLF001
        each.sample()


def test_it_keeps_the_promises_of_a_policy():
    check_policy(Load({}))
    check_policy(Load({"load_average": 0}))


def test_while_there_is_the_file_nothing_is_wanted(tmp_path):
    file = tmp_path / "drain"
    policy = Load({"drain_file": str(file), "interval": 0.05})
    assert said(policy) is None
    for _ in range(2):
        file.touch()
        says(policy, BUSY)
        file.unlink()
        says(policy, None)


@pytest.mark.usefixtures("impatient_threads")
def test_who_was_drained_before_it_began_wants_nothing_from_the_first_query_on(tmp_path):
    file = tmp_path / "drain"
    file.touch()
    answers = [said(Load({"drain_file": str(file), "interval": 60})) for _ in range(300)]
    assert answers == [BUSY] * 300


async def first_answers(policy, application):
    """Return the first two answers; the application gives its own when both were asked for."""
    application.hangs.clear()
    application.is_busy = True
    answers = asyncio.gather(policy(URL), policy(URL))
    application.hangs.set()  # who had waited here would not have come so far
    return await answers


def test_while_the_first_query_waits_for_the_first_look_others_have_their_turn(application):
    policy = Load({"busy": "os:an_application", "interval": 60})
    assert asyncio.run(first_answers(policy, application)) == [BUSY] * 2


def test_what_is_seen_while_the_first_query_is_looked_at_counts(application, tmp_path, monkeypatch):
    application.is_busy = True
    application.hangs.clear()
    options = {"busy": "os:an_application", "drain_file": str(tmp_path / "drain"), "interval": 60}
    policy = Load(options)
    start = threading.Thread.start

    def start_late(thread):
        start(thread)
        if "drain file" in thread.name:  # the second, when nothing is known of the first
            application.hangs.set()
            until(lambda: not any(each.begins for each in policy._sampled), "both looked")  # noqa: SLF001

    monkeypatch.setattr(threading.Thread, "start", start_late)
    assert said(policy) == BUSY


def test_the_switch_counts_at_once():
    policy = Load({})
    policy.draining = True
    assert said(policy) == BUSY
    policy.draining = False
    assert said(policy) is None


def test_while_the_application_says_so_nothing_is_wanted(application):
    policy = Load({"busy": "os:an_application", "interval": 0.05})
    application.is_busy = True
    says(policy, BUSY)
    application.is_busy = False
    says(policy, None)


@pytest.mark.parametrize(("most", "answer"), [(0, BUSY), (10_000, None)])
def test_the_load_average_is_compared(most, answer, monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (0.5, 0.0, 0.0))  # an idle machine has none
    policy = Load({"load_average": most})
    look(policy)
    assert said(policy) == answer


def test_the_load_average_is_for_each_cpu():
    assert load_per_cpu() * os.cpu_count() == pytest.approx(os.getloadavg()[0], abs=1)


def write_pressure(folder, resource, some):
    text = f"full avg10=99.00 avg60=0.00\nsome avg10={some} avg60=0.00 avg300=0.00 total=990\n"
    (folder / f"{resource}.pressure").write_text(text)


@pytest.mark.parametrize("resource", ["cpu", "memory", "io"])
def test_the_pressure_of_a_control_group_is_compared(tmp_path, resource):
    policy = Load({"pressure": {resource: 40, "cgroup": str(tmp_path)}})
    for some, answer in ("0.00", None), ("40.00", None), ("40.01", BUSY), ("39.9", None):
        write_pressure(tmp_path, resource, some)
        look(policy)
        assert said(policy) == answer


@pytest.mark.skipif(not os.path.exists("/proc/pressure/cpu"), reason="this kernel has no PSI")  # noqa: PTH110
@pytest.mark.parametrize("resource", ["cpu", "memory", "io"])
def test_the_pressure_of_this_machine_can_be_read(resource):
    assert 0 <= pressure(pressure_file(resource, "")) <= 100


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_a_file_that_tells_no_pressure_is_an_error_and_no_more(tmp_path_factory, content):
    file = tmp_path_factory.mktemp("pressure") / "cpu.pressure"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="no line that begins with"):
        pressure(file)


def test_what_cannot_be_seen_has_no_say_and_is_told_once(tmp_path, caplog):
    policy = Load({"pressure": {"io": 1, "cgroup": str(tmp_path)}})
    for _ in range(3):
        look(policy)
    assert said(policy) is None
    assert [each.levelname for each in caplog.records] == ["WARNING"]
    assert "the policy load: io pressure: FileNotFoundError" in caplog.text


@pytest.mark.parametrize("error", [RuntimeError, SystemExit, KeyboardInterrupt])
def test_an_application_that_fails_has_no_say_until_it_answers_again(application, error):
    policy = Load({"busy": "os:an_application", "interval": 0.05})
    application.is_busy = True
    says(policy, BUSY)
    application.is_busy = error
    says(policy, None)
    application.is_busy = True
    says(policy, BUSY)


class Asynchronous:
    async def __call__(self):
        return False

    def later(self):
        return self()


@pytest.mark.parametrize("busy", [Asynchronous(), Asynchronous().__call__, partial(asyncio.sleep)])
def test_what_would_have_to_be_awaited_is_refused(monkeypatch, busy):
    monkeypatch.setattr(os, "an_application", busy, raising=False)
    with pytest.raises(SettingsError, match=NOBODY_AWAITS):
        Load({"busy": "os:an_application"})


@pytest.mark.filterwarnings("error")  # and nobody is told that Python would like it awaited
def test_what_turns_out_to_need_awaiting_has_no_say_and_is_told_once(monkeypatch, caplog):
    monkeypatch.setattr(os, "an_application", Asynchronous().later, raising=False)
    policy = Load({"busy": "os:an_application"})
    for _ in range(3):
        look(policy)
    assert said(policy) is None
    gc.collect()
    error = "TypeError: what it returns would have to be awaited"
    told = [each.message for each in caplog.records]
    assert told == [f"the policy load: os:an_application: {error}; it has no say"]


def test_one_that_hangs_holds_up_nobody(application, tmp_path):
    application.hangs.clear()
    file = tmp_path / "drain"
    options = {"busy": "os:an_application", "drain_file": str(file), "interval": 0.05}
    policy = Load(options)
    assert said(policy) is None
    until(lambda: application.asked, "it hangs")
    file.touch()
    says(policy, BUSY)
    assert application.asked == 1


def test_what_it_said_last_before_it_hung_does_not_count_for_ever(application, caplog):
    policy = Load({"busy": "os:an_application", "interval": 0.05})
    application.is_busy = True
    says(policy, BUSY)
    application.hangs.clear()
    asked = application.asked
    says(policy, None)
    assert application.asked <= asked + 1
    assert caplog.text.count("it takes too long") == 1


def test_a_query_looks_at_nothing_itself(application):
    policy = Load({"busy": "os:an_application", "interval": 60})
    for _ in range(10_000):
        said(policy)
    until(lambda: application.asked, "it is asked in the background")
    assert application.asked == 1


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # what it warns of is the test
def test_a_child_looks_for_itself_before_it_answers(application):
    """A server may fork when its policies have been made, and even asked."""
    policy = Load({"busy": "os:an_application", "interval": 60})
    assert said(policy) is None
    if (child := os.fork()) == 0:
        code = 1
        try:
            answers = asyncio.run(first_answers(policy, application))
            code = 0 if answers == [BUSY] * 2 else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


def test_a_thread_that_cannot_start_is_told_once_and_tried_again(tmp_path, monkeypatch, caplog):
    (tmp_path / "drain").touch()
    policy = Load({"drain_file": str(tmp_path / "drain"), "interval": 60})

    def start(_):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        assert [said(policy) for _ in range(3)] == [None] * 3
    assert [each.message for each in caplog.records] == [
        "the policy load: drain file: RuntimeError: can't start new thread; it has no say"
    ]
    assert said(policy) == BUSY


def test_however_many_ask_first_one_thread_looks(application):
    policies = [Load({"busy": "os:an_application", "interval": 60}) for _ in range(20)]
    together = threading.Barrier(8)

    def ask(policy):
        together.wait()
        return said(policy)

    with ThreadPoolExecutor(8) as threads:
        for policy in policies:
            assert list(threads.map(ask, [policy] * 8)) == [None] * 8
    assert application.asked == len(policies)


def test_nobody_looks_when_it_is_gone(application):
    def threads():
        return [each for each in threading.enumerate() if "an_application" in each.name]

    until(lambda: not threads(), "those of other tests have ended")
    policy = Load({"busy": "os:an_application", "interval": 60})
    said(policy)
    until(lambda: application.asked, "somebody looks")
    assert len(threads()) == 1
    del policy
    until(lambda: gc.collect() is not None and not threads(), "nobody waits for the next look")


def test_a_change_is_told(tmp_path, caplog):
    policy = Load({"drain_file": str(tmp_path / "drain")})
    with caplog.at_level(logging.INFO):
        look(policy)
        (tmp_path / "drain").touch()
        look(policy)
        look(policy)
        (tmp_path / "drain").unlink()
        look(policy)
    assert [each.message for each in caplog.records] == [
        "the policy load: drain file: too much",
        "the policy load: drain file: fine again",
    ]


def test_without_options_it_has_no_opinion_and_says_so(caplog):
    with caplog.at_level(logging.INFO):
        policy = Load({})
        assert [said(policy) for _ in range(3)] == [None] * 3
    assert [each.message for each in caplog.records] == [
        "the policy load is not configured: nothing is to be looked at"
    ]


@pytest.mark.parametrize(
    ("options", "problems"),
    [
        (
            {"load_avrage": 1, "pressure": {"cpu": 101, "disk": 1}},
            [
                'load_avrage: no such setting. Did you mean "load_average"?',
                "pressure.cpu: must be a number from 0 to 100, not 101",
                "pressure.disk: no such setting; there are cgroup, cpu, io, memory",
            ],
        ),
        (
            {"busy": "no_module:x", "interval": 0},
            [
                f"{NO_FUNCTION} \"no_module:x\": ModuleNotFoundError: No module named 'no_module'",
                "interval: must be a number from 0.05 to 60, not 0",
            ],
        ),
        (
            {"busy": "os:name"},
            [f'{NO_FUNCTION} "os:name": it cannot be called'],
        ),
        (
            {"busy": "asyncio:sleep"},
            [f'{NO_FUNCTION} "asyncio:sleep": {NOBODY_AWAITS}'],
        ),
    ],
)
def test_everything_that_is_wrong_is_told_at_once(options, problems):
    with pytest.raises(SettingsError) as caught:
        Load(options)
    assert list(map(str, caught.value.problems)) == problems
