"""Everything about ICAP has a default that is safe, and a bound."""

from dataclasses import FrozenInstanceError, fields

import pytest

from zcadapt.icap.limits import Limits
from zcadapt.icap.settings import ICAPSettings


def test_the_defaults_listen_at_home_only():
    assert ICAPSettings().listen == ("127.0.0.1:1344",)


def test_settings_are_limits_too():
    assert isinstance(ICAPSettings(), Limits)
    assert ICAPSettings(uri_bytes=100).uri_bytes == 100


def test_nobody_changes_settings():
    with pytest.raises(FrozenInstanceError):
        ICAPSettings().connections = 1


@pytest.mark.parametrize("field", fields(ICAPSettings), ids=lambda field: field.name)
def test_every_setting_is_explained_and_bounded(field):
    assert field.metadata["text"].endswith(".")
    if field.name != "listen":
        default = getattr(ICAPSettings(), field.name)
        assert field.metadata["least"] <= default <= field.metadata["most"]


def test_a_body_in_memory_is_smaller_than_a_body():
    settings = ICAPSettings()
    assert settings.body_memory < settings.body_bytes
    assert settings.drain_bytes < settings.body_bytes
