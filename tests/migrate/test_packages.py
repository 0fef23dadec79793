"""Each name that code is given has to be there."""

from importlib import import_module

import pytest

from zcadapt.migrate.packages import HANDLERS, PACKAGES, STRUCTURES, place_of


@pytest.mark.parametrize(
    ("package", "name"),
    [(package, name) for package in PACKAGES.values() for name in sorted(package.names)],
    ids=lambda each: each if isinstance(each, str) else each.old,
)
def test_each_name_is_in_the_new_module(package, name):
    assert hasattr(import_module(package.new), name)


@pytest.mark.parametrize("package", PACKAGES.values(), ids=lambda each: each.old)
def test_what_is_gone_is_not_in_the_new_module(package):
    module = import_module(package.new)
    assert not [name for name in package.gone if hasattr(module, name)]


@pytest.mark.parametrize("old", ["pyicap", "icapserver"])
def test_a_star_brings_the_names_that_are_carried_over(old):
    assert set(import_module(PACKAGES[old].new).__all__) >= HANDLERS


def test_the_new_module_of_zc_icp_has_what_is_called_zc():
    module = import_module(PACKAGES["zc.icp"].new)
    assert "zc" not in module.__all__  # a star must not hide others whose names begin so
    assert module.zc.icp is module
    assert module.zc.icp.interfaces.IICPPolicy is module.IICPPolicy


@pytest.mark.parametrize(
    ("dotted", "old", "module", "name"),
    [
        ("pyicap", "pyicap", "pyicap", ""),
        ("pyicap.ICAPServer.x", "pyicap", "pyicap", "ICAPServer"),
        ("zc.icp.interfaces.IICPPolicy", "zc.icp", "zc.icp.interfaces", "IICPPolicy"),
        ("zc.icp.tests", "zc.icp", "zc.icp", "tests"),
        *(
            (
                f"icap_server.structures.{each}.X",
                "icap_server",
                f"icap_server.structures.{each}",
                "X",
            )
            for each in STRUCTURES
        ),
        ("icap_server.cli.X", "icap_server", "icap_server", "cli"),
        ("zcadapt.compat.pyicap.X", "pyicap", "zcadapt.compat.pyicap", "X"),
    ],
)
def test_a_dotted_name_leads_to_a_place(dotted, old, module, name):
    place = place_of(dotted)
    assert (place.package.old, place.module, place.name) == (old, module, name)


@pytest.mark.parametrize("dotted", ["", "zc", "zc.icpx", "pyicap2.a", "x.pyicap", "zcadapt.compat"])
def test_others_lead_nowhere(dotted):
    assert place_of(dotted) is None


@pytest.mark.parametrize(
    ("old", "name", "told"),
    [
        ("zc.icp", "ICPServer", "it was asyncore's"),
        ("pyicap", "_sys", "_sys was not for others"),
        ("icapserver", "Filter", "no Filter is known of icapserver"),
    ],
)
def test_the_reason_is_told(old, name, told):
    assert PACKAGES[old].why(name).startswith(told)
