"""``zcadapt check`` tells everything that is wrong, without starting."""

import pytest


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return (tmp_path / "zcadapt.toml").write_text


def test_nothing_wrong_is_said_so(invoke, write):
    write("[icap]\nconnections = 5\n")
    result = invoke("check", "zcadapt.toml")
    assert (result.exit_code, result.output) == (0, "zcadapt.toml: no problems\n")


@pytest.mark.parametrize("args", [["zcadapt.toml"], ["--config", "zcadapt.toml"]])
def test_all_problems_are_told_at_once(invoke, write, args):
    write("preveiw = 1\n[icap]\nconnections = 0\n[services.x]\nuse = 'y'\n")
    result = invoke("check", *args)
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[0].startswith("zcadapt.toml:1: preveiw: no such setting")
    assert lines[1].startswith("zcadapt.toml:3: [icap] connections: must be")
    assert lines[2].startswith("zcadapt.toml:5: [services.x] use: no entry point")
    assert lines[3] == "zcadapt.toml: 3 problems"


def test_a_missing_file_is_a_problem(invoke, tmp_path):
    path = str(tmp_path / "nowhere.toml")
    result = invoke("check", path)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"{path}: No such file or directory",
        f"{path}: 1 problem",
    ]


def test_no_name_is_no_file(invoke):
    """As where a variable of a shell is not set."""
    result = invoke("check", "")
    assert result.exit_code == 1
    assert "Is a directory" in result.output


def test_a_warning_is_told_and_counts(invoke, write):
    write("[endpoints]\n'/av scan' = ['echo']\n")
    result = invoke("check", "zcadapt.toml")
    assert result.exit_code == 1
    assert result.output.splitlines()[0].endswith("as a path it has to be written /av%20scan")


def test_what_does_not_go_together_is_told(invoke, write):
    write("[icap]\nlisten = []\n[icp]\nlisten = []\n")
    result = invoke("check", "zcadapt.toml")
    assert result.exit_code == 1
    assert result.output.startswith("zcadapt.toml: there is nothing to serve")


def test_what_an_option_of_a_plugin_must_be_is_told_with_its_line(invoke, write, folder):
    with (folder / "plug_cli.py").open("a") as code:
        code.write(
            "\nfrom zcadapt.config import Problem, SettingsError\n"
            "def strict(options):\n"
            "    raise SettingsError([Problem('lists[1].path', 'must be there')])\n"
        )
    with (folder / "plug_cli-1.5.dist-info" / "entry_points.txt").open("a") as points:
        points.write("[zcadapt.icap_services]\nstrict = plug_cli:strict\n")
    write(
        "[services.'10-x']\nuse = 'strict'\n"
        "[[services.'10-x'.lists]]\npath = 'a'\n\n"
        "[[services.'10-x'.lists]]\npath = 'b'\n"
    )
    told = (
        "zcadapt.toml:7: [services.10-x] lists[1].path: must be there"
        " (of plug-cli 1.5 (zcadapt.icap_services: strict))"
    )
    assert told in invoke("check", "zcadapt.toml").output.splitlines()


def test_without_a_file_the_installation_is_checked(invoke):
    assert invoke("check").output == "The installation: no problems\n"


@pytest.mark.usefixtures("folder")
def test_plugins_are_checked_too(invoke):
    result = invoke("check")
    assert result.exit_code == 1
    assert "plug-cli 1.5 (zcadapt.icp_policies: broken): AttributeError" in result.output
    assert "plug-cli 1.5 (zcadapt.plugins: worse): AttributeError" in result.output
    assert "The installation: 2 problems" in result.output


def test_modules_are_checked_too(invoke):
    result = invoke("check", "--load", "nowhere_at_all")
    assert result.exit_code == 1
    assert result.output.startswith("--load nowhere_at_all: ModuleNotFoundError")


def test_one_file_is_enough(invoke):
    assert invoke("check", "a.toml", "--config", "b.toml").exit_code == 2
