"""An error knows its answer."""

import pytest

from zcadapt.icp import BadDatagramError, BadReplyError, MalformedQueryError, NotAQueryError


@pytest.mark.parametrize("kind", [BadReplyError, MalformedQueryError, NotAQueryError])
def test_all_that_is_wrong_with_a_datagram_is_one_family(kind):
    assert issubclass(kind, BadDatagramError)


def test_the_message_is_the_reason():
    assert str(BadDatagramError("too short")) == "too short"


def test_silence_unless_there_is_a_reply():
    assert BadDatagramError("too short").reply is None
    assert BadDatagramError("no URL", b"reply").reply == b"reply"
