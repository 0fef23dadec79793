"""Hooks are called one by one in the order of the plugins' names, and a failing one is named."""

import asyncio
import inspect
import logging
from types import SimpleNamespace

import pytest

from zcadapt import hooks as hooks_module
from zcadapt.hooks import HOOKS, Failure, Hooks, hookimpl


class Plugin:
    """Remembers that it was called, and fails when it is told to."""

    def __init__(self, name, calls, error=None):
        self.name = name
        self.calls = calls
        self.error = error

    @hookimpl
    def zcadapt_configure(self, settings):
        self.calls.append((self.name, settings))
        if self.error:
            raise self.error


class Starting:
    """Takes part in the life of the server, as a coroutine or not."""

    def __init__(self, name, calls, error=None):
        self.name = name
        self.calls = calls
        self.error = error

    @hookimpl
    async def zcadapt_startup(self, addresses):
        await asyncio.sleep(0)
        self.calls.append((self.name, addresses))
        if self.error:
            raise self.error

    @hookimpl
    def zcadapt_shutdown(self):
        self.calls.append(self.name)


class Watching:
    """Sees decisions."""

    def __init__(self):
        self.seen = []

    @hookimpl
    def zcadapt_decision(self, protocol, name, answer):
        self.seen.append((protocol, name, answer))
        if answer == "bad":
            raise RuntimeError("no")


@pytest.fixture
def hooks():
    return Hooks()


@pytest.fixture
def calls():
    return []


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request):
    new_loop = pytest.importorskip(request.param).new_event_loop

    def run(main):
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(main)

    return run


def added(hooks, kind, names, calls, **errors):
    for name in names:
        hooks.add(name, kind(name, calls, errors.get(name)))


# taking plugins in


def test_plugins_are_in_the_order_of_their_names(hooks, calls):
    added(hooks, Plugin, ["b", "10", "a"], calls)
    assert hooks.plugins == ["10", "a", "b"]


def test_a_module_can_be_a_plugin(hooks, calls):
    @hookimpl
    def zcadapt_configure(settings):
        calls.append(settings)

    hooks.add("module", SimpleNamespace(zcadapt_configure=zcadapt_configure))
    hooks.call("zcadapt_configure", settings="given")
    assert calls == ["given"]


class Unmarked:
    def zcadapt_configure(self, settings):
        pass


class Misspelt:
    @hookimpl
    def zcadapt_configur(self, settings):
        pass


class Demanding:
    @hookimpl
    def zcadapt_configure(self, settings, weather):
        pass


class Wrapping:
    @hookimpl(wrapper=True)
    def zcadapt_configure(self, settings):
        yield


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Unmarked, "no hooks"),
        (Misspelt, 'no such hook: zcadapt_configur. Did you mean "zcadapt_configure"'),
        (Demanding, "weather"),
        (Wrapping, "wrapper"),
    ],
)
def test_what_cannot_be_called_is_refused_and_left_out(hooks, calls, kind, reason):
    with pytest.raises(ValueError, match=reason):
        hooks.add("broken", kind())
    added(hooks, Plugin, ["sound"], calls)
    assert hooks.call("zcadapt_configure", settings=1) == []
    assert hooks.plugins == ["sound"]


def test_a_name_is_taken_once(hooks, calls):
    added(hooks, Plugin, ["a"], calls)
    with pytest.raises(ValueError, match="already registered"):
        added(hooks, Plugin, ["a"], calls)
    assert hooks.plugins == ["a"]


# calling them


def test_nobody_to_call_is_no_failure(hooks):
    assert hooks.call("zcadapt_configure", settings=1) == []


def test_hooks_are_called_in_the_order_of_the_names(hooks, calls):
    added(hooks, Plugin, ["b", "c", "a"], calls)
    hooks.call("zcadapt_configure", settings=1)
    assert calls == [("a", 1), ("b", 1), ("c", 1)]


@pytest.mark.parametrize("error", [RuntimeError("oops"), ValueError("depth: must be 1")])
def test_one_that_fails_is_named_and_leaves_the_others_in_place(hooks, calls, error):
    added(hooks, Plugin, ["a", "b", "c"], calls, b=error)
    assert hooks.call("zcadapt_configure", settings=1) == [Failure("b", "zcadapt_configure", error)]
    assert [name for name, _ in calls] == ["a", "b", "c"]


def test_a_failure_tells_what_happened():
    failure = Failure("audit", "zcadapt_configure", RuntimeError("oops"))
    assert str(failure) == "zcadapt_configure failed: RuntimeError: oops"


def test_a_hook_takes_only_the_arguments_it_wants(hooks, calls):
    class Curt:
        @hookimpl
        def zcadapt_configure(self):
            calls.append("called")

    hooks.add("curt", Curt())
    hooks.call("zcadapt_configure", settings=1)
    assert calls == ["called"]


def test_coroutines_are_awaited_one_after_the_other(hooks, calls, run):
    added(hooks, Starting, ["b", "a"], calls)
    run(hooks.call_async("zcadapt_startup", addresses=1, registry=None, settings=None))
    assert calls == [("a", 1), ("b", 1)]


def test_what_is_ended_is_ended_backwards(hooks, calls, run):
    added(hooks, Starting, ["b", "a", "c"], calls)
    run(hooks.call_async("zcadapt_shutdown", backwards=True, registry=None, settings=None))
    assert calls == ["c", "b", "a"]


def test_a_coroutine_that_fails_is_logged_and_leaves_the_others_in_place(hooks, calls, run, caplog):
    added(hooks, Starting, ["a", "b"], calls, a=OSError("no clamd"))
    run(hooks.call_async("zcadapt_startup", addresses=1, registry=None, settings=None))
    assert [name for name, _ in calls] == ["a", "b"]
    assert "plugin a: zcadapt_startup failed" in caplog.text
    assert "no clamd" in caplog.text


def test_without_a_plugin_that_watches_nobody_is_told_of_decisions(hooks, calls):
    added(hooks, Plugin, ["a"], calls)
    assert hooks.observer() is None


def test_who_watches_is_told_of_each_decision(hooks):
    watching = Watching()
    hooks.add("watching", watching)
    observe = hooks.observer()
    observe("icp", "foo", "query", "ICP_OP_HIT")
    observe("icap", None, "request", None)
    assert watching.seen == [("icp", "foo", "ICP_OP_HIT"), ("icap", None, None)]


def test_who_fails_to_watch_is_logged_and_told_of_the_next(hooks, caplog):
    watching = Watching()
    hooks.add("watching", watching)
    observe = hooks.observer()
    with caplog.at_level(logging.ERROR):
        observe("icap", "x", "request", "bad")
    observe("icap", "x", "request", "good")
    assert "plugin watching: zcadapt_decision failed" in caplog.text
    assert len(watching.seen) == 2


# the reference


def test_the_hooks_are_those_of_the_design():
    assert HOOKS == (
        "zcadapt_configure",
        "zcadapt_register",
        "zcadapt_startup",
        "zcadapt_shutdown",
        "zcadapt_decision",
        "zcadapt_commands",
    )


@pytest.mark.parametrize("name", HOOKS)
def test_each_hook_says_when_it_is_called_and_what_follows_a_failure(name):
    text = inspect.getdoc(getattr(hooks_module, name))
    assert "Called" in text
    assert "exception" in text
