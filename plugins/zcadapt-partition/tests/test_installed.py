"""The plugin in a fresh environment: found, harmless, checked, and heard on the wire."""

import json

import pytest
from programs import free_port, until

from .group import Member, zcadapt

URL_PATH = "/articles/17"

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def member(tmp_path):
    return Member("app1", free_port(), free_port(), tmp_path)


def test_it_is_listed(installation):
    listed = json.loads(installation.run("zcadapt", "plugins", "--json"))
    assert [(row["name"], row["distribution"]) for row in listed["icp"]] == [
        ("affinity", "zcadapt-partition"),
        ("load", "zcadapt-partition"),
        ("partition", "zcadapt-partition"),
    ]


def test_it_has_no_problems(installation):
    assert installation.run("zcadapt", "check") == "The installation: no problems\n"


def test_its_settings_are_checked_with_their_place(installation, tmp_path):
    settings = tmp_path / "zcadapt.toml"
    settings.write_text('[policies.partition]\nthis = "a"\nmembers = { b = 1 }\ndeputy = 1\n')
    told = installation.run("zcadapt", "check", str(settings), code=1)
    assert f'{settings}:2: [policies.partition] this: "a" is none of the members' in told
    assert f"{settings}:4: [policies.partition] deputy: no such setting" in told


def test_installed_and_not_configured_it_changes_nothing_and_says_so_once(installation, member):
    with zcadapt(installation, member, ""):
        assert {member.says(f"/articles/{number}") for number in range(20)} == {"ICP_OP_MISS"}
    log = (member.folder / "zcadapt.log").read_text()
    for name in "affinity", "load", "partition":
        assert log.count(f"the policy {name} is not configured") == 1


def test_all_three_in_their_order(installation, member):
    """Who is busy wants nothing, whatever it has; who has it need not own it."""
    make_table = "import sys; from zcadapt_partition import Table; Table.create(sys.argv[1])"
    installation.run("python", "-c", make_table, member.folder / "table")
    settings = f"""
[policies.10-load]
use = "load"
busy = "os:getpid"
[policies.20-affinity]
use = "affinity"
table = "{member.folder}/table"
[policies.30-partition]
use = "partition"
this = "app1"
members = {{ app1 = 1 }}
"""
    with zcadapt(installation, member, settings):
        until(lambda: member.says(URL_PATH) == "ICP_OP_MISS_NOFETCH", "somebody has looked")
