"""The plugin as a user has it: built, installed into an environment of its own, and served."""

from contextlib import contextmanager
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parent.parent
CORE = PLUGIN.parent.parent


@pytest.fixture(scope="session")
def installation(tmp_path_factory):
    """Return a fresh environment with zcadapt and the plugin."""
    shared = pytest.importorskip("installation", reason="needs the source of zcadapt beside it")
    folder = tmp_path_factory.mktemp("wheels")
    wheels = [shared.wheel(project, folder) for project in (CORE, PLUGIN)]
    return shared.Installation(tmp_path_factory.mktemp("installation"), wheels)


@pytest.fixture(scope="session")
def serving(installation):
    """How to serve with the text of some settings; gives the port for ICAP."""

    @contextmanager
    def serve(settings, output):
        file = output.with_suffix(".toml")
        file.write_text(settings + '\n[icap]\nlisten = ["127.0.0.1:0"]\n[icp]\nlisten = []\n')
        with output.open("w") as log, installation.serve("--config", file, stderr=log) as found:
            yield found["icap"][1]

    return serve
