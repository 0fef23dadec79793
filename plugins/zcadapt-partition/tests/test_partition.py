"""The policy ``partition``: what a member says about its share and those of others."""

import logging

import pytest
from zcadapt_partition import Partition

from zcadapt import SettingsError
from zcadapt.testing import check_policy

NAMES = ("app1", "app2", "app3")
NO_PATTERN = "must be a regular expression as RE2 has them, with a group"
ALL = {"members": dict.fromkeys(NAMES, 1)}
URLS = [f"http://example.com/articles/{number}/text" for number in range(300)]


def said(url, **options):
    """Return what each of the members says."""
    return sorted(Partition({**ALL, "this": name, **options})(url) for name in NAMES)


def test_it_keeps_the_promises_of_a_policy():
    check_policy(Partition({**ALL, "this": "app1"}))
    check_policy(Partition({}))


@pytest.mark.parametrize("url", URLS[:20])
def test_the_owner_wants_it_a_deputy_would_take_it_and_the_others_do_not(url):
    assert said(url) == ["ICP_OP_HIT", "ICP_OP_MISS", "ICP_OP_MISS_NOFETCH"]


@pytest.mark.parametrize(
    ("options", "others"),
    [
        ({"deputies": 0}, ["ICP_OP_MISS_NOFETCH"] * 2),
        ({"deputies": 2}, ["ICP_OP_MISS"] * 2),
        ({"deputies": 0, "elsewhere": "ICP_OP_MISS"}, ["ICP_OP_MISS"] * 2),
    ],
)
def test_what_those_say_that_do_not_own_it_is_a_setting(options, others):
    assert said(URLS[0], **options) == ["ICP_OP_HIT", *others]


def test_a_drained_member_wants_nothing_and_its_deputies_own_its_share():
    drained = {"app1": 0, "app2": 1, "app3": 1}
    for url in URLS:
        before = {name: Partition({**ALL, "this": name})(url) for name in NAMES}
        after = {name: Partition({"members": drained, "this": name})(url) for name in NAMES}
        assert after["app1"] == "ICP_OP_MISS_NOFETCH"
        if before["app1"] == "ICP_OP_HIT":
            assert {before[name]: after[name] for name in NAMES}["ICP_OP_MISS"] == "ICP_OP_HIT"
        else:
            assert [name for name in NAMES if after[name] == "ICP_OP_HIT"] == [
                name for name in NAMES if before[name] == "ICP_OP_HIT"
            ]


def test_a_drained_member_offers_nothing_where_others_would():
    options = {"members": {"app1": 0, "app2": 1}, "elsewhere": "ICP_OP_MISS", "deputies": 9}
    policy = Partition({**options, "this": "app1"})
    assert {policy(url) for url in URLS} == {"ICP_OP_MISS_NOFETCH"}


def test_what_belongs_together_is_told_by_the_key():
    policy = Partition({**ALL, "this": "app1", "key": {"depth": 1}})
    assert len({policy(url) for url in URLS}) == 1
    policy = Partition({**ALL, "this": "app1"})
    assert len({policy(url) for url in URLS}) == 3
    assert {url: policy(url) for url in URLS} == {url: policy(url + "/notes") for url in URLS}


def test_without_options_it_has_no_opinion_and_says_so(caplog):
    with caplog.at_level(logging.INFO):
        policy = Partition({})
        assert [policy(url) for url in URLS] == [None] * len(URLS)
    assert [each.message for each in caplog.records] == [
        "the policy partition is not configured: it has no members"
    ]


@pytest.mark.parametrize(
    ("options", "problems"),
    [
        ({"this": "a"}, ["members: is missing; it must be a table"]),
        (ALL, ["this: is missing; it must be a string"]),
        (
            {**ALL, "this": "ap1", "elswhere": "x"},
            [
                'elswhere: no such setting. Did you mean "elsewhere"?',
                'this: "ap1" is none of the members. Did you mean "app1"?',
            ],
        ),
        (
            {"this": "a", "members": {"a": 0, "b": 0.0}},
            ["members: none of them has a share: at least one weight is not 0"],
        ),
        (
            {"this": "a", "members": {"a": -1, "b": "x"}, "deputies": -1},
            [
                "members.a: must be a number from 0 to 1000000, not -1",
                'members.b: must be a number from 0 to 1000000, not "x"',
                "deputies: must be a whole number from 0 to 1000000, not -1",
            ],
        ),
        (
            {**ALL, "this": "app1", "key": {"host": False, "depth": 0}},
            ["key: all URLs would have the same key: set host, depth or pattern"],
        ),
        (
            {**ALL, "this": "app1", "key": {"pattern": "a"}},
            [f'key.pattern: {NO_PATTERN}, not "a": it has no group'],
        ),
    ],
)
def test_everything_that_is_wrong_is_told_at_once(options, problems):
    with pytest.raises(SettingsError) as caught:
        Partition(options)
    assert list(map(str, caught.value.problems)) == problems
