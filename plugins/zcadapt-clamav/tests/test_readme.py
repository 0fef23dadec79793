"""The README is true."""

import dataclasses
import doctest
import re
from pathlib import Path

import pytest
from zcadapt_clamav import ClamAVSettings

HERE = Path(__file__).parent


@pytest.fixture
def readme():
    return next(path for path in (HERE / "README.rst", HERE.parent / "README.rst") if path.exists())


def test_its_examples(readme):
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    done = doctest.testfile(str(readme), module_relative=False, optionflags=flags)
    assert done.attempted > 5
    assert not done.failed


def test_it_has_all_settings_and_their_defaults(readme):
    table = readme.read_text().split(".. settings begin")[1].split(".. settings end")[0]
    told = dict(re.findall(r"(?m)^``(\w+)`` +(.+?)  ", table))
    declared = {each.name: each.default for each in dataclasses.fields(ClamAVSettings)}
    assert list(told) == list(declared)
    words = {"clamd": "usual sockets", "store": "cache folder", "database": "none"}
    for name, default in declared.items():
        if name in words:
            assert told[name] == words[name]
        elif isinstance(default, bool):
            assert told[name] == str(default).lower()
        elif isinstance(default, tuple):
            assert told[name] == str(list(default))
        elif isinstance(default, str):
            assert told[name] == default
        else:
            assert float(told[name]) == default
