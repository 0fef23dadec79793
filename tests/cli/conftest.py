"""What tests of commands share: a folder with a distribution, and a server as a process."""

import os
import subprocess
import sys
import textwrap

import pytest
from click.testing import CliRunner
from zope.interface.registry import Components

from zcadapt.cli import main

PLUGIN = """
    import click
    from zope.interface import implementer
    from zcadapt.hooks import hookimpl
    from zcadapt.interfaces import IICAPService

    @implementer(IICAPService)
    class Service:
        methods = ('REQMOD', 'RESPMOD')
        preview = 0
        def __init__(self, options):
            self.options = options
        def adapt(self, request):
            return None

    def foo(url):
        return 'ICP_OP_HIT' if 'foo' in url else None

    @hookimpl
    def zcadapt_commands(group):
        @group.command()
        def greet():
            "Greet."
            click.echo('hello from a plugin')

        @group.command(name='serve')
        def ours():
            click.echo('not the real one')

    @hookimpl
    async def zcadapt_startup():
        await hang('start')

    @hookimpl
    async def zcadapt_shutdown():
        await hang('end')

    async def hang(when):
        import asyncio, os, time
        how = os.environ.get('HANG', '').partition(' at ')
        if how[2] != when:
            return
        print('hanging', flush=True)
        while True:
            try:
                time.sleep(3600) if how[0] == 'blocks' else await asyncio.Event().wait()
            except asyncio.CancelledError:
                if how[0] != 'stays':
                    raise
"""

ENTRY_POINTS = """
[zcadapt.icap_services]
lists = plug_cli:Service
[zcadapt.icp_policies]
foo-hit = plug_cli:foo
broken = plug_cli:nothing
[zcadapt.plugins]
cli = plug_cli
worse = plug_cli:nothing
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Give the working directory, with a distribution in it that is on the path."""
    info = tmp_path / "plug_cli-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plug-cli\nVersion: 1.5\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (tmp_path / "plug_cli.py").write_text(textwrap.dedent(PLUGIN))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    yield tmp_path
    sys.modules.pop("plug_cli", None)


@pytest.fixture
def invoke():
    """Return what runs a command with a registry of its own."""

    def invoke(*args):
        return CliRunner().invoke(main, args, obj=Components(), prog_name="zcadapt")

    return invoke


@pytest.fixture
def start(folder):
    """Return what starts a command as a process; at the end it is killed if it still runs."""
    started = []

    def start(*args, closed="", **environ):
        """Start it; `closed` is what a shell is told about its output."""
        process = subprocess.Popen(
            ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "zcadapt", *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environ},
            cwd=folder,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
