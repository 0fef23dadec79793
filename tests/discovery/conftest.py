"""What tests of discovery share: distributions on the path, as pip leaves them behind."""

import sys
import textwrap
from importlib.metadata import MetadataPathFinder
from pathlib import Path

import pytest
from zope.interface.registry import Components

from zcadapt.config import load
from zcadapt.discovery import SERVICES, origins, register

CODE = """
    from zope.interface import implementer, provider
    from zcadapt.interfaces import IICAPService, IICPPolicy, IICPQueryPolicy
    from zcadapt.hooks import hookimpl

    @implementer(IICAPService)
    class Service:
        methods = ('REQMOD',)
        preview = 0
        options = None
        def adapt(self, request):
            return None

    service = Service()

    class Configured(Service):
        def __init__(self, options):
            self.options = dict(options)

    def make_service(options):
        return Configured(options)

    @implementer(IICAPService)
    class Unready:
        methods = ('REQMOD',)

    class Wordy(Service):
        methods = 'REQMOD'

    class Greedy(Service):
        methods = ('REQMOD', 'FILEMOD')

    class Negative(Service):
        preview = -1

    def foo(url):
        if 'foo' in url:
            return 'ICP_OP_HIT'

    @provider(IICPQueryPolicy)
    def strangers(query):
        return None

    class Partition:
        def __init__(self, options):
            self.options = dict(options)
        def __call__(self, url):
            return None

    @implementer(IICPPolicy)
    def make_policy(options):
        return Partition(options)

    class Mute:
        pass

    @implementer(IICPPolicy)
    class Shy:
        def __call__(self):
            return None

    def undecided(options):
        return None

    def refusing(options):
        raise LookupError('no list')

    def leaving(options):
        raise SystemExit(3)

    def undecorated(request):
        if request.http.host == 'bad.example':
            return None

    async def undecorated_async(request):
        return None

    def careless(options):
        return (3).x

    def no_url():
        return None

    def two_urls(url, more):
        return None

    number = 7

    class Plugin:
        @hookimpl
        def zcadapt_configure(self, settings):
            pass

    plugin = Plugin()
    other = Plugin()
"""


@pytest.fixture(autouse=True)
def nothing_else_installed(tmp_path, monkeypatch):
    """Hide the plugins that happen to be installed beside: each test brings its own."""
    find = MetadataPathFinder.find_distributions

    def ours(context):
        for each in find(context):
            is_ours = Path(each.locate_file("")).resolve() == tmp_path  # or "", while it is the cwd
            if is_ours or "[zcadapt." not in (each.read_text("entry_points.txt") or ""):
                yield each

    monkeypatch.setattr(MetadataPathFinder, "find_distributions", ours)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a distribution on the path, as pip leaves it behind."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(name, version="1.0", code=CODE, **groups):
        module = name.replace("-", "_")
        info = tmp_path / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(
            "".join(
                f"[zcadapt.{group}]\n"
                + "".join(f"{key} = {module}:{value}\n" for key, value in points.items())
                for group, points in groups.items()
            )
        )
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(code))

    return install


@pytest.fixture(autouse=True)
def forget_modules():
    """Each test's modules are its own."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("plug"):
            del sys.modules[name]


@pytest.fixture
def settings(tmp_path, monkeypatch):
    def settings(text=""):
        (tmp_path / "zcadapt.toml").write_text(textwrap.dedent(text))
        monkeypatch.chdir(tmp_path)
        return load("zcadapt.toml")

    return settings


@pytest.fixture
def found(settings):
    """Register all, and return names, origins and problems."""

    def found(text="", kind=SERVICES):
        components = Components()
        problems = register(components, settings(text), kind)
        return origins(components, kind.interface), list(map(str, problems))

    return found
