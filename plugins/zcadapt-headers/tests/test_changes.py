"""What becomes of headers: one rule after the other, the rest to the byte."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zcadapt_headers import make_service

from zcadapt.testing import decide_now, reqmod_request, respmod_request

URL = "http://www.example.com/"


def changed(headers, *rules, **more):
    """Return the headers of a request after `rules`; None where there is no opinion."""
    request = reqmod_request(URL, headers=[("Host", "www.example.com"), *headers])
    decision = decide_now(make_service({"rules": list(rules), **more}), request)
    if decision is None:
        return None
    gone = {name.lower() for name in decision.remove_headers}
    gone |= {name.lower() for name, _ in decision.set_headers}
    kept = [pair for pair in headers if pair[0].lower() not in gone]
    return [*kept, *decision.set_headers, *decision.add_headers]


@pytest.mark.parametrize(
    ("headers", "rule", "after"),
    [
        ([], {"set": {"A": "1"}}, [("A", "1")]),
        ([("a", "0"), ("B", "2"), ("A", "3")], {"set": {"A": "1"}}, [("B", "2"), ("A", "1")]),
        ([("A", "0")], {"add": {"A": "1"}}, [("A", "0"), ("A", "1")]),
        ([("A", "0"), ("a", "1"), ("B", "2")], {"remove": ["A"]}, [("B", "2")]),
        ([("A", "0")], {"remove": ["a"], "add": {"A": "1"}}, [("A", "1")]),
    ],
)
def test_headers_are_set_added_and_removed(headers, rule, after):
    assert changed(headers, rule) == after


@pytest.mark.parametrize(
    ("value", "pattern", "by", "after"),
    [
        ("http://a/http://b", "http://", "https://", "https://a/https://b"),
        ("http://a/http://b", "^http://", "https://", "https://a/http://b"),
        ("a.b", r"(\w)\.(\w)", r"\2.\1", "b.a"),
        ("a.b", r"(?P<first>\w)", r"<\g<first>>", "<a>.<b>"),
        ("AbC", "(?i)abc", "x", "x"),
        ("ac", "a(b)?c", r"[\1]", "[]"),
        ("a", "a", r"\\1", r"\1"),
        ("caf\xe9", "\xe9", "\xe8", "caf\xe8"),
        ("a", "b*", "-", "-a-"),
        ("a", "$", "-", "a-"),
        ("a b", r"\b", "-", "-a- -b-"),
        ("ab", "", "-", "-a-b-"),
    ],
)
def test_what_an_expression_finds_in_values_is_replaced(value, pattern, by, after):
    rule = {"replace": [{"header": "a", "pattern": pattern, "by": by}]}
    assert changed([("A", value)], rule) == [("a", after)]


def test_each_value_of_a_header_is_looked_at():
    rule = {"replace": [{"header": "A", "pattern": "x", "by": "y"}]}
    headers = [("A", "x1"), ("A", "2"), ("A", "x3")]
    assert changed(headers, rule) == [("A", "y1"), ("A", "2"), ("A", "y3")]


def test_rules_are_applied_as_they_are_written_each_to_what_the_last_one_left():
    first = {"set": {"A": "one"}}
    second = {"replace": [{"header": "A", "pattern": "one", "by": "two"}], "add": {"B": "1"}}
    third = {"remove": ["B"]}
    assert changed([("A", "0")], first, second, third) == [("A", "two")]
    assert changed([("A", "0")], third, second, first) == [("A", "one"), ("B", "1")]


def test_within_a_rule_what_is_removed_goes_first_and_what_is_replaced_last():
    rule = {
        "replace": [{"header": "A", "pattern": "$", "by": "!"}],
        "add": {"A": "2"},
        "set": {"A": "1"},
        "remove": ["A"],
    }
    assert changed([("A", "0")], rule) == [("A", "1!"), ("A", "2!")]


@pytest.mark.parametrize(
    "rule",
    [
        {"remove": ["A"]},
        {"set": {"B": "2"}},
        {"replace": [{"header": "B", "pattern": "3", "by": "4"}]},
        {"replace": [{"header": "A", "pattern": "3", "by": "4"}]},
        {"add": {"C": "1"}, "when": {"methods": ["POST"]}},
    ],
)
def test_where_nothing_changes_there_is_no_opinion(rule):
    assert changed([("B", "2")], rule) is None


def test_rules_are_for_requests_or_for_responses():
    rules = [{"add": {"A": "1"}}, {"to": "response", "add": {"B": "1"}}]
    service = make_service({"rules": rules})
    assert service.methods == ("REQMOD", "RESPMOD")
    assert decide_now(service, reqmod_request(URL)).add_headers == (("A", "1"),)
    assert decide_now(service, respmod_request(URL)).add_headers == (("B", "1"),)


def test_a_rule_applies_where_its_conditions_hold():
    rule = {"to": "response", "add": {"A": "1"}, "when": {"status": ["4xx"], "types": ["text/*"]}}
    service = make_service({"rules": [rule]})
    headers = {"Content-Type": "text/html"}
    assert decide_now(service, respmod_request(URL, status=404, headers=headers)) is not None
    assert decide_now(service, respmod_request(URL, status=200, headers=headers)) is None


def test_the_reason_names_the_rules_that_held():
    rules = [{"add": {"A": "1"}}, {"add": {"B": "1"}, "when": {"hosts": ["x"]}}, {"remove": ["C"]}]
    assert (
        decide_now(make_service({"rules": rules}), reqmod_request(URL)).reason == "rule 1, rule 3"
    )


def test_an_expression_takes_time_in_proportion_to_the_value():
    rule = {"replace": [{"header": "A", "pattern": "(a+)+$", "by": "x"}]}
    begin = time.process_time()
    assert changed([("A", "a" * 8000 + "b")], rule) is None
    assert time.process_time() - begin < 1  # with backtracking, for ever


def test_a_hundred_times_in_a_value_are_replaced():
    rule = {"replace": [{"header": "A", "pattern": "x.*y|x", "by": "y"}]}
    assert changed([("A", "x" * 110)], rule) == [("A", "y" * 100 + "x" * 10)]


@pytest.mark.parametrize(("pattern", "by"), [("x", "y"), ("a", "bb")])
def test_a_value_that_is_too_long_or_becomes_so_stays_as_it_is(pattern, by):
    rule = {"replace": [{"header": "A", "pattern": pattern, "by": by}]}
    assert changed([("A", "ax")], rule, longest=2) == ([("A", "ay")] if by == "y" else None)
    assert changed([("A", "axx")], rule, longest=2) is None


def test_a_value_that_is_too_long_is_not_looked_at_though_it_would_become_shorter():
    rule = {"replace": [{"header": "A", "pattern": "xx", "by": ""}]}
    assert changed([("A", "axx")], rule, longest=3) == [("A", "a")]
    assert changed([("A", "axx")], rule, longest=2) is None


def test_a_value_that_could_not_be_sent_again_is_left_alone():
    rule = {"replace": [{"header": "A", "pattern": "x", "by": "y"}]}
    assert changed([("A", "x\rx"), ("A", "x")], rule) is None


names = st.sampled_from(["A", "a", "B", "X-C"])
values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=5).map(str.strip)
changes = st.one_of(
    st.builds(lambda name: {"remove": [name]}, names),
    st.builds(lambda name, value: {"set": {name: value}}, names, values),
    st.builds(lambda name, value: {"add": {name: value}}, names, values),
)


@given(st.lists(st.tuples(names, values)), st.lists(changes, min_size=1))
def test_whatever_the_rules_the_values_are_those_of_one_change_after_the_other(headers, rules):
    expected = {}
    for name, value in headers:
        expected.setdefault(name.lower(), []).append(value)
    for rule in rules:
        ((kind, what),) = rule.items()
        ((name, value),) = what.items() if isinstance(what, dict) else ((what[0], ""),)
        before = expected.pop(name.lower(), [])
        after = {"remove": [], "set": [value], "add": [*before, value]}[kind]
        if after:
            expected[name.lower()] = after
    found = {}
    after = changed(headers, *rules)
    for name, value in headers if after is None else after:
        found.setdefault(name.lower(), []).append(value)
    assert found == expected
