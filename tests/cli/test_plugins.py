"""``zcadapt plugins`` lists what would be consulted, in order, and where it comes from."""

import json

import pytest

pytestmark = pytest.mark.usefixtures("folder")

TEXT = """\
ICAP services:
  lists  REQMOD RESPMOD  on_error=error  plug-cli 1.5 (lists)
ICP policies:
  foo-hit  QUERY  on_error=skip  plug-cli 1.5 (foo-hit)
Plugins with hooks:
  cli
"""


def test_what_is_installed_is_listed(invoke):
    result = invoke("plugins")
    assert result.exit_code == 0
    listed = [line.split() for line in result.stdout.splitlines()]
    assert [line for line in TEXT.splitlines() if line.split() not in listed] == []


def test_what_is_broken_is_told_on_standard_error(invoke):
    assert "left out: plug-cli 1.5 (zcadapt.icp_policies: broken): " in invoke("plugins").stderr


def test_wrong_settings_leave_nothing_to_list(invoke, folder):
    (folder / "my.toml").write_text("[icap]\nlisten = 3\n")
    for path, problem in [
        ("my.toml", "my.toml:2: [icap] listen: must be"),
        ("nowhere.toml", "nowhere.toml: No such file or directory\n"),
    ]:
        result = invoke("plugins", "--config", path)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith(problem)


def test_programs_get_the_same_as_json(invoke):
    listed = json.loads(invoke("plugins", "--json").stdout)
    for protocol in ("icap", "icp"):  # others may be installed beside ours
        rows = listed[protocol]
        listed[protocol] = [row for row in rows if row["distribution"] == "plug-cli"]
    assert "cli" in listed.pop("plugins")
    assert listed == {
        "icap": [
            {
                "protocol": "icap",
                "name": "lists",
                "methods": ["REQMOD", "RESPMOD"],
                "distribution": "plug-cli",
                "version": "1.5",
                "entry_point": "lists",
                "module": "plug_cli",
                "on_error": "error",
            }
        ],
        "icp": [
            {
                "protocol": "icp",
                "name": "foo-hit",
                "methods": ["QUERY"],
                "distribution": "plug-cli",
                "version": "1.5",
                "entry_point": "foo-hit",
                "module": "plug_cli",
                "on_error": "skip",
            }
        ],
    }


def test_settings_rename_and_so_reorder(invoke, folder):
    (folder / "zcadapt.toml").write_text(
        "[services.'50-lists']\nuse = 'lists'\non_error = 'block'\n"
        "[services.'10-lists']\nuse = 'lists'\n"
    )
    lines = invoke("plugins", "--config", "zcadapt.toml").stdout.splitlines()
    first, second = [line.split() for line in lines if line.endswith(" plug-cli 1.5 (lists)")]
    assert (first[0], second[0]) == ("10-lists", "50-lists")
    assert "on_error=block" in second


def test_what_a_module_registers_is_listed(start, folder):
    """In a process of its own: such a module registers in the global registry."""
    (folder / "my_rules.py").write_text(
        "import zope.component\nfrom zcadapt.interfaces import IICPPolicy\n"
        "def mine(url): return None\n"
        "zope.component.provideUtility(mine, IICPPolicy, 'a-mine')\n"
    )
    out, _ = start("plugins", "--load", "my_rules").communicate(timeout=60)
    assert ["a-mine", "QUERY", "on_error=skip", "Python", "(my_rules)"] in [
        line.split() for line in out.splitlines()
    ]
