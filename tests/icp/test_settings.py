"""The defaults are safe, and hold what they promise."""

import dataclasses

import pytest

from zcadapt.icp import ICPSettings
from zcadapt.runtime.access import AccessList


@pytest.fixture
def allowed():
    return AccessList(ICPSettings().allow)


def test_it_listens_to_this_machine_alone():
    assert ICPSettings().listen == ("127.0.0.1:3130",)


@pytest.mark.parametrize(
    "peer",
    [
        "127.0.0.1",
        "::1",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "fd00::1",
        "169.254.1.1",
        "fe80::1%eth0",
        "::ffff:10.1.2.3",
    ],
)
def test_whoever_is_near_may_ask(allowed, peer):
    assert peer in allowed


@pytest.mark.parametrize(
    "peer", ["192.0.2.1", "172.32.0.1", "8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8", "0.0.0.0"]
)
def test_strangers_may_not(allowed, peer):
    assert peer not in allowed


def test_strangers_get_silence():
    assert ICPSettings().refuse == "silence"


@pytest.mark.parametrize("field", dataclasses.fields(ICPSettings), ids=lambda field: field.name)
def test_every_setting_is_described_and_its_default_is_within_its_bounds(field):
    told = field.metadata
    assert told["text"].endswith(".")
    assert told["choices"] == () or field.default in told["choices"]
    assert told["least"] is None or told["least"] <= field.default <= told["most"]
