"""The plugin as a user has it: built, and installed into an environment of its own."""

import sys
from pathlib import Path

import pytest
from zcadapt_partition import Table

collect_ignore = ["site_of_articles.py"]  # it is for another process

PLUGIN = Path(__file__).parent.parent
CORE = PLUGIN.parent.parent


@pytest.fixture(scope="session")
def installation(tmp_path_factory):
    """Return a fresh environment with zcadapt and the plugin."""
    shared = pytest.importorskip("installation", reason="needs the source of zcadapt beside it")
    folder = tmp_path_factory.mktemp("wheels")
    wheels = [shared.wheel(project, folder) for project in (CORE, PLUGIN)]
    return shared.Installation(tmp_path_factory.mktemp("installation"), wheels)


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self):
        self.now = 1_700_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def new_table(clock):
    """How to make a table in memory, which is closed in the end."""
    made = []

    def new_table(**options):
        made.append(Table.in_memory(options, clock=clock))
        return made[-1]

    yield new_table
    for table in made:
        table.close()


@pytest.fixture
def impatient_threads():
    """Have threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)
