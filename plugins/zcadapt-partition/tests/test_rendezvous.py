"""Shares: who has which, and what moves when members come and go."""

from math import sqrt

from hypothesis import given, settings
from hypothesis import strategies as st
from zcadapt_partition.rendezvous import Members

KEYS = [f"example.com\0{number}".encode() for number in range(6000)]

weights = st.dictionaries(
    st.text(min_size=1, max_size=8).filter(str.isprintable),
    st.one_of(st.just(1), st.floats(0.1, 10)),
    min_size=2,
    max_size=6,
)
keys = st.lists(st.binary(max_size=20), min_size=1, max_size=50)


@settings(deadline=None)
@given(weights, keys, st.data())
def test_a_member_that_leaves_moves_its_share_and_no_other(weights, keys, data):
    gone = data.draw(st.sampled_from(sorted(weights)))
    before, after = Members(weights), Members({**weights, gone: 0})
    for key in keys:
        old, new = before.ranking(key), after.ranking(key)
        assert new == [name for name in old if name != gone]  # so its owner too, if another


@settings(deadline=None)
@given(weights, keys, st.data())
def test_more_weight_takes_from_others_and_moves_nothing_between_them(weights, keys, data):
    grown = data.draw(st.sampled_from(sorted(weights)))
    before, after = Members(weights), Members({**weights, grown: weights[grown] * 2})
    for key in keys:
        assert after.ranking(key)[0] in {before.ranking(key)[0], grown}


@settings(deadline=None)
@given(weights, keys)
def test_all_members_agree_whatever_the_order_they_are_written_in(weights, keys):
    other = Members(dict(reversed(weights.items())))
    for key in keys:
        ranking = Members(weights).ranking(key)
        assert other.ranking(key) == ranking
        assert [other.place(name, key) for name in ranking] == list(range(len(weights)))


def are_shared(names, weights):
    """Say whether each name comes as often as its weight says, within six standard deviations."""
    expected = {name: weight / sum(weights.values()) for name, weight in weights.items()}
    return all(
        abs(names.count(name) - share * len(names)) <= 6 * sqrt(share * (1 - share) * len(names))
        for name, share in expected.items()
    )


@settings(deadline=None)
@given(weights, st.binary(max_size=20))
def test_shares_are_as_the_weights_are_and_so_are_those_of_the_deputies(weights, site):
    members = Members(weights)
    rankings = [members.ranking(site + b"\0%d" % number) for number in range(1000)]
    assert are_shared([ranking[0] for ranking in rankings], weights)
    for name in weights:
        deputies = [second for first, second, *_ in rankings if first == name]
        others = {other: weight for other, weight in weights.items() if other != name}
        assert are_shared(deputies, others)


def test_a_key_that_reads_as_the_name_of_a_member_is_as_any_other():
    names = [f"app{number}" for number in range(100)]
    owned = [
        name for name in names if Members({name: 1, "other": 1}).place(name, name.encode()) == 0
    ]
    assert 20 < len(owned) < 80


def test_a_member_without_weight_has_no_share_and_no_place():
    members = Members({"a": 1, "b": 0})
    assert {tuple(members.ranking(key)) for key in KEYS} == {("a",)}
    assert members.place("b", KEYS[0]) is None
    assert members.place("c", KEYS[0]) is None


def test_all_versions_come_to_this_result():
    """Members of different versions share a group while it is updated."""
    members = Members({"app1": 1, "app2": 1, "caf\xe9": 2.5})
    owners = "".join(members.ranking(key)[0][-1] for key in KEYS[:40])
    assert owners == "ccccccccccc22121cc1cc2c2c1cc22211ccccc21".replace("c", "\xe9")
