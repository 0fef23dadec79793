"""Entry points are found with the distributions that declare them."""

import pytest

from zcadapt.discovery import POLICIES, Origin


def test_nothing_installed_is_nothing_found(found):
    assert found() == ([], [])


def names(registered):
    return [each.name for each in registered]


def test_installed_means_active_under_the_name_of_the_entry_point(install, found):
    install("plug-a", icap_services={"b-list": "Service", "a-list": "service"})
    registered, problems = found()
    assert problems == []
    assert names(registered) == ["a-list", "b-list"]


def test_what_is_installed_says_where_it_comes_from(install, found):
    install("plug-a", version="2.1", icap_services={"lists": "Service"})
    ((only,), _) = found()
    assert only.origin == Origin("plug_a", "plug-a", "2.1", "zcadapt.icap_services", "lists")
    assert str(only.origin) == "plug-a 2.1 (zcadapt.icap_services: lists)"


def test_groups_are_kept_apart(install, found):
    install("plug-a", icap_services={"x": "Service"}, icp_policies={"y": "foo"})
    assert names(found()[0]) == ["x"]
    assert names(found(kind=POLICIES)[0]) == ["y"]


@pytest.mark.parametrize("code", ["import nowhere_to_be_found", "raise SystemExit", "1 +"])
def test_what_cannot_be_imported_is_told(install, found, code):
    install("plug-a", code=code, icap_services={"x": "Service"})
    install("plug-b", icap_services={"y": "Service"})
    registered, (problem,) = found()
    assert problem.startswith("plug-a 1.0 (zcadapt.icap_services: x): ")
    assert names(registered) == ["y"]


def test_a_name_that_two_distributions_claim_is_told_with_both(install, found):
    install("plug-b", icap_services={"x": "Service"})
    install("plug-a", icap_services={"x": "Service"})
    ((only,), problems) = found()
    assert problems == [
        (
            "plug-b 1.0 (zcadapt.icap_services: x): the name is taken by"
            " plug-a 1.0 (zcadapt.icap_services: x); uninstall one of the two distributions"
        )
    ]
    assert only.origin.distribution == "plug-a"


def test_a_distribution_without_metadata_is_found_nevertheless(install, found, tmp_path):
    install("plug-a", icap_services={"x": "Service", "y": "nothing"})
    (tmp_path / "plug_a-1.0.dist-info" / "METADATA").unlink()
    registered, (problem,) = found()
    assert names(registered) == ["x"]
    assert problem.startswith("unknown ? (zcadapt.icap_services: y): ")


def test_an_entry_point_that_names_nothing_is_told(install, found, tmp_path):
    install("plug-a", icap_services={"x": "Service"})
    points = tmp_path / "plug_a-1.0.dist-info" / "entry_points.txt"
    points.write_text(points.read_text() + "y = not a module\n")
    registered, (problem,) = found()
    assert names(registered) == ["x"]
    assert problem.startswith("plug-a 1.0 (zcadapt.icap_services: y): ")


def test_a_broken_list_of_entry_points_hides_no_other_distribution(install, found, tmp_path):
    install("plug-a", icap_services={"x": "Service"})
    install("plug-b", icap_services={"y": "Service"})
    (tmp_path / "plug_a-1.0.dist-info" / "entry_points.txt").write_text(
        "[zcadapt.icap_services]\nx\n"
    )
    registered, problems = found()
    assert names(registered) == ["y"]
    assert any(problem.startswith("plug_a: entry_points.txt: ") for problem in problems)
