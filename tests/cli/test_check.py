"""``zcadapt check`` tells everything that is wrong, without starting."""

from importlib.metadata import entry_points

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


def test_what_a_plugin_logs_as_a_warning_counts_too(invoke, write, folder):
    with (folder / "plug_cli.py").open("a") as code:
        code.write(
            "\nimport logging\n"
            "def noisy(options):\n"
            "    log = logging.getLogger('plug.lists')\n"
            "    log.warning('%s: line 3 is no host', options['list'])\n"
            "    log.info('read')\n"
            "    return Service(options)\n"
        )
    with (folder / "plug_cli-1.5.dist-info" / "entry_points.txt").open("a") as points:
        points.write("[zcadapt.icap_services]\nnoisy = plug_cli:noisy\n")
    write("[services.noisy]\nlist = 'ads.txt'\n[log]\nlevel = 'error'\n")
    result = invoke("check", "zcadapt.toml")
    assert result.exit_code == 1
    assert "plug.lists: ads.txt: line 3 is no host" in result.stdout.splitlines()
    assert "read" not in result.output
    assert result.stdout.endswith(": 3 problems\n")  # with the two of the fixture


def test_relative_paths_are_those_of_the_folder_of_the_file(invoke, write, tmp_path, monkeypatch):
    (tmp_path / "page.html").write_text("$reason")
    write("[block]\nhtml_template = 'page.html'\n")
    monkeypatch.chdir("/")
    path = str(tmp_path / "zcadapt.toml")
    assert invoke("check", path).output == f"{path}: no problems\n"
    (tmp_path / "page.html").unlink()
    assert f"{path}:2: [block] html_template: must be" in invoke("check", path).output


@pytest.mark.usefixtures("folder")
def test_that_everything_is_disabled_is_told(invoke, write):
    """Of others, too, which may be installed beside."""
    tables = {"services": "zcadapt.icap_services", "policies": "zcadapt.icp_policies"}
    disabled = [
        f'[{table}."{point.name}"]\nenabled = false\n'
        for table, group in tables.items()
        for point in entry_points(group=group)
    ]
    told = "zcadapt.toml: nothing is asked: no service and no policy is left that is enabled"
    write("".join(disabled))
    assert told in invoke("check", "zcadapt.toml").output.splitlines()
    write("".join(disabled).replace('lists"]\nenabled = false', 'lists"]\nenabled = true'))
    assert told not in invoke("check", "zcadapt.toml").output.splitlines()
