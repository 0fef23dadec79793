"""A service is asked as the server asks it, and its failures are seen."""

import asyncio

import pytest

from zcadapt import allow, block, blocking, modify, reqmod
from zcadapt.testing import decide, decide_now, new_body, reqmod_request


def request(**parts):
    return reqmod_request("http://example.com/", **parts)


def test_all_kinds_of_services_decide():
    @reqmod
    async def waits(request):
        await asyncio.sleep(0)
        return allow(reason="waited")

    @reqmod
    @blocking
    def thread(request):
        return allow(reason=str(len(request.body.read())))

    assert decide_now(waits, request()).reason == "waited"
    assert decide_now(thread, request(body=b"hello", preview=1)).reason == "5"
    assert decide_now(reqmod(lambda request: None), request()) is None
    assert asyncio.run(decide(waits, request())).reason == "waited"


@pytest.mark.parametrize(("answer", "error"), [("no", TypeError), (1, TypeError)])
def test_nonsense_is_raised(answer, error):
    with pytest.raises(error):
        decide_now(reqmod(lambda request: answer), request())


def test_failures_are_raised_as_they_are():
    with pytest.raises(ZeroDivisionError):
        decide_now(reqmod(lambda request: 1 / 0), request())


def test_time_is_limited():
    @reqmod(timeout=0.01)
    async def slow(request):
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        decide_now(slow, request())


def test_the_new_body_is_there_to_be_looked_at():
    async def pieces():
        yield b"a"
        yield b"b"

    async def bodies():
        decisions = [modify(body=pieces()), modify(body=b"x"), modify(), allow(), block(request())]
        return [await new_body(decision) for decision in decisions]

    *first, page = asyncio.run(bodies())
    assert first == [b"ab", b"x", None, None]
    assert b"blocked" in page
