"""The installed plugin is found: packaging is what breaks first."""

from importlib.metadata import entry_points

import pytest
from zope.interface.registry import Components

from zcadapt.config import load
from zcadapt.discovery import POLICIES, SERVICES, origins, register

pytest.importorskip("zcadapt_example", reason="zcadapt-example is not installed")


@pytest.mark.parametrize(
    ("kind", "names"),
    [(SERVICES, ["10-block-hosts", "zzz-add-header"]), (POLICIES, ["baz", "foo"])],
)
def test_what_is_installed_is_registered_without_a_problem(kind, names):
    components = Components()
    problems = register(components, load(None), kind)
    assert not [each for each in problems if "zcadapt-example" in str(each)]
    ours = [
        each.name
        for each in origins(components, kind.interface)
        if each.origin.distribution == "zcadapt-example"
    ]
    assert ours == names


def test_its_entry_points_are_all_there():
    found = [
        point
        for group in ("zcadapt.icap_services", "zcadapt.icp_policies")
        for point in entry_points(group=group)
        if point.module == "zcadapt_example"
    ]
    assert len(found) == 4
