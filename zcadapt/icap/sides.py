"""What may happen when, as data: one table for the request that is read, one for its answer.

`zcadapt.icap.connection` walks them. When both are at their ends, DONE and
SENT, it begins anew with the next request.
"""

from enum import Enum, auto
from typing import Final

__all__ = ["ANSWER_SIDE", "MID_BODY", "REQUEST_SIDE", "AnswerSide", "RequestSide", "Step"]


class _Quick(Enum):
    """Members hash by identity, in C: the tables are walked for every request."""

    __hash__ = object.__hash__


class RequestSide(_Quick):
    """How far the request has been read."""

    IDLE = auto()
    PREVIEW = auto()
    PAUSED = auto()
    BODY = auto()
    DONE = auto()
    FAILED = auto()


#: Where it is the client's turn.
MID_BODY: Final = frozenset({RequestSide.PREVIEW, RequestSide.BODY})


class AnswerSide(_Quick):
    """How far the answer has been sent."""

    WAITING = auto()
    STREAMING = auto()
    SENT = auto()


class Step(_Quick):
    """What moves the sides on."""

    HEAD_ONLY = auto()  # a head without a body
    HEAD_PREVIEW = auto()  # a head, a preview follows
    HEAD_BODY = auto()  # a head, the whole body follows
    PREVIEW_END = auto()  # the last chunk of a preview, without ieof
    BODY_END = auto()  # the last chunk of the body
    CONTINUE = auto()  # 100 Continue
    ANSWERED = auto()  # a final answer has begun
    ANSWER_WHOLE = auto()  # an answer without a body
    ANSWER_BEGIN = auto()  # the head of an answer with a body
    ANSWER_END = auto()  # its last chunk


REQUEST_SIDE: Final = {
    RequestSide.IDLE: {
        Step.HEAD_ONLY: RequestSide.DONE,
        Step.HEAD_PREVIEW: RequestSide.PREVIEW,
        Step.HEAD_BODY: RequestSide.BODY,
    },
    RequestSide.PREVIEW: {
        Step.PREVIEW_END: RequestSide.PAUSED,
        Step.BODY_END: RequestSide.DONE,
    },
    RequestSide.PAUSED: {
        Step.CONTINUE: RequestSide.BODY,
        Step.ANSWERED: RequestSide.DONE,
    },
    RequestSide.BODY: {Step.BODY_END: RequestSide.DONE},
    RequestSide.DONE: {},
    RequestSide.FAILED: {},
}

ANSWER_SIDE: Final = {
    AnswerSide.WAITING: {
        Step.CONTINUE: AnswerSide.WAITING,
        Step.ANSWER_WHOLE: AnswerSide.SENT,
        Step.ANSWER_BEGIN: AnswerSide.STREAMING,
    },
    AnswerSide.STREAMING: {Step.ANSWER_END: AnswerSide.SENT},
    AnswerSide.SENT: {},
}
