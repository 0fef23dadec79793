"""A decision that could not go out is refused where it is made, with the reason."""

import copy
import dataclasses
import pickle

import pytest

from zcadapt import reqmod
from zcadapt.icap.decisions import (
    KEEP,
    Allow,
    Decision,
    Modify,
    Respond,
    allow,
    block,
    modify,
    phrase_of,
    respond,
)
from zcadapt.testing import reqmod_request


async def pieces():
    yield b"x"


def test_a_decision_never_changes():
    for decision in (allow(), modify(), respond(200)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            decision.reason = "other"
        assert not hasattr(decision, "__dict__")


def test_allow_may_tell_why():
    assert allow(reason="known", icap_headers={"X-A": "1"}) == Allow(
        icap_headers=(("X-A", "1"),), reason="known"
    )


def test_modify_without_anything_keeps_everything():
    assert modify() == Modify()
    assert modify().body is KEEP
    assert repr(KEEP) == "KEEP"


def test_headers_are_a_mapping_or_pairs():
    assert modify(set_headers={"A": "1"}).set_headers == (("A", "1"),)
    assert modify(add_headers=[("A", "1"), ("A", "2")]).add_headers == (("A", "1"), ("A", "2"))
    assert modify(add_headers=(pair for pair in [("A", "1")])).add_headers == (("A", "1"),)
    assert modify(remove_headers={"A": 1}).remove_headers == ("A",)


def test_names_to_remove_are_a_list():
    with pytest.raises(ValueError, match="list"):
        modify(remove_headers="Cookie")


@pytest.mark.parametrize("name", ["", "A B", "A:", "A\r\n", "Ä", "A\0", "(A)", "A\t"])
@pytest.mark.parametrize(
    "make",
    [
        lambda pairs: modify(set_headers=pairs),
        lambda pairs: modify(add_headers=pairs),
        lambda pairs: modify(icap_headers=pairs),
        lambda pairs: respond(200, pairs),
        lambda pairs: respond(200, icap_headers=pairs),
        lambda pairs: allow(icap_headers=pairs),
        lambda pairs: modify(remove_headers=[name for name, _ in pairs]),
        lambda pairs: Decision(icap_headers=tuple(pairs)),
        lambda pairs: Allow(icap_headers=tuple(pairs)),
        lambda pairs: Modify(set_headers=tuple(pairs)),
        lambda pairs: Modify(add_headers=tuple(pairs)),
        lambda pairs: Modify(remove_headers=tuple(name for name, _ in pairs)),
        lambda pairs: Modify(icap_headers=tuple(pairs)),
        lambda pairs: Respond(status=200, headers=tuple(pairs)),
        lambda pairs: Respond(status=200, icap_headers=tuple(pairs)),
    ],
)
def test_a_name_that_is_no_token_is_refused(make, name):
    with pytest.raises(ValueError, match="name of a header"):
        make([(name, "1")])


@pytest.mark.parametrize("value", ["a\r\nB: c", "a\nb", "a\rb", "a\0b", "a\r\n b"])
@pytest.mark.parametrize(
    "make",
    [
        lambda value: modify(set_headers={"A": value}),
        lambda value: modify(add_headers={"A": value}),
        lambda value: modify(phrase=value),
        lambda value: respond(200, {"A": value}),
        lambda value: respond(200, phrase=value),
        lambda value: Modify(set_headers=(("A", value),)),
        lambda value: Modify(add_headers=(("A", value),)),
        lambda value: Modify(phrase=value),
        lambda value: Respond(status=200, headers=(("A", value),)),
        lambda value: Respond(status=200, phrase=value),
        lambda value: dataclasses.replace(respond(200), headers=(("A", value),)),
        lambda value: dataclasses.replace(modify(), phrase=value),
    ],
)
def test_a_value_that_would_end_its_line_is_refused(make, value):
    with pytest.raises(ValueError, match="break the line"):
        make(value)


def test_a_value_that_cannot_be_sent_is_refused():
    with pytest.raises(ValueError, match=r"value of A .* latin-1"):
        modify(set_headers={"A": "Ω"})
    with pytest.raises(ValueError, match=r"phrase .* latin-1"):
        respond(200, phrase="Ω")


def test_any_other_character_may_stand_in_a_value():
    value = "".join(map(chr, range(1, 256))).replace("\r", "").replace("\n", "")
    assert respond(200, {"A": value}).headers == (("A", value),)


def test_who_is_refused_is_told_what_and_not_the_value():
    with pytest.raises(ValueError, match=r"^the value of Set-Cookie would") as caught:
        respond(200, {"Set-Cookie": "secret\n"})
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match=r"^url ") as caught:
        modify(url="/?token=secret\n")
    assert "secret" not in str(caught.value)


