"""However a service comes to block, its client gets a page with a number."""

import json
import logging
import re

import pytest

from zcadapt import Block, block, blocking, reqmod, respmod, respond
from zcadapt.icap.decisions import Respond
from zcadapt.interfaces import IBlockPage

NUMBER = re.compile("[a-z2-7]{12}")


@respmod(preview=4)
@reqmod(preview=4)
def denied(request):
    return block(request, reason="because")


@respmod
@reqmod
async def denied_later(request):
    await request.body.read()
    return block(request, reason="because")


@respmod
@reqmod
@blocking
def denied_elsewhere(request):
    return block(request, reason="because")


def checked(answer, log):
    """Return the page of a whole answer, whose number is the same everywhere."""
    assert answer.status == 200
    head = answer.http.decode()
    number = re.search(r"\r\nX-Decision-ID: (\S+)\r\n", head)[1]
    assert NUMBER.fullmatch(number)
    assert answer["X-Decision-ID"] == number
    assert head.startswith("HTTP/1.1 403 Forbidden\r\n")
    assert "\r\nCache-Control: no-store\r\n" in head
    length = int(re.search(r"\r\nContent-Length: (\d+)\r\n", head)[1])
    lines = [each.getMessage() for each in log.records if each.name == "zcadapt.block"]
    assert [line for line in lines if number in line] == lines[-1:]
    if answer.body is not None:
        assert len(answer.body) == length
        assert number.encode() in answer.body
    assert length > 100
    return answer.body


@pytest.mark.parametrize("service", [denied, denied_later, denied_elsewhere])
@pytest.mark.parametrize("method", ["reqmod", "respmod"])
@pytest.mark.parametrize("preview", [None, 0, 4])
def test_every_way_to_block_ends_in_a_page(serve, icap, caplog, service, method, preview):
    caplog.set_level(logging.INFO, "zcadapt.block")
    client = serve({"10-lists": service}).client()
    client.send(getattr(icap, method)(body=b"1234" * 9, preview=preview))
    answer = client.answer()
    if answer.status == 100:
        client.send(icap.chunks((b"1234" * 9)[preview:]) + icap.END)
        answer = client.answer()
    assert b"<h1>Access blocked</h1>" in checked(answer, caplog)
    assert "service '10-lists', reason 'because'" in caplog.text


@pytest.mark.parametrize("method", ["reqmod", "respmod"])
def test_a_head_is_answered_with_the_head_of_its_page(serve, icap, caplog, method):
    caplog.set_level(logging.INFO, "zcadapt.block")
    head = b"HEAD http://a/ HTTP/1.1\r\nAccept: text/html\r\n\r\n"
    answer = serve({"a": denied}).client().ask(getattr(icap, method)(request=head))
    assert checked(answer, caplog) is None


def test_who_fails_and_is_to_block_has_a_page_too(serve, icap, caplog):
    caplog.set_level(logging.INFO, "zcadapt.block")

    @reqmod(on_error="block")
    def broken(request):
        raise ZeroDivisionError

    answer = serve({"a": broken}).client().ask(icap.reqmod())
    assert b"It could not be checked." in checked(answer, caplog)


def test_a_connect_is_answered_as_its_client_accepts(serve, icap, caplog):
    caplog.set_level(logging.INFO, "zcadapt.block")
    head = (
        b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nAccept: application/json\r\n\r\n"
    )
    answer = serve({"a": denied}).client().ask(icap.reqmod(request=head))
    assert json.loads(checked(answer, caplog))["url"] == "a.example:443"


def test_a_response_of_a_service_stays_as_it_is(serve, icap, caplog):
    caplog.set_level(logging.INFO, "zcadapt.block")
    answers = reqmod(lambda _: respond(403, body="mine", reason="because"))
    answer = serve({"a": answers}).client().ask(icap.reqmod())
    assert answer.body == b"mine"
    assert answer["X-Decision-ID"] is None
    assert caplog.text == ""


def test_who_observes_sees_the_number(serve, icap):
    seen = []
    running = serve({"a": denied}, observer=lambda _, won: seen.append(won))
    number = running.client().ask(icap.reqmod())["X-Decision-ID"]
    (observed,) = seen
    assert isinstance(observed.answer, Block)
    assert isinstance(observed.answer, Respond)
    assert (observed.candidate.name, observed.answer.id) == ("a", number)
    assert observed.answer.reason == "because"


def test_a_page_registered_while_the_server_runs_counts(serve, icap):
    running = serve({"a": denied})
    client = running.client()
    assert b"because" in client.ask(icap.reqmod()).body
    running.components.registerUtility(lambda _: respond(403, body="mine"), IBlockPage)
    assert client.ask(icap.reqmod()).body == b"mine"
