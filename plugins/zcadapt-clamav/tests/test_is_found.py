"""The installed plugin is found: packaging is what breaks first."""

from importlib.metadata import entry_points

from zope.interface.registry import Components

from zcadapt.config import load
from zcadapt.discovery import SERVICES, origins, register


def test_what_is_installed_is_registered_without_a_problem():
    components = Components()
    problems = register(components, load(None), SERVICES)
    assert not [each for each in problems if "zcadapt-clamav" in str(each)]
    ours = [
        each.name
        for each in origins(components, SERVICES.interface)
        if each.origin.distribution == "zcadapt-clamav"
    ]
    assert ours == ["clamav"]


def test_its_entry_point_is_there():
    (point,) = entry_points(group="zcadapt.icap_services", name="clamav")
    assert point.value == "zcadapt_clamav:ClamAV"
