from importlib.metadata import version

import zcadapt
from zcadapt.version import VERSION


def test_the_version_is_that_of_the_distribution():
    assert version("zcadapt") == VERSION
    assert zcadapt.__version__ == VERSION
