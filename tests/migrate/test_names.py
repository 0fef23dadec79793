"""Names lead to where they were imported from."""

import ast

import pytest

from zcadapt.migrate.names import EARLY, Names


def names(code):
    return Names(ast.parse(code))


def resolved(code, expression):
    place = names(code).resolve(ast.parse(expression, mode="eval").body)
    return place and f"{place.module}:{place.name}"


@pytest.mark.parametrize(
    ("code", "expression", "place"),
    [
        ("import pyicap", "pyicap.ICAPServer", "pyicap:ICAPServer"),
        ("import pyicap as p", "p.ICAPServer.x", "pyicap:ICAPServer"),
        ("from pyicap import ICAPServer as S", "S", "pyicap:ICAPServer"),
        ("from pyicap import *", "ICAPServer", "pyicap:ICAPServer"),
        ("import zc.icp", "zc.icp.check_url", "zc.icp:check_url"),
        ("from zc import icp", "icp.check_url", "zc.icp:check_url"),
        ("from zcadapt.compat.zc_icp import zc", "zc.icp.check_url", "zc.icp:check_url"),
        ("from zcadapt.compat import pyicap", "pyicap.X", "zcadapt.compat.pyicap:X"),
    ],
)
def test_a_name_is_resolved(code, expression, place):
    assert resolved(code, expression) == place


@pytest.mark.parametrize(
    ("code", "expression"),
    [
        ("", "pyicap.ICAPServer"),
        ("import pyicap\npyicap = 1", "pyicap.ICAPServer"),
        ("import pyicap\ndef f(pyicap): pass", "pyicap.ICAPServer"),
        ("from pyicap import *", "Other"),
        ("from pyicap import *\nICAPServer = 1", "ICAPServer"),
        ("from .pyicap import ICAPServer", "ICAPServer"),
        ("import os", "os.path"),
        ("import pyicap", "f(pyicap).x"),
    ],
)
def test_others_lead_nowhere(code, expression):
    assert resolved(code, expression) is None


def test_a_use_is_told_once_with_its_whole_name():
    (use,) = names("import zc.icp\nzc.icp.interfaces.IICPPolicy.names()\n").uses()
    assert ast.unparse(use.node) == "zc.icp.interfaces.IICPPolicy.names"
    assert use.place.module == "zc.icp.interfaces"
    assert use.root == "zc"


def test_icapserver_was_called_icap_server_once():
    early = "from icap_server import *\nclass A(BaseICAPRequestHandler): pass\n"
    assert names(early).place("icap_server.ICAPServer").package is EARLY
    assert (
        names(f"import pyicap\n{early}").place("icap_server.X").package.new.endswith(".icap_server")
    )
    assert names("import icap_server").place("icap_server.X").package.new.endswith(".icap_server")


@pytest.mark.parametrize(
    ("code", "alone"), [("a.b", False), ("a = 1", False), ("a", True), ("a.b, f(a)", True)]
)
def test_a_name_may_be_used_as_a_whole(code, alone):
    assert names(code).is_alone("a") is alone
