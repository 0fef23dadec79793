"""What may happen when is a table, and all of it makes sense."""

import itertools

import pytest

from zcadapt.icap.connection import Connection
from zcadapt.icap.errors import LocalProtocolError
from zcadapt.icap.limits import Limits
from zcadapt.icap.sides import ANSWER_SIDE, REQUEST_SIDE, AnswerSide, RequestSide, Step


@pytest.mark.parametrize(("side", "step"), list(itertools.product(RequestSide, Step)))
def test_every_step_of_a_request_is_in_the_table_or_refused(side, step):
    conn = Connection(Limits())
    conn.request_side = side
    if step in REQUEST_SIDE[side]:
        conn._step(step)
        assert conn.request_side is REQUEST_SIDE[side][step]
    else:
        with pytest.raises(LocalProtocolError, match=step.name):
            conn._step(step)
        assert conn.request_side is side


@pytest.mark.parametrize(("side", "step"), list(itertools.product(AnswerSide, Step)))
def test_every_step_of_an_answer_is_in_the_table_or_refused(side, step):
    conn = Connection(Limits())
    conn.answer_side = side
    if step in ANSWER_SIDE[side]:
        conn._answer_step(step)
        assert conn.answer_side is ANSWER_SIDE[side][step]
    else:
        with pytest.raises(LocalProtocolError, match=step.name):
            conn._answer_step(step)
        assert conn.answer_side is side


@pytest.mark.parametrize(
    ("table", "sides", "start", "end", "apart"),
    [
        (REQUEST_SIDE, RequestSide, RequestSide.IDLE, RequestSide.DONE, {RequestSide.FAILED}),
        (ANSWER_SIDE, AnswerSide, AnswerSide.WAITING, AnswerSide.SENT, set()),
    ],
)
def test_every_side_is_reached_and_leads_to_the_end(table, sides, start, end, apart):
    assert set(table) == set(sides)

    def reached(side):
        seen, new = set(), [side]
        while new:
            seen.add(here := new.pop())
            new += [there for there in table[here].values() if there not in seen]
        return seen

    assert reached(start) == set(sides) - apart
    for side in set(sides) - apart:
        assert end in reached(side)
    assert all(table[side] == {} for side in {end, *apart})


def test_every_step_is_somewhere():
    used = {
        step for table in (REQUEST_SIDE, ANSWER_SIDE) for steps in table.values() for step in steps
    }
    assert used == set(Step)


def test_only_a_client_that_waits_is_told_to_continue():
    assert [side for side in REQUEST_SIDE if Step.CONTINUE in REQUEST_SIDE[side]] == [
        RequestSide.PAUSED
    ]
    assert [side for side in ANSWER_SIDE if Step.CONTINUE in ANSWER_SIDE[side]] == [
        AnswerSide.WAITING
    ]