PAIR = ("A", "1")
NO_PAIRS = [{"A": "1"}, [PAIR], {}, [], None, "", "A", (["A", "1"],), ("AB",), (("A",),), (None,)]
PARTS = [
    *((Allow, {"icap_headers": bad}) for bad in NO_PAIRS),
    *((Modify, {"icap_headers": bad}) for bad in NO_PAIRS),
    *((Modify, {"set_headers": bad}) for bad in NO_PAIRS),
    *((Modify, {"add_headers": bad}) for bad in NO_PAIRS),
    *((Respond, {"status": 200, "icap_headers": bad}) for bad in NO_PAIRS),
    *((Respond, {"status": 200, "headers": bad}) for bad in NO_PAIRS),
    *((Allow, {"icap_headers": ((bad, "1"),)}) for bad in (None, 1, b"A")),
    *((Allow, {"icap_headers": (("A", bad),)}) for bad in (None, 1, b"1")),
    *((Modify, {"set_headers": (("A", bad),)}) for bad in (None, 1, b"1", ["1"])),
    *((Respond, {"status": 200, "headers": (("A", bad),)}) for bad in (None, 1, b"1")),
    *((Modify, {"remove_headers": bad}) for bad in ("Cookie", ["Cookie"], None, (1,), (b"A",))),
    *((Modify, {part: bad}) for part in ("method", "url", "phrase") for bad in (1, b"GET", [])),
    *((Modify, {"status": bad}) for bad in ("200", 200.0, [])),
    *((Modify, {"body": bad}) for bad in (None, "text", 1, bytearray(b"x"))),
    *((Respond, {"status": bad}) for bad in ("200", 200.0, None)),
    *((Respond, {"status": 200, "body": bad}) for bad in (None, "text", 1, KEEP)),
    *((Respond, {"status": 200, "phrase": bad}) for bad in (None, 1, b"OK")),
    *((kind, {"reason": bad}) for kind in (Allow, Modify) for bad in (None, 1, b"why")),
]


@pytest.mark.parametrize(("kind", "parts"), PARTS)
def test_a_part_of_another_type_is_refused(kind, parts):
    with pytest.raises(TypeError, match=r"is a |is an |a body is"):
        kind(**parts)


@pytest.mark.parametrize("parts", [{"headers": {"A": 1}}, {"reason": 1}, {"phrase": b"OK"}])
def test_what_converts_does_not_let_another_type_pass(parts):
    with pytest.raises(TypeError, match="is a str"):
        respond(200, **parts)


@pytest.mark.parametrize(
    "decision",
    [
        allow(icap_headers={"X-A": "1"}, reason="known"),
        modify(set_headers={"A": "1"}, remove_headers=["B"], url="/", status=404),
        respond(404, {"A": "1"}, b"x"),
    ],
)
def test_a_decision_can_be_copied(decision):
    for copied in (
        pickle.loads(pickle.dumps(decision)),
        copy.deepcopy(decision),
        dataclasses.replace(decision),
    ):
        assert copied == decision
    changed = dataclasses.replace(decision, reason="other")
    assert (changed.reason, changed.icap_headers) == ("other", decision.icap_headers)


def test_an_icap_header_may_be_folded():
    value = "1\r\n\t-\r\n\tEICAR\r\n\t0\r\n\t0"
    decision = respond(403, icap_headers={"X-Violations-Found": value})
    assert decision.icap_headers == (("X-Violations-Found", value),)


@pytest.mark.parametrize("value", ["1\r\nA: b", "1\r\n\t-\r\nA: b", "1\n\t-", "1\r\n", "1\r\n\r\n"])
def test_a_fold_that_is_none_is_refused(value):
    with pytest.raises(ValueError, match="break the line"):
        allow(icap_headers={"X-Violations-Found": value})


