"""pytest finds the fixtures, and runs that do not use them pay nothing for them."""

import os
import subprocess
import sys
import textwrap
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parent.parent

USES = """
    from zcadapt import block, reqmod
    from zcadapt.testing import reqmod_request

    @reqmod
    def blocker(request):
        return block(request, reason='because')

    def test_a_server(zcadapt_server):
        server = zcadapt_server({'a': blocker}, policies={'b': lambda url: 'ICP_OP_HIT'})
        other = zcadapt_server(settings={'icap': {'options_ttl': 5}})
        request = reqmod_request('http://x/')
        assert server.client().ask(request).response.status == 403
        assert server.query('http://x/') == 'ICP_OP_HIT'
        assert other.client().ask(request).status == 204

    def test_a_transcript(zcadapt_server, zcadapt_transcript):
        client = zcadapt_server({'avscan': blocker}).client()
        client.send(zcadapt_transcript('squid-reqmod'))
        assert client.answer().status == 200

    def test_nothing_is_left():
        import threading
        assert threading.active_count() == 1
"""

USES_NOT = """
    import sys

    def test_zcadapt_is_not_even_imported():
        assert 'zcadapt_pytest' in sys.modules
        assert not [name for name in sys.modules if name.split('.')[0] in ('zcadapt', 'zope')]
"""


def run(folder, text):
    (folder / "test_it.py").write_text(textwrap.dedent(text))
    # Named, so that it is there in a checkout that was installed before it was.
    options = ["-q", "-p", "zcadapt_pytest", "-p", "no:cacheprovider", "-W", "error"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "test_it.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_the_fixtures_serve(tmp_path):
    done = run(tmp_path, USES)
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def test_who_does_not_use_them_does_not_pay(tmp_path):
    done = run(tmp_path, USES_NOT)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_pytest_is_told_where_they_are():
    """Under the name of the module, so that ``-p`` does not load it a second time."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert "zcadapt_pytest = zcadapt_pytest" in setup["options.entry_points"]["pytest11"]
