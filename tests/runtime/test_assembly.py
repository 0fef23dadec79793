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
    from zcadapt.config import Problem, SettingsError
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
        if settings.plugins['hooks'].options.get('lists'):
            raise SettingsError([Problem('lists[1].path', 'must not be')])

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
    (problem,) = assembled(modules=["my_rules_z"]).problems
    assert "it has registered nothing" in str(problem)


@pytest.mark.usefixtures("plug")
def test_a_hook_that_fails_is_a_problem_and_the_rest_goes_on(assembled):
    found = assembled("[plugins.hooks]\nbad = true")
    assert list(map(str, found.problems)) == [
        "plugin hooks: zcadapt_configure failed: ValueError: bad: must not be"
    ]
    assert answers(found) == ("ICP_OP_MISS", "ICP_OP_MISS")


@pytest.mark.usefixtures("plug")
def test_a_hook_can_tell_what_is_wrong_with_its_table(assembled):
    found = assembled("[[plugins.hooks.lists]]\npath = 1\n[[plugins.hooks.lists]]\npath = 2\n")
    (problem,) = map(str, found.problems)
    assert problem.endswith("toml:4: [plugins.hooks] lists[1].path: must not be (of plugin hooks)")


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
    path.write_text(
        "[endpoints]\na = ['xyzzy']\nb = ['xyzzy/de', '/xyzzy/']\nc = ['xyzzy', 'xyzz']\n"
        "d = ['echo']\n"
    )
    components = Components()
    components.registerUtility(echo, IICAPService, "xyzzy/de")
    (problem,) = assemble(load(str(path)), components).problems
    assert '[endpoints] c[1]: no service is called "xyzz". Did you mean "xyzzy/de"?' in str(problem)


def test_what_is_logged_as_a_warning_is_kept_beside_the_problems(assembled, tmp_path, monkeypatch):
    (tmp_path / "my_rules_z.py").write_text("import logging; logging.warning('beware')")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = assembled("", ["my_rules_z"])
    assert "root: beware" in map(str, found.logged)
    assert not [each for each in found.problems if "beware" in str(each)]
    del sys.modules["my_rules_z"]


def warnings(found):
    """Return the warnings about our services; others may be installed beside them."""
    return {
        str(each).partition("'")[2].partition("'")[0]: each.what
        for each in found.problems
        if each.is_warning
    }


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("echo", "it takes the place of the service behind /echo that leaves every message alone"),
        ("echo/x", "it takes the place of the service behind /echo"),
        ("reqmod", "/reqmod is for all services; give it another name, or a path under"),
        ("/respmod", "/respmod is for all services"),
        ("my list", "as a path it has to be written /my%20list"),
        ("a?b", "as a path it has to be written /a%3Fb"),
        ("é", "as a path it has to be written /%C3%A9"),
    ],
)
def test_a_name_that_is_not_simply_a_path_is_warned_of_and_asked_nevertheless(name, what):
    components = Components()
    components.registerUtility(echo, IICAPService, name)
    found = assemble(load(None), components)
    assert warnings(found)[name].startswith(what)
    assert name in [each.name for each in origins(components, IICAPService)]


@pytest.mark.parametrize("name", ["10-lists", "", "lists/de", "reqmod/x", "a@b:c", "/x"])
def test_a_name_that_is_a_path_is_not_warned_of(name):
    components = Components()
    components.registerUtility(echo, IICAPService, name)
    assert name not in warnings(assemble(load(None), components))


def test_a_path_of_the_settings_that_clients_have_to_write_otherwise_is_warned_of(tmp_path):
    path = tmp_path / "zcadapt.toml"
    path.write_text("[endpoints]\n'/av scan' = ['echo']\n")
    (problem,) = assemble(load(str(path)), Components()).problems
    assert problem.is_warning
    assert str(problem).endswith(
        ':2: [endpoints] "/av scan": as a path it has to be written /av%20scan'
    )


def test_a_function_registered_as_a_service_without_its_decorator_is_told_and_left_out():
    components = Components()
    components.registerUtility(lambda request: None, IICAPService, "10-f")
    found = assemble(load(None), components)
    (text,) = (str(each) for each in found.problems if "10-f" in str(each))
    assert "does not provide IICAPService; is @reqmod or @respmod missing?" in text
    assert "10-f" not in [each.name for each in origins(components, IICAPService)]
