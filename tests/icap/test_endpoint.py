"""What follows from the services of one endpoint, without a server."""

import pytest

from zcadapt import reqmod, respmod
from zcadapt.icap.endpoint import Endpoint
from zcadapt.icap.errors import WrongMethodError
from zcadapt.icap.settings import ICAPSettings
from zcadapt.rule import Candidate


def candidate(name, *, methods=("REQMOD",), preview=0, **attributes):
    service = respmod(reqmod(lambda request: None))
    service.methods, service.preview = methods, preview
    for key, value in attributes.items():
        setattr(service, key, value)
    return Candidate(name, service, service.adapt, valid=bool, on_failure=print)


def endpoint(*candidates, **options):
    return Endpoint("all", candidates, ICAPSettings(), **options)


def test_who_does_not_answer_a_method_is_not_asked_about_it():
    one, two = candidate("1"), candidate("2", methods=("RESPMOD",))
    both = endpoint(one, two)
    assert (both.asked("REQMOD"), both.asked("RESPMOD")) == ((one,), (two,))


def test_a_method_that_nobody_answers_is_refused_and_those_that_are_served_are_told():
    with pytest.raises(WrongMethodError, match="/all serves REQMOD, not RESPMOD"):
        endpoint(candidate("1")).asked("RESPMOD")


def test_an_endpoint_of_a_method_serves_it_even_without_a_service():
    assert endpoint(methods=("REQMOD",)).asked("REQMOD") == ()


@pytest.mark.parametrize(("wanted", "offered"), [(65535, 65535), (65536, 65535), (10**6, 65535)])
def test_no_longer_preview_is_asked_for_than_squid_can_send(wanted, offered):
    options = endpoint(candidate("1", preview=wanted)).options(0, trailers=False, close=False)
    assert b"\r\nPreview: %d\r\n" % offered in options.encoded


def test_the_preview_of_a_method_is_the_largest_that_its_services_want():
    one, two = candidate("1", preview=5), candidate("2", methods=("RESPMOD", "REQMOD"), preview=9)
    both = endpoint(one, two, candidate("3", methods=("RESPMOD",), preview=11))
    assert (both.preview("REQMOD"), both.preview("RESPMOD")) == (9, 11)


def test_what_every_answer_has_is_made_anew_when_the_second_or_a_state_changes():
    stateful = candidate("1", state="a")
    one = endpoint(stateful)
    first = one.fields(1)
    assert one.fields(1) is first
    second = one.fields(2)
    assert second != first
    assert second.split(b"\r\n")[0] == first.split(b"\r\n")[0], "the ISTag stays"
    stateful.utility.state = "b"
    assert one.fields(2).split(b"\r\n")[0] != first.split(b"\r\n")[0]


def test_options_are_encoded_once():
    one = endpoint(candidate("1"))
    answer = one.options(1, trailers=False, close=False)
    assert one.options(1, trailers=False, close=False) is answer
    assert one.options(1, trailers=True, close=False) is not answer


def test_the_service_id_is_a_token():
    odd = Endpoint("a b/c", [candidate("1")], ICAPSettings())
    assert b"Service-ID: a-b-c\r\n" in odd.options(1, trailers=False, close=False).encoded
