"""What is blocked has a number, on the page, in both heads of the answer and in the log."""

import logging
import re

import pytest
from zope.interface.registry import Components

from zcadapt import block, respond
from zcadapt.blockpage.pages import Pages
from zcadapt.interfaces import IBlockPage
from zcadapt.rule import Candidate, Won
from zcadapt.testing import reqmod_request

NUMBER = re.compile("[a-z2-7]{12}")


def request(**headers):
    return reqmod_request(
        "http://ann:secret@a.example/b?key=secret",
        headers=headers,
        client_ip="192.0.2.7",
        user="ann",
    )


def won(asked, **parts):
    candidate = Candidate("10-lists", None, repr, valid=bool, on_failure=repr)
    return Won(candidate, block(asked, **{"reason": "a tracker", **parts}))


def made(pages=None, **parts):
    asked = request()
    return (pages or Pages(Components())).made(asked, won(asked, **parts)).answer


@pytest.fixture
def pages():
    """Return what asks these pages, by name."""

    def pages(**named):
        components = Components()
        for name, page in named.items():
            components.registerUtility(page, IBlockPage, name)
        return Pages(components)

    return pages


def test_a_block_has_a_number_everywhere(caplog):
    caplog.set_level(logging.INFO, "zcadapt.block")
    decision = made(icap_headers={"X-Virus-ID": "Eicar"})
    assert NUMBER.fullmatch(decision.id)
    headers = dict(decision.headers)
    assert headers["X-Decision-ID"] == decision.id
    assert headers["Cache-Control"] == "no-store"
    assert decision.icap_headers == (("X-Virus-ID", "Eicar"), ("X-Decision-ID", decision.id))
    assert decision.id in decision.body.decode()
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert record.each, "none is left out as a repetition"
    assert record.getMessage() == (
        f"blocked {decision.id}: client 192.0.2.7, user 'ann', GET 'http://a.example/b', "
        "service '10-lists', reason 'a tracker'"
    )


def test_nothing_secret_or_long_is_logged(caplog):
    caplog.set_level(logging.INFO, "zcadapt.block")
    made(reason="r" * 10_000)
    assert "secret" not in caplog.text
    assert len(caplog.records[0].getMessage()) < 1500


def test_what_a_client_says_of_itself_looks_like_nothing_else_in_the_log(caplog):
    caplog.set_level(logging.INFO, "zcadapt.block")
    told = "192.0.2.9, user 'root', GET 'http://fine.example/'" + "1" * 20_000
    asked = reqmod_request("http://a/", client_ip=told)
    Pages(Components()).made(asked, won(asked))
    message = caplog.records[0].getMessage()
    assert "client 192.0.2.9, user ''" in message
    assert "fine.example" not in message


def test_who_is_unknown_is_logged_by_the_address_of_the_icap_client(caplog):
    caplog.set_level(logging.INFO, "zcadapt.block")
    asked = reqmod_request("http://a/")
    Pages(Components()).made(asked, won(asked))
    assert "client 127.0.0.1, user ''" in caplog.text


def test_numbers_do_not_repeat_and_tell_nothing_of_one_another():
    numbers = [made().id for _ in range(500)]
    assert len(set(numbers)) == 500
    assert len({number[:3] for number in numbers}) > 400


def test_a_decision_gets_its_number_once(caplog):
    caplog.set_level(logging.INFO, "zcadapt.block")
    asked, all_pages = request(), Pages(Components())
    first = all_pages.made(asked, won(asked))
    assert all_pages.made(asked, first) is first
    assert len(caplog.records) == 1


def test_a_registered_page_takes_the_place_of_ours(pages):
    seen = []

    def page(blocked):
        seen.append(blocked)
        return respond(302, {"Location": f"https://help.example/?{blocked.id}"}, b"over there")

    decision = made(pages(there=page))
    assert (decision.status, decision.phrase, decision.body) == (302, "Found", b"over there")
    assert decision.headers == (
        ("Location", f"https://help.example/?{decision.id}"),
        ("Cache-Control", "no-store"),
        ("X-Decision-ID", decision.id),
    )
    assert (seen[0].service, seen[0].decision.reason) == ("10-lists", "a tracker")
    assert seen[0].request.http.host == "a.example"


def test_pages_are_asked_in_the_order_of_their_names(pages):
    decision = made(
        pages(
            c=lambda _: respond(403, body="c"),
            b=lambda _: respond(403, body="b"),
            a=lambda _: None,
        )
    )
    assert decision.body == b"b"


def test_a_page_counts_from_the_next_block_on():
    components = Components()
    all_pages = Pages(components)
    assert b"a tracker" in made(all_pages).body
    components.registerUtility(lambda _: respond(403, body="new"), IBlockPage)
    assert made(all_pages).body == b"new"


def test_what_the_server_says_of_a_page_no_page_says(pages):
    mine = {"cache-control": "public", "x-decision-id": "1", "X-Other": "2"}
    decision = made(pages(a=lambda _: respond(403, mine, b"x")))
    assert [name for name, _ in decision.headers] == ["X-Other", "Cache-Control", "X-Decision-ID"]


async def waits(_):
    return respond(403)


async def pieces():
    yield b"x"


def fails(_):
    raise ZeroDivisionError


@pytest.mark.parametrize(
    "page", [fails, waits, lambda _: "nonsense", lambda _: respond(403, body=pieces())]
)
def test_where_a_page_fails_the_user_still_sees_one(pages, page, caplog):
    decision = made(pages(mine=page))
    assert b"a tracker" in decision.body
    assert "block page 'mine' failed" in caplog.text
    assert "secret" not in caplog.text
