"""A real Squid in front of three real servers: which of them gets what it has in memory.

Each has room for 40 articles of 90. Where requests go to any of them, each tries
to hold all, and has less than half of what it is asked for; where each gets its
own, it has nearly everything.
"""

import pytest
from programs import until

from .group import NAMES, group

REQUESTS = 1200

pytestmark = pytest.mark.timeout(600)


def nothing(_):
    return ""


def partition(member):
    weights = ", ".join(f"{name} = 1" for name in NAMES)
    table = f'[policies.50-partition]\nuse = "partition"\nthis = "{member.name}"\n'
    return f"{table}members = {{ {weights} }}\n"


def drained_partition(member):
    table = f'[policies.10-load]\nuse = "load"\ndrain_file = "{member.folder}/drain"\n'
    return f"{table}interval = 0.1\n{partition(member)}"


def affinity(member):
    return f'[policies.affinity]\ntable = "{member.folder}/affinity"\n'


@pytest.fixture
def new_group(installation, tmp_path):
    def new_group(name, settings, **more):
        return group(installation, tmp_path / name, settings, **more)

    return new_group


def share_of_warm(found):
    counts = found.counts()
    assert counts.total() == REQUESTS
    return counts["warm"] / REQUESTS


@pytest.fixture
def measured(new_group):
    """How to measure which share of the requests was for what the server had in memory."""

    def measured(name, settings, **more):
        with new_group(name, settings, **more) as found:
            served = found.visit(REQUESTS)
            share = share_of_warm(found)
            chosen = found.hierarchy()
        print(f"\n{name}: {share:.0%} warm, {dict(served)}, {dict(chosen)}")  # noqa: T201 - pytest -s
        return share, served, chosen

    return measured


def test_requests_reach_the_server_that_has_their_data(measured):
    """What the README shows; the bounds leave room."""
    turns, served, _ = measured("in turn", nothing, icp=False)
    assert set(served) == set(NAMES)
    asked, _, chosen = measured("asked, without the plugin", nothing)
    assert chosen["FIRST_PARENT_MISS"] > REQUESTS * 0.9
    with_partition, served, chosen = measured("partition", partition)
    assert chosen["PARENT_HIT"] > REQUESTS * 0.9
    assert min(served[name] for name in NAMES) > REQUESTS * 0.15
    with_affinity, _, chosen = measured("affinity", affinity, options={})
    assert chosen["PARENT_HIT"] > REQUESTS * 0.7
    assert max(turns, asked) < 0.6
    assert with_partition > 0.85
    assert with_affinity > 0.75


def articles(member, answer, number):
    """Return some articles about which a member says so."""
    paths = (f"/articles/{at}" for at in range(1000))
    found = (path for path in paths if member.says(path) == answer)
    return [next(found) for _ in range(number)]


def test_who_drains_gets_nothing_and_nothing_moves_between_the_others(new_group):
    with new_group("drained", drained_partition) as found:
        first, *others = found.members
        owned = {each.name: articles(each, "ICP_OP_HIT", 10) for each in found.members}
        (first.folder / "drain").touch()
        until(lambda: first.says("/") == "ICP_OP_MISS_NOFETCH", "it drains")
        assert first.name not in {found.fetch(path) for path in owned[first.name]}
        for each in others:
            assert {found.fetch(path) for path in owned[each.name]} == {each.name}
        deputies = [found.fetch(path) for path in owned[first.name]]
        (first.folder / "drain").unlink()
        until(lambda: first.says(owned[first.name][0]) == "ICP_OP_HIT", "it is back")
        assert {found.fetch(path) for path in owned[first.name]} == {first.name}
        assert len(set(deputies)) == 2  # its share is shared by the others


def test_what_cannot_be_cached_is_asked_about_too(new_group):
    with new_group("uncachable", partition) as found:
        for each in found.members:
            path = articles(each, "ICP_OP_HIT", 1)[0]
            assert found.fetch(path, "POST", b"x=y") == each.name
            assert found.fetch(path, Authorization="Basic YTpi") == each.name


def test_what_a_dead_member_owned_its_deputies_get(new_group):
    """Once Squid takes it for dead; until then it waits in vain, and takes any of the others."""
    with new_group("dead", partition) as found:
        first, *others = found.members
        owned = articles(first, "ICP_OP_HIT", 20)
        deputies = {
            path: each.name for path in owned for each in others if each.says(path) == "ICP_OP_MISS"
        }
        assert {found.fetch(path) for path in owned} == {first.name}
        assert set(deputies.values()) == {each.name for each in others}
        found.end(first)
        path = next(path for path in owned if deputies[path] == others[-1].name)  # not by chance
        until(lambda: found.fetch(path) == deputies[path], "Squid takes it for dead", 60)
        assert {path: found.fetch(path) for path in owned} == deputies
        assert found.hierarchy()["FIRST_PARENT_MISS"] >= len(owned)
