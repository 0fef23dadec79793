"""Modules are imported, and one that fails is told."""

import logging
import sys
import threading

import pytest
from zope.interface.registry import Components

from zcadapt.discovery import Origin
from zcadapt.interfaces import IICPPolicy
from zcadapt.runtime import modules
from zcadapt.runtime.modules import import_modules

COMPONENTS = Components()


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    written = []

    def write(name, code):
        (tmp_path / f"{name}.py").write_text(code)
        written.append(name)

    yield write
    for name in written:
        sys.modules.pop(name, None)


def test_a_module_is_imported(write):
    write("my_rules_a", "done = True")
    import_modules(["my_rules_a"], COMPONENTS)
    assert sys.modules["my_rules_a"].done


def test_a_module_of_the_library_is_imported(write):
    assert import_modules(["json"], COMPONENTS) == []


def test_one_that_registers_nothing_is_warned_of(write):
    write("my_rules_d", "def policy(url): return None")
    (problem,) = import_modules(["my_rules_d"], COMPONENTS)
    assert problem.is_warning
    assert str(problem).startswith("--load my_rules_d: it has registered nothing; ")


def test_one_that_registers_or_replaces_something_is_not(write, monkeypatch):
    components = Components()
    components.registerUtility(print, IICPPolicy, "b")
    monkeypatch.setitem(sys.modules, "my_components", components)
    register = "import my_components\nfrom zcadapt.interfaces import IICPPolicy\n"
    register += "my_components.registerUtility(lambda url: None, IICPPolicy, {!r})\n"
    write("my_rules_e", register.format("a"))
    write("my_rules_f", register.format("b"))
    assert import_modules(["my_rules_e", "my_rules_f"], components) == []


def test_one_that_was_imported_before_may_have_registered_then(write):
    write("my_rules_g", "")
    assert len(import_modules(["my_rules_g"], COMPONENTS)) == 1
    assert import_modules(["my_rules_g"], COMPONENTS) == []


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("\n1/0", "ZeroDivisionError: division by zero (my_rules_b.py:2)"),
        (
            "import nowhere_at_all",
            "ModuleNotFoundError: No module named 'nowhere_at_all' (my_rules_b.py:1)",
        ),
        ("raise SystemExit(3)", "SystemExit: 3 (my_rules_b.py:1)"),
    ],
)
def test_one_that_fails_is_told_and_leaves_the_others_in_place(write, code, reason):
    write("my_rules_b", code)
    write("my_rules_c", "done = True")
    problem, _ = import_modules(["my_rules_b", "my_rules_c"], COMPONENTS)
    assert str(problem) == f"--load my_rules_b: {reason}"
    assert not problem.is_warning
    assert sys.modules["my_rules_c"].done


@pytest.mark.parametrize("name", ["mine.py", "./mine.py", "./mine"])
def test_the_name_of_a_file_is_told_with_the_name_of_its_module(name):
    (problem,) = import_modules([name], COMPONENTS)
    assert str(problem) == f"--load {name}: the name of a module is wanted, such as mine"


def test_one_that_takes_the_place_of_what_an_entry_point_has_made_is_warned_of(write, monkeypatch):
    components = Components()
    origin = Origin("plug", "plug-a", "1.0", "zcadapt.icp_policies", "foo")
    components.registerUtility(print, IICPPolicy, "foo", origin)
    components.registerUtility(print, IICPPolicy, "bar", origin)
    monkeypatch.setitem(sys.modules, "my_components", components)
    write(
        "my_rules_h",
        "import my_components\nfrom zcadapt.interfaces import IICPPolicy, IICPQueryPolicy\n"
        "my_components.registerUtility(len, IICPQueryPolicy, 'foo')\n"
        "my_components.registerUtility(len, IICPPolicy, 'new')\n",
    )
    (problem,) = import_modules(["my_rules_h"], components)
    assert problem.is_warning
    assert str(problem) == (
        "--load my_rules_h: it replaces the policy 'foo' of plug-a 1.0 (zcadapt.icp_policies: foo)"
    )


class Heard(logging.Handler):
    """Lets the module go on when the warning about it has come."""

    def __init__(self):
        super().__init__()
        self.event = threading.Event()

    def emit(self, record):
        self.text = record.getMessage()
        self.event.set()


def test_one_that_does_not_end_is_told_of(write, monkeypatch):
    monkeypatch.setattr(modules, "PATIENCE", 0.01)
    heard = Heard()
    monkeypatch.setattr(sys, "heard", heard.event, raising=False)
    modules.log.addHandler(heard)
    try:
        write("my_rules_h", "import sys; assert sys.heard.wait(30)")
        import_modules(["my_rules_h"], COMPONENTS)
    finally:
        modules.log.removeHandler(heard)
    assert heard.text.startswith("--load my_rules_h: it is still being imported; ")
