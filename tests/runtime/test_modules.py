"""Modules are imported from the working directory too, and one that fails is told."""

import sys

import pytest

from zcadapt.runtime.modules import import_modules


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each])
    written = []

    def write(name, code):
        (tmp_path / f"{name}.py").write_text(code)
        written.append(name)

    yield write
    for name in written:
        sys.modules.pop(name, None)


def test_a_module_in_the_working_directory_is_imported(write):
    write("my_rules_a", "done = True")
    assert import_modules(["my_rules_a"]) == []
    assert sys.modules["my_rules_a"].done


def test_a_module_of_the_library_is_imported(write):
    assert import_modules(["json.tool"]) == []


def test_the_path_grows_once(write):
    import_modules([])
    import_modules([])
    assert sys.path.count("") == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("1/0", "ZeroDivisionError: division by zero"),
        ("import nowhere_at_all", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_one_that_fails_is_told_and_leaves_the_others_in_place(write, code, reason):
    write("my_rules_b", code)
    write("my_rules_c", "done = True")
    assert list(map(str, import_modules(["my_rules_b", "my_rules_c"]))) == [
        f"--load my_rules_b: {reason}"
    ]
    assert sys.modules["my_rules_c"].done


@pytest.mark.parametrize("name", ["mine.py", "./mine.py", "./mine"])
def test_the_name_of_a_file_is_told_with_the_name_of_its_module(name):
    (problem,) = import_modules([name])
    assert str(problem) == f"--load {name}: the name of a module is wanted, such as mine"
