"""A problem is told with its place and the nearest name."""

from zcadapt.config import Problem, SettingsError, did_you_mean


def test_the_nearest_name_is_offered_when_there_is_one():
    assert did_you_mean("preveiw", ["preview", "listen"]) == '. Did you mean "preview"?'
    assert did_you_mean("preveiw", ["listen"]) == ""


def test_a_problem_without_a_place_is_only_told():
    assert str(Problem("", "broken")) == "broken"


def test_a_problem_is_told_after_its_place():
    assert str(Problem("zcadapt.toml:3", "no such table")) == "zcadapt.toml:3: no such table"


def test_what_follows_from_a_problem_is_told():
    assert Problem("a", "wrong").told == "left out: a: wrong"
    assert Problem("a", "odd", is_warning=True).told == "warning: a: odd"


def test_an_error_has_all_problems():
    problems = [Problem("a", "wrong"), Problem("b", "wrong too")]
    error = SettingsError(iter(problems))
    assert error.problems == tuple(problems)
    assert str(error) == "a: wrong; b: wrong too"