@pytest.mark.parametrize(
    "name", ["Encapsulated", "connection", "ISTag", "Transfer-Encoding", "Content-Length"]
)
def test_what_frames_the_answer_is_not_for_services(name):
    with pytest.raises(ValueError, match="server to say"):
        allow(icap_headers={name: "1"})
    with pytest.raises(ValueError, match="server to say"):
        Respond(status=200, icap_headers=((name, "1"),))


@pytest.mark.parametrize("method", ["", "GE T", "GET\r\n", "GET /", "GÉT"])
def test_a_method_is_a_token(method):
    with pytest.raises(ValueError, match="method"):
        modify(method=method)


@pytest.mark.parametrize("url", ["", "/a b", "/a\r\n", "/a\t", "/Ω", "/a HTTP/1.1\r\nX: y"])
def test_a_url_is_quoted(url):
    with pytest.raises(ValueError, match="quoted"):
        modify(url=url)


def test_a_request_line_may_change():
    decision = modify(method="PUT", url="http://a/b?c#%20")
    assert (decision.method, decision.url) == ("PUT", "http://a/b?c#%20")


@pytest.mark.parametrize("status", [0, 100, 101, 199, 1000, -200])
def test_only_final_statuses_are_responses(status):
    with pytest.raises(ValueError, match="final response"):
        respond(status)
    with pytest.raises(ValueError, match="final response"):
        modify(status=status)
    with pytest.raises(ValueError, match="final response"):
        Respond(status=status)


@pytest.mark.parametrize("body", [None, 1, bytearray(b"x"), ["x"], iter([b"x"]), object()])
def test_what_is_no_body_is_refused(body):
    with pytest.raises(TypeError, match="a body is"):
        respond(200, body=body)
    with pytest.raises(TypeError, match="a body is"):
        modify(body=body)


def test_the_charset_of_a_message_is_not_ours_to_guess():
    with pytest.raises(TypeError, match="str"):
        modify(body="text")


def test_bodies_are_bytes_or_made_bit_by_bit():
    made = pieces()
    assert modify(body=made).body is made
    assert respond(200, body=made).body is made
    assert modify(body=b"").body == b""
    assert respond(200, body="é").body == "é".encode()


def test_a_response_has_a_phrase():
    assert respond(404).phrase == "Not Found"
    assert respond(404, phrase="Gone fishing").phrase == "Gone fishing"
    assert respond(299).phrase == phrase_of(299) == "Unknown"
    assert respond(302, {"Location": "/"}) == Respond(
        status=302, headers=(("Location", "/"),), phrase="Found"
    )
    assert Respond(status=404) == respond(404)


def test_a_block_can_be_looked_at_before_it_has_a_page():
    request = reqmod_request("http://ann:secret@a/b?key=1")
    decision = block(request, reason="trackers", icap_headers={"X-Attribute": "ads"})
    assert (decision.status, decision.phrase, decision.reason) == (403, "Forbidden", "trackers")
    assert decision.body == b"http://a/b is blocked: trackers\n"
    assert dict(decision.headers) == {
        "Content-Type": "text/plain; charset=utf-8",
        "Cache-Control": "no-store",
    }
    assert decision.icap_headers == (("X-Attribute", "ads"),)
    assert decision.id == ""
    assert isinstance(decision, Respond)


def test_a_block_may_have_another_status():
    decision = block(reqmod_request("http://a/"), status=451)
    assert (decision.status, decision.phrase) == (451, "Unavailable For Legal Reasons")


def test_the_reason_of_a_block_may_be_any_text():
    assert block(reqmod_request("http://a/"), reason="caf\xe9 \ud800").body.endswith(
        b"caf\xc3\xa9 ?\n"
    )


@reqmod
def splits(request):
    return Respond(status=200, headers=(("A", "b\r\nX: y"),))


@reqmod
def hides(request):
    return Modify(remove_headers=("A\r\nX: y",))


@pytest.mark.parametrize("service", [splits, hides])
def test_a_line_hidden_in_a_decision_is_the_failure_of_its_service(ask, icap, service, caplog):
    answer = ask(icap.reqmod("/a"), {"a": service})
    assert answer.first == "ICAP/1.0 500 Server Error"
    assert "service 'a' failed" in caplog.text
