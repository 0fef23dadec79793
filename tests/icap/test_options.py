"""An OPTIONS answer says what real clients need, and the ISTag changes with decisions only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcadapt.icap.headers import Headers
from zcadapt.icap.options import http_date, istag, options_fields

GIVEN = {
    "methods": ("REQMOD", "RESPMOD"),
    "service": "zcadapt 1",
    "service_id": "echo",
    "connections": 100,
    "ttl": 600,
    "preview": 0,
}


def answered(**more):
    return Headers(options_fields(**{**GIVEN, **more}))


def test_everything_is_told():
    assert dict(answered(ignore=["jpg", "png"], complete=["exe"])) == {
        "methods": "REQMOD, RESPMOD",
        "service": "zcadapt 1",
        "service-id": "echo",
        "max-connections": "100",
        "options-ttl": "600",
        "allow": "204, 206",
        "preview": "0",
        "transfer-preview": "*",
        "transfer-ignore": "jpg, png",
        "transfer-complete": "exe",
    }


def test_what_is_empty_is_not_told():
    headers = answered(service="", methods=())
    for name in ("service", "methods", "transfer-ignore", "transfer-complete"):
        assert name not in headers


def test_trailers_are_offered_to_who_asks():
    assert answered(trailers=True)["allow"] == "204, 206, trailers"
    assert answered()["allow"] == "204, 206"


def test_exactly_one_transfer_header_has_the_star():
    headers = answered(ignore=["jpg"], complete=["exe"])
    assert [name for name in headers if "*" in headers[name]] == ["transfer-preview"]


def test_names_are_in_the_case_that_clients_compare():
    assert options_fields(**GIVEN).startswith(b"Methods: REQMOD, RESPMOD\r\nService: zcadapt 1\r\n")


def test_a_date_is_as_http_writes_it():
    assert http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT"


def test_a_tag_is_short_enough_for_who_counts_its_quotes():
    tag = istag(["a", "b"])
    assert len(tag) == 30
    assert tag.isalnum()


def test_a_tag_is_the_same_in_every_process():
    assert istag(["a", "b"]) == istag(iter(("a", "b")))


@pytest.mark.parametrize(
    ("some", "others"),
    [
        (["a", "b"], ["b", "a"]),
        (["ab"], ["a", "b"]),
        (["a\0b"], ["a", "b"]),
        (["a", ""], ["a"]),
        (["1:a"], ["1", "a"]),
        ([], [""]),
    ],
)
def test_other_parts_give_another_tag(some, others):
    assert istag(some) != istag(others)


@given(st.lists(st.text()), st.lists(st.text()))
def test_tags_differ_where_parts_do(some, others):
    assert (istag(some) == istag(others)) == (some == others)


def test_any_text_has_a_tag():
    assert istag(["\udcff", "\ud800", "Ω"])
