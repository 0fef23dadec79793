"""The policies of the zc.icp documentation."""

import pytest

from zcadapt.testing import check_policy

pytest.importorskip("zcadapt_example", reason="zcadapt-example is not installed")

from zcadapt_example import baz_nofetch_policy, foo_hit_policy


@pytest.mark.parametrize("policy", [baz_nofetch_policy, foo_hit_policy])
def test_both_keep_the_promises_of_a_policy(policy):
    check_policy(policy)


@pytest.mark.parametrize(
    ("path", "foo", "baz"),
    [
        ("", None, None),
        ("bar", None, None),
        ("foo", "ICP_OP_HIT", None),
        ("baz", None, "ICP_OP_MISS_NOFETCH"),
        ("foo/baz", "ICP_OP_HIT", "ICP_OP_MISS_NOFETCH"),
    ],
)
def test_a_policy_has_an_opinion_about_its_own_word_only(path, foo, baz):
    assert foo_hit_policy(f"http://example.com/{path}") == foo
    assert baz_nofetch_policy(f"http://example.com/{path}") == baz
