"""The README, whose examples are run."""

import doctest
from pathlib import Path


def test_the_readme_is_true():
    readme = Path(__file__).parent.parent / "README.rst"
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    results = doctest.testfile(str(readme), module_relative=False, optionflags=flags)
    assert results.attempted > 40
    assert results.failed == 0
