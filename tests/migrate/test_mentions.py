"""Where a package is named, and no import of it, that is told and stays."""

import ast

import pytest

from zcadapt.migrate.mentions import in_code, in_text, lines_with_examples


def told(code):
    return [(each.line, each.text) for each in in_code(ast.parse(code))]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (
            "importlib.import_module('pyicap')",
            "import_module imports by name: pyicap is not changed: make it zcadapt.compat.pyicap",
        ),
        (
            "__import__('zc.icp')",
            "__import__ imports by name: zc.icp is not changed: make it zcadapt.compat.zc_icp",
        ),
        (
            "mock.patch('pyicap.ICAPServer')",
            (
                "in a string: pyicap.ICAPServer is not changed: "
                "make it zcadapt.compat.pyicap.ICAPServer"
            ),
        ),
        (
            "a = 'zc.icp.interfaces.IICPPolicy'",
            (
                "in a string: zc.icp.interfaces.IICPPolicy is not changed: "
                "make it zcadapt.compat.zc_icp.IICPPolicy"
            ),
        ),
        (
            "a = 'zc.icp.template'",
            "in a string: zc.icp.template is not changed: format_datagram draws every datagram",
        ),
        ("setup(install_requires=['a', 'pyicap>=1.0'])", "depends on pyicap: make it zcadapt"),
        (
            "setuptools.setup(extras_require={'a': ['icap-server @ git+https://host/x']})",
            "depends on icap-server: make it zcadapt",
        ),
    ],
)
def test_a_string_that_names_one_is_told(code, text):
    assert told("\n" + code) == [(2, text)]


@pytest.mark.parametrize(
    "code",
    [
        "a['icap_server'] = 'icapserver'",
        "logging.getLogger('pyicap')",
        "open('pyicap.py'), open('icap_server.log')",
        "'see pyicap.ICAPServer for this'",
        "setup(name='zc.icp', packages=['pyicap'])",
        "import_module('os'), import_module(name), import_module()",
        "setup(install_requires=['pyicap2', 'my-pyicap', 'zc.icp.more'])",
        "f(install_requires=['pyicap'])",
        "a: 'pyicap.ICAPServer' = 1",
        "def f(a: List['pyicap.ICAPServer'], *b: 'pyicap.X') -> 'pyicap.ICAPError': pass",
        "async def f() -> 'pyicap.ICAPError': pass",
    ],
)
def test_other_strings_are_nobodys_concern(code):
    assert told(code) == []


@pytest.mark.parametrize(
    ("dotted", "is_renamed", "number"),
    [
        ("zc.icp.IICPPolicy", False, 0),
        ("zc.icp.IICPPolicy", True, 1),
        ("pyicap.ICAPServer", True, 0),
        ("icap_server.structures.icap_method.ICAPMethod", False, 1),
    ],
)
def test_an_annotation_is_told_where_its_name_is_another_now(dotted, is_renamed, number):
    tree = ast.parse(f"a: '{dotted}'")
    assert len(list(in_code(tree, is_renamed=is_renamed))) == number


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pyicap==1.0b1", "depends on pyicap: make it zcadapt"),
        ("PyICAP", "depends on PyICAP: make it zcadapt"),
        ("    zc.icp", "depends on zc.icp: make it zcadapt"),
        ('dependencies = ["a", "icapserver>1"]', "depends on icapserver: make it zcadapt"),
        ("git+https://host/vp/icap_server.git", "depends on icap_server: make it zcadapt"),
        (
            '<utility provides="zc.icp.interfaces.IICPPolicy" />',
            "zc.icp.interfaces.IICPPolicy is not changed: make it zcadapt.compat.zc_icp.IICPPolicy",
        ),
    ],
)
def test_a_line_of_a_text_is_told(text, told):
    (finding,) = in_text(f"\r\n{text}\r\n")
    assert (finding.line, finding.text) == (2, told)


@pytest.mark.parametrize("text", ["# pyicap", "  ; pyicap", "my-pyicap", "pyicap2", "a.pyicap"])
def test_other_lines_are_nobodys_concern(text):
    assert list(in_text(text)) == []


def test_lines_with_examples_are_those_of_the_strings():
    code = "a = '>>> b'\n'''c\nd'''\n'''\n>>> e\n'''\n"
    assert lines_with_examples(ast.parse(code)) == {1: 11, 4: None, 5: None, 6: 3}
