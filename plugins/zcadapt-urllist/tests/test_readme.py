"""The README is right."""

import doctest
from pathlib import Path


def test_the_examples_in_the_readme_work():
    readme = Path(__file__).parent.parent / "README.rst"
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    done = doctest.testfile(str(readme), module_relative=False, optionflags=flags)
    assert done.attempted > 10
    assert done.failed == 0
