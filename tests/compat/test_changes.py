"""What has changed between two heads is changed, and nothing else is touched."""

import pytest

from zcadapt import KEEP
from zcadapt.compat.changes import change
from zcadapt.icap.http import HTTPRequest, HTTPResponse

REQUEST = b"GET http://x/a b HTTP/1.1\r\nHost: x\r\nA: 1\r\nA: 2\r\nContent-Length: 5\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 Odd\r\nHost: x\r\nA: 1\r\n\r\n"


def changed(old, *replaced, body=KEEP, **more):
    new = old
    for before, after in replaced:
        new = new.replace(before, after)
    kind = HTTPResponse if old.startswith(b"HTTP/") else HTTPRequest
    return change(kind(old), kind(new), body, [("X-I", "1")], **more)


@pytest.mark.parametrize("old", [REQUEST, RESPONSE])
def test_what_is_as_it_was_is_not_touched(old):
    decision = changed(old)
    assert (decision.method, decision.url, decision.status, decision.phrase) == (None,) * 4
    assert (decision.set_headers, decision.remove_headers, decision.body) == ((), (), KEEP)
    assert decision.icap_headers == (("X-I", "1"),)


def test_a_url_that_could_not_be_sent_anew_stays_where_the_method_changes():
    decision = changed(REQUEST, (b"GET", b"POST"))
    assert (decision.method, decision.url) == ("POST", None)
    assert changed(REQUEST, (b"a b", b"c")).url == "http://x/c"


def test_a_status_brings_its_phrase_and_a_phrase_no_status():
    decision = changed(RESPONSE, (b"200", b"404"))
    assert (decision.status, decision.phrase) == (404, "Odd")
    decision = changed(RESPONSE, (b"Odd", b"Fine"))
    assert (decision.status, decision.phrase) == (None, "Fine")


def test_all_values_of_a_name_are_set_where_one_is_another():
    decision = changed(REQUEST, (b"A: 2", b"A: 3"), (b"Host: x\r\n", b""))
    assert decision.set_headers == (("A", "1"), ("A", "3"))
    assert decision.remove_headers == ("host",)


def test_what_follows_from_the_body_is_neither_set_nor_removed():
    more = {"framing": {"content-length"}}
    assert changed(REQUEST, (b"Length: 5", b"Length: 7"), **more).set_headers == ()
    assert changed(REQUEST, (b"Content-Length: 5\r\n", b""), **more).remove_headers == ()
    decision = changed(REQUEST, (b"Length: 5", b"Length: 7"), body=b"abc", length=3, **more)
    assert (decision.set_headers, decision.body) == ((("Content-Length", "3"),), b"abc")
