"""Everything has a default, and each table its class."""

from dataclasses import FrozenInstanceError

import pytest

from zcadapt.config import Settings, UtilityTable


def test_an_empty_file_says_nothing(settings):
    assert settings("") == Settings()


def test_a_file_with_everything(settings):
    found = settings("""
        [icap]
        listen = ["127.0.0.1:0", "[::1]:1344"]
        idle_timeout = 30
        [server]
        grace = 2.5
        [log]
        level = "debug"
        [services."10-trackers"]
        use = "urllist"
        on_error = "skip"
        timeout = 3
        lists = ["trackers.txt"]
        [services."10-trackers".deep]
        down = 1
        [policies.partition]
        enabled = false
        [plugins.audit]
        path = "audit.log"
        [endpoints]
        avscan = ["50-clamav", "60-more"]
    """)
    assert found.icap.listen == ("127.0.0.1:0", "[::1]:1344")
    assert found.icap.idle_timeout == 30.0
    assert isinstance(found.icap.idle_timeout, float)
    assert found.server.grace == 2.5
    assert found.log.level == "debug"
    assert found.services["10-trackers"] == UtilityTable(
        use="urllist",
        on_error="skip",
        timeout=3.0,
        options={"lists": ["trackers.txt"], "deep": {"down": 1}},
    )
    assert not found.policies["partition"].enabled
    assert found.plugins["audit"].options == {"path": "audit.log"}
    assert found.endpoints == {"avscan": ("50-clamav", "60-more")}


def test_the_empty_name_is_a_name(settings):
    assert settings('[policies.""]\nuse = "foo"').policies[""].use == "foo"


def test_listening_nowhere_can_be_said(settings):
    assert settings("[icp]\nlisten = []").icp.listen == ()


def test_settings_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Settings().log = None
