"""Events are what was heard, and cannot be changed by who hears them next."""

import dataclasses

import pytest

from zcadapt.icap.events import BodyData, BodyEnd, Cue, PreviewEnd, RequestHead
from zcadapt.icap.head import RequestLine


@pytest.mark.parametrize("event", [BodyData(b"x"), BodyEnd(), PreviewEnd()])
def test_pieces_of_a_body_stay_as_they_are(event):
    for name in [field.name for field in dataclasses.fields(event)]:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(event, name, b"y")
    assert not hasattr(event, "__dict__")


def test_events_of_the_same_are_the_same():
    assert BodyData(b"x") == BodyData(b"x") != BodyData(b"y")
    assert BodyEnd() == BodyEnd(b"")
    assert PreviewEnd() == PreviewEnd()


def test_a_head_has_no_room_for_more():
    line = RequestLine("OPTIONS", "icap://h/", "/", "")
    head = RequestHead(line, b"", {}, None, None, has_body=False, preview=None, allow=frozenset())
    assert not hasattr(head, "__dict__")
    assert head.line.method == "OPTIONS"


def test_what_is_no_event_is_a_cue():
    assert {cue.name for cue in Cue} == {"NEED_DATA", "PAUSED", "CLOSED"}
