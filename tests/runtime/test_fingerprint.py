"""A fingerprint changes when a service would decide otherwise, and with nothing else."""

import pytest
from zope.interface.registry import Components

from zcadapt.config import UtilityTable
from zcadapt.discovery import Origin
from zcadapt.icap.service import reqmod
from zcadapt.interfaces import IICAPService
from zcadapt.runtime.fingerprint import fingerprints


@reqmod
def service(request):
    return None


@reqmod
def other(request):
    return None


@pytest.fixture
def fingerprint():
    """Return the fingerprint of a service called "x" that has this version and this table."""

    def fingerprint(version="1.0", **table):
        components = Components()
        origin = Origin("plug", "plug", version, "zcadapt.icap_services", "x")
        components.registerUtility(service, IICAPService, "x", origin)
        return fingerprints(components, {"x": UtilityTable(**table)})("x", service)

    return fingerprint


def test_the_same_installation_has_the_same_fingerprint(fingerprint):
    assert fingerprint(options={"a": 1, "b": [2]}) == fingerprint(options={"b": [2], "a": 1})
    assert fingerprint() != ""


@pytest.mark.parametrize(
    "change", [{"version": "1.1"}, {"on_error": "block"}, {"options": {"hosts": ["a"]}}]
)
def test_another_version_or_setting_is_another_fingerprint(fingerprint, change):
    assert fingerprint() != fingerprint(**change)


def test_a_service_without_a_table_has_one():
    components = Components()
    components.registerUtility(service, IICAPService, "x")
    assert fingerprints(components, {})("x", service)


def test_what_is_registered_later_has_none():
    components = Components()
    components.registerUtility(service, IICAPService, "x")
    fingerprint = fingerprints(components, {})
    assert fingerprint("x", other) == ""
    assert fingerprint("y", service) == ""
