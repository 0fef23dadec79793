"""The built-in service."""

import pytest

from zcadapt.icap.echo import echo
from zcadapt.testing import check_service, decide_now, reqmod_request


def test_it_has_no_opinion():
    assert decide_now(echo, reqmod_request("http://example.com/")) is None
    check_service(lambda: echo)


@pytest.mark.parametrize("size", [0, 5, 100_000])
def test_it_is_always_there_and_sends_back_what_it_gets(ask, icap, size):
    answer = ask(icap.respmod("/echo", body=b"x" * size))
    assert (answer.http, answer.body) == (icap.OK, b"x" * size)
