"""The first answer that is not None wins; a failure is answered as the utility's setting says."""

import asyncio
import contextlib

import pytest

from zcadapt.rule import Candidate, consult, go_on

ANSWERS = ("yes", "no", "failed")


class Asked:
    """Utilities that say what they are told to, and remember who was asked."""

    def __init__(self):
        self.names = []
        self.failures = []

    def candidate(self, name, says, *, instead=None, timeout=5.0):
        def ask(question):
            self.names.append(name)
            if isinstance(says, BaseException):
                raise says
            return says(question) if callable(says) else says

        def on_failure(candidate, question, error):
            self.failures.append((candidate.name, question, type(error)))
            return instead

        return Candidate(
            name, says, ask, valid=ANSWERS.__contains__, on_failure=on_failure, timeout=timeout
        )


@pytest.fixture
def asked():
    return Asked()


async def answered(candidates, question="?"):
    """Ask as a server does: in place first, then go on with what is pending."""
    left = iter(candidates)
    won = consult(left, question)
    return await go_on(left, question, won)


@pytest.fixture
def ask(new_loop):
    def ask(*candidates):
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(answered(candidates))

    return ask


@pytest.fixture(params=["asyncio", "uvloop"])
def new_loop(request):
    return pytest.importorskip(request.param).new_event_loop


def later(answer):
    async def adapt(question):
        await asyncio.sleep(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return adapt


async def never(question):
    await asyncio.Event().wait()


# in place


def test_nobody_to_ask_is_no_answer():
    assert consult(iter([]), "?") is None


def test_the_first_answer_wins_and_nobody_else_is_asked(asked):
    won = consult(
        iter([asked.candidate("a", None), asked.candidate("b", "yes"), asked.candidate("c", "no")]),
        "?",
    )
    assert (won.candidate.name, won.answer) == ("b", "yes")
    assert asked.names == ["a", "b"]


def test_no_opinion_of_anybody_is_no_answer(asked):
    assert consult(iter([asked.candidate("a", None), asked.candidate("b", None)]), "?") is None
    assert asked.names == ["a", "b"]


def test_everybody_is_asked_the_same_question(asked):
    questions = []
    consult(iter([asked.candidate(name, questions.append) for name in "ab"]), "what?")
    assert questions == ["what?", "what?"]


@pytest.mark.parametrize("nonsense", ["maybe", "", 0, False, 7, ("yes",)])
def test_nonsense_is_a_failure(asked, nonsense):
    candidate = asked.candidate("a", nonsense, instead="failed")
    won = consult(iter([candidate]), "?")
    assert won.answer == "failed"
    assert candidate.failures == 1
    assert [(name, question) for name, question, _ in asked.failures] == [("a", "?")]


def test_an_answer_that_cannot_even_be_compared_is_a_failure(asked):
    class Spiteful:
        def __eq__(self, other):
            raise RuntimeError

        __hash__ = None

    won = consult(iter([asked.candidate("a", Spiteful(), instead="failed")]), "?")
    assert won.answer == "failed"


def test_a_failure_is_answered_as_its_setting_says(asked):
    broken = asked.candidate("a", RuntimeError("oops"), instead="failed")
    won = consult(iter([broken, asked.candidate("b", "yes")]), "?")
    assert (won.candidate.name, won.answer) == ("a", "failed")
    assert asked.failures == [("a", "?", RuntimeError)]
    assert asked.names == ["a"]


def test_a_failure_that_is_skipped_lets_the_next_one_answer(asked):
    broken = asked.candidate("a", RuntimeError("oops"), instead=None)
    won = consult(iter([broken, asked.candidate("b", "yes")]), "?")
    assert (won.candidate.name, won.answer) == ("b", "yes")
    assert broken.failures == 1


def test_failures_are_counted_for_each_utility(asked):
    broken, sound = asked.candidate("a", ValueError()), asked.candidate("b", "yes")
    for _ in range(3):
        consult(iter([broken, sound]), "?")
    assert (broken.failures, sound.failures) == (3, 0)


def test_what_is_to_end_the_process_does(asked):
    with pytest.raises(KeyboardInterrupt):
        consult(iter([asked.candidate("a", KeyboardInterrupt())]), "?")


@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError, BaseException])
def test_what_would_end_a_program_is_a_failure_like_any_other(asked, error):
    won = consult(iter([asked.candidate("a", error()), asked.candidate("b", "yes")]), "?")
    assert won.candidate.name == "b"


