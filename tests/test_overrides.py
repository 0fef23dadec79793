"""What an administrator may set for one utility."""

from dataclasses import FrozenInstanceError

import pytest

from zcadapt.config import SettingsError, UtilityTable, read_options
from zcadapt.overrides import UtilitySettings


def test_nothing_set_leaves_it_to_the_utility():
    assert (UtilitySettings().on_error, UtilitySettings().timeout) == (None, None)


def test_a_table_of_the_settings_file_is_one():
    assert isinstance(UtilityTable(on_error="skip"), UtilitySettings)


def test_it_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        UtilitySettings().timeout = 3


@pytest.mark.parametrize("on_error", ["error", "skip", "block"])
def test_what_follows_a_failure_is_one_of_three(on_error):
    assert read_options(UtilitySettings, {"on_error": on_error}).on_error == on_error


@pytest.mark.parametrize("wrong", [{"on_error": "bypass"}, {"timeout": 0}, {"timeout": 1e9}])
def test_nothing_else_is_taken(wrong):
    with pytest.raises(SettingsError):
        read_options(UtilitySettings, wrong)
