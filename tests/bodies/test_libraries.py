import json

import pytest

from zcadapt.bodies import MissingLibraryError
from zcadapt.bodies.libraries import library


def test_the_first_that_is_there_is_taken():
    assert library("no_such_library", "json", "csv") is json


def test_what_is_missing_is_told_with_the_way_to_get_it():
    with pytest.raises(MissingLibraryError, match=r"no_such.*pip install 'zcadapt\[bodies\]'"):
        library("no_such_library")


def test_a_broken_one_counts_as_missing(monkeypatch, tmp_path):
    (tmp_path / "broken_library.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingLibraryError):
        library("broken_library")