def test_an_awaitable_is_handed_out_and_those_behind_it_are_not_asked_yet(asked):
    won = consult(iter([asked.candidate("a", later("yes")), asked.candidate("b", "no")]), "?")
    assert won.pending
    assert asked.names == ["a"]
    won.answer.close()


def test_an_answer_that_is_there_is_not_pending(asked):
    assert not consult(iter([asked.candidate("a", "yes")]), "?").pending


# going on


def test_an_awaited_answer_wins(asked, ask):
    won = ask(asked.candidate("a", later("yes")), asked.candidate("b", "no"))
    assert (won.candidate.name, won.answer, won.pending) == ("a", "yes", False)
    assert asked.names == ["a"]


def test_going_on_asks_those_who_were_not_asked_yet(asked, ask):
    won = ask(
        asked.candidate("a", None),
        asked.candidate("b", later(None)),
        asked.candidate("c", None),
        asked.candidate("d", later(None)),
        asked.candidate("e", "yes"),
    )
    assert won.candidate.name == "e"
    assert asked.names == ["a", "b", "c", "d", "e"]


def test_no_awaited_opinion_is_no_answer(asked, ask):
    assert ask(asked.candidate("a", later(None)), asked.candidate("b", later(None))) is None
    assert asked.names == ["a", "b"]


def test_what_was_answered_in_place_is_not_awaited(asked, ask):
    assert ask(asked.candidate("a", "yes")).answer == "yes"
    assert ask() is None


def test_an_awaited_failure_is_answered_as_its_setting_says(asked, ask):
    won = ask(
        asked.candidate("a", later(OSError("gone")), instead="failed"), asked.candidate("b", "yes")
    )
    assert (won.candidate.name, won.answer) == ("a", "failed")
    assert asked.failures == [("a", "?", OSError)]


def test_an_awaited_failure_that_is_skipped_lets_the_next_one_answer(asked, ask):
    won = ask(asked.candidate("a", later(OSError("gone"))), asked.candidate("b", later("yes")))
    assert won.candidate.name == "b"


def test_awaited_nonsense_is_a_failure(asked, ask):
    candidate = asked.candidate("a", later("maybe"), instead="failed")
    assert ask(candidate).answer == "failed"
    assert candidate.failures == 1


def test_an_answer_that_does_not_come_in_time_is_a_failure(asked, ask):
    won = ask(asked.candidate("a", never, instead="failed", timeout=0.01))
    assert won.answer == "failed"
    assert asked.failures == [("a", "?", TimeoutError)]


def test_a_late_answer_that_is_skipped_lets_the_next_one_answer(asked, ask):
    won = ask(asked.candidate("a", never, timeout=0.01), asked.candidate("b", "yes"))
    assert won.candidate.name == "b"


def test_a_late_utility_is_cancelled(asked, ask):
    ended = []

    async def tidy(question):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(question)

    ask(asked.candidate("a", tidy, timeout=0.01))
    assert ended == ["?"]


def test_without_a_timeout_an_answer_may_take_its_time(asked, ask):
    assert ask(asked.candidate("a", later("yes"), timeout=None)).answer == "yes"


def test_who_gives_up_asking_is_not_a_failure_of_who_is_asked(asked, new_loop):
    is_asked = asyncio.Event()

    async def ask_in_vain(question):
        is_asked.set()
        await never(question)

    candidate = asked.candidate("a", ask_in_vain, instead="failed")

    async def give_up():
        task = asyncio.create_task(answered([candidate]))
        await is_asked.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return task.cancelled()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(give_up())
    assert candidate.failures == 0


def test_a_candidate_shows_its_name(asked):
    assert repr(asked.candidate("10-lists", None)) == "<Candidate '10-lists'>"
