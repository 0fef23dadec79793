"""A settings file is read whole, or what hinders it is a problem."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcadapt.config import Problem, Settings, load


def test_without_a_file_everything_has_its_default():
    assert load(None).settings == Settings()
    assert load(None).settings.icap.listen == ("127.0.0.1:1344",)
    assert load(None).settings.icp.listen == ("127.0.0.1:3130",)


def test_a_missing_file_is_a_problem(tmp_path):
    path = str(tmp_path / "nowhere.toml")
    assert load(path).problems == (Problem(path, "No such file or directory"),)
    assert load(path).settings == Settings()


def test_a_directory_is_a_problem(tmp_path):
    (problem,) = load(str(tmp_path)).problems
    assert problem.what == "Is a directory"


@pytest.mark.parametrize("content", [b"[icap\n", b"a = 1\na = 2\n", b"x = " + b"[" * 10**5])
def test_what_is_not_toml_is_one_problem(tmp_path, content):
    path = tmp_path / "zcadapt.toml"
    path.write_bytes(content)
    (problem,) = load(str(path)).problems
    assert problem.what.startswith("not TOML: ")


def test_what_is_not_utf_8_is_told_with_its_line(tmp_path):
    path = tmp_path / "zcadapt.toml"
    path.write_bytes(b"[icap]\n# caf\xe9\n")
    assert load(str(path)).problems == (Problem(f"{path}:2", "not UTF-8: byte 0xe9"),)


@pytest.mark.parametrize(
    "content", [b"\xef\xbb\xbf[icap]\nconections = 1\n", b"[icap]\r\nconections = 1\r\n"]
)
def test_a_file_of_another_system_is_read_as_well(tmp_path, content):
    path = tmp_path / "zcadapt.toml"
    path.write_bytes(content)
    (problem,) = load(str(path)).problems
    assert str(problem).startswith(f"{path}:2: [icap] conections: no such setting.")


def test_a_file_without_an_end_is_not_read_to_it():
    assert load("/dev/zero").problems == (Problem("/dev/zero", "larger than 16777216 bytes"),)


@given(content=st.binary(max_size=200))
def test_no_file_raises(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)
    assert isinstance(load(str(path)).settings, Settings)


@pytest.mark.parametrize("content", [b"nonsense = 1", b"[", b"\xff", None])
def test_problems_may_tell_another_name_of_the_file(tmp_path, content):
    path = tmp_path / "zcadapt.toml"
    if content is not None:
        path.write_bytes(content)
    (problem,) = load(str(path), told="mine").problems
    assert str(problem).startswith("mine:")
