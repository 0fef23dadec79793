"""Settings, plugins and modules in one registry, each able to replace what came before."""

import sys
import textwrap

import pytest
from zope.interface.registry import Components

from zcadapt.config import load
from zcadapt.discovery import origins
from zcadapt.icap.echo import echo
from zcadapt.interfaces import IICAPService, IICPPolicy
from zcadapt.runtime.assembly import assemble

PLUGIN = """
    from zcadapt.hooks import hookimpl
    from zcadapt.interfaces import IICPPolicy

    order = []

    def foo(url):
        return 'ICP_OP_HIT'

    def from_hook(url):
        return 'ICP_OP_MISS'

    @hookimpl
    def zcadapt_configure(settings):
        order.append('configure')
        if settings.plugins['hooks'].options.get('bad'):
            raise ValueError('bad: must not be')

    @hookimpl
    def zcadapt_register(registry, settings):
        found = [each.component for each in registry.registeredUtilities()]
        order.append('register after foo' if foo in found else 'register')
        registry.registerUtility(from_hook, IICPPolicy, 'hooks-foo')
        registry.registerUtility(from_hook, IICPPolicy, 'hooks-bar')
"""


@pytest.fixture
def plug(tmp_path, monkeypatch):
    """Install a distribution with a policy and a plugin with hooks."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    info = tmp_path / "plug_hooks-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plug-hooks\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[zcadapt.icp_policies]\nhooks-foo = plug_hooks:foo\n"
        "[zcadapt.plugins]\nhooks = plug_hooks\n"
    )
    (tmp_path / "plug_hooks.py").write_text(textwrap.dedent(PLUGIN))
    yield
    for name in ("plug_hooks", "my_rules_z"):
        sys.modules.pop(name, None)


@pytest.fixture
def assembled(tmp_path):
    def assembled(text="[plugins.hooks]\n", modules=()):
        path = tmp_path / "zcadapt.toml"
        path.write_text(text)
        return assemble(load(str(path)), Components(), modules)

    return assembled


def answers(found):
    """Return what our policies answer; others may be installed beside them."""
    policies = {each.name: each.utility for each in origins(found.components, IICPPolicy)}
    return policies["hooks-foo"](""), policies["hooks-bar"]("")


@pytest.mark.usefixtures("plug")
def test_hooks_come_before_and_after_what_entry_points_register(assembled):
    found = assembled()
    assert found.problems == ()
    assert sys.modules["plug_hooks"].order == ["configure", "register after foo"]


@pytest.mark.usefixtures("plug")
def test_a_hook_replaces_what_an_entry_point_registered(assembled):
    assert answers(assembled()) == ("ICP_OP_MISS", "ICP_OP_MISS")


@pytest.mark.usefixtures("plug")
def test_a_module_is_imported_last(assembled, tmp_path):
    (tmp_path / "my_rules_z.py").write_text("import plug_hooks; assert len(plug_hooks.order) == 2")
    assert assembled(modules=["my_rules_z"]).problems == ()


@pytest.mark.usefixtures("plug")
def test_a_hook_that_fails_is_a_problem_and_the_rest_goes_on(assembled):
    found = assembled("[plugins.hooks]\nbad = true")
    assert list(map(str, found.problems)) == [
        "plugin hooks: zcadapt_configure failed: ValueError: bad: must not be"
    ]
    assert answers(found) == ("ICP_OP_MISS", "ICP_OP_MISS")


def test_all_problems_are_told_at_once(assembled):
    found = assembled(
        "[icap]\nlisten = 3\n[services.x]\nuse = 'y'\n[endpoints]\navscan = ['z']",
        modules=["nowhere_at_all"],
    )
    texts = list(map(str, found.problems))
    assert len(texts) == 4
    for part in ["listen", "no entry point", "--load nowhere_at_all", 'no service is called "z"']:
        assert any(part in text for text in texts)


def test_an_endpoint_may_name_a_service_or_a_group_of_services(tmp_path):
    path = tmp_path / "zcadapt.toml"
    path.write_text("[endpoints]\na = ['lists']\nb = ['lists/de']\nc = ['list']\n")
    components = Components()
    components.registerUtility(echo, IICAPService, "lists/de")
    (problem,) = assemble(load(str(path)), components).problems
    assert '[endpoints] c: no service is called "list". Did you mean "lists/de"?' in str(problem)


def test_a_function_registered_as_a_service_without_its_decorator_is_told_and_left_out():
    components = Components()
    components.registerUtility(lambda request: None, IICAPService, "10-f")
    found = assemble(load(None), components)
    (text,) = (str(each) for each in found.problems if "10-f" in str(each))
    assert "does not provide IICAPService; is @reqmod or @respmod missing?" in text
    assert "10-f" not in [each.name for each in origins(components, IICAPService)]
