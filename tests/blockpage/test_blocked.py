"""A page is told all of a block, and changes nothing of it."""

import dataclasses

import pytest

from zcadapt import Blocked, block
from zcadapt.testing import reqmod_request


def test_a_block_never_changes():
    request = reqmod_request("http://a/")
    blocked = Blocked(id="abc", service="10", request=request, decision=block(request, reason="r"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        blocked.id = "other"
    assert blocked.decision.reason == "r"
