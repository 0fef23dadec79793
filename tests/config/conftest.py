"""What tests of the settings file share: a file with some text in it."""

import pytest

from zcadapt.config import load


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "zcadapt.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def settings(write):
    """Return the settings in a text that has no problems."""

    def settings(text):
        loaded = load(write(text))
        assert loaded.problems == ()
        return loaded.settings

    return settings


@pytest.fixture
def problems(write, monkeypatch, tmp_path):
    """Return the problems of a text, as they are printed."""

    def problems(text):
        write(text)
        monkeypatch.chdir(tmp_path)
        return [str(each) for each in load("zcadapt.toml").problems]

    return problems
