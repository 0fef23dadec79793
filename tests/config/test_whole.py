"""Settings that are right one by one may be wrong together."""

import pytest
from zope.interface.registry import Components

from zcadapt.config import load
from zcadapt.config.whole import RESERVED, repeated
from zcadapt.icap.endpoints import Endpoints
from zcadapt.icap.settings import ICAPSettings


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[icap]\nlisten = ["127.0.0.1:5", "127.0.0.2:5", "127.0.0.1:5"]',
            "zcadapt.toml:2: [icap] listen[2]: 127.0.0.1:5 is listed twice",
        ),
        (
            '[icp]\nlisten = ["[::1]:5", "[0:0::1]:5"]',
            "zcadapt.toml:2: [icp] listen[1]: [0:0::1]:5 is listed twice",
        ),
        (
            '[icp]\nmulticast = ["239.1.1.1%eth0"]',
            (
                "zcadapt.toml:2: [icp] multicast[0]: 239.1.1.1%eth0 needs 0.0.0.0 to be"
                " listened on, in [icp] listen"
            ),
        ),
        (
            '[icp]\nlisten = ["0.0.0.0:5"]\nmulticast = ["224.9.9.9", "ff02::1"]',
            (
                "zcadapt.toml:3: [icp] multicast[1]: ff02::1 needs [::] to be listened on,"
                " in [icp] listen"
            ),
        ),
        (
            "[icap]\nlisten = []\n[icp]\nlisten = []",
            (
                "zcadapt.toml: there is nothing to serve: no address of [icap] or [icp] is"
                " listened on"
            ),
        ),
        (
            '[endpoints]\n"/" = ["x"]',
            (
                'zcadapt.toml:2: [endpoints] "/": a path is wanted; / is that of all services'
                " already"
            ),
        ),
        (
            '[endpoints]\n"" = ["x"]',
            ('zcadapt.toml:2: [endpoints] "": a path is wanted; / is that of all services already'),
        ),
        (
            '[endpoints]\n"/reqmod/" = ["x"]',
            (
                'zcadapt.toml:2: [endpoints] "/reqmod/": /reqmod has a meaning of its own;'
                " another path is wanted"
            ),
        ),
        (
            '[endpoints]\na = ["x"]\n"/a" = ["x"]',
            'zcadapt.toml:3: [endpoints] "/a": /a is listed twice',
        ),
        ("[endpoints]\na = []", "zcadapt.toml:2: [endpoints] a: no service is listed"),
        (
            '[block]\nlanguage = "nl"',
            "zcadapt.toml:2: [block] language: there are no texts in nl; there are de, en, es, fr",
        ),
        (
            '[block.texts.nl_BE]\ntitle = "Geblokkeerd"',
            ("zcadapt.toml:1: [block.texts] nl_BE: a language tag is wanted, such as en or pt-BR"),
        ),
    ],
)
def test_what_does_not_go_together_is_told(problems, text, problem):
    assert problems(text) == [problem]


@pytest.mark.parametrize(
    "text",
    [
        '[icap]\nlisten = ["127.0.0.1:0", "127.0.0.1:0"]',
        '[icap]\nlisten = ["127.0.0.1:5"]\n[icp]\nlisten = ["127.0.0.1:5"]',
        '[icap]\nlisten = ["[fe80::1%a]:5", "[fe80::1%b]:5"]',
        '[icp]\nlisten = ["0.0.0.0:5", "[::]:5"]\nmulticast = ["224.9.9.9", "ff02::1"]',
        '[icp]\nlisten = []\nmulticast = ["224.9.9.9"]',
        "[icap]\nlisten = []",
        '[block]\nlanguage = "nl"\n[block.texts.NL]\ntitle = "Geblokkeerd"',
        '[endpoints]\navscan = ["echo"]\n"reqmod/a" = ["x"]',
    ],
)
def test_what_goes_together_is_no_problem(problems, text):
    assert problems(text) == []


@pytest.mark.parametrize("name", ["/", "reqmod", "respmod", "echo"])
def test_every_path_with_a_meaning_of_its_own_is_reserved(problems, name):
    assert len(problems(f'[endpoints]\n"{name}" = ["x"]')) == 1
    assert sorted(RESERVED) == Endpoints(Components(), settings=ICAPSettings()).names()


def test_what_follows_from_a_wrong_value_is_not_told(problems):
    (problem,) = problems('[icp]\nlisten = ["0.0.0.0"]\nmulticast = ["224.9.9.9"]')
    assert "the port is missing" in problem


def test_what_stands_in_place_of_the_file_counts(write):
    path = write('[icap]\nlisten = []\n[icp]\nlisten = []\nmulticast = ["224.9.9.9"]')
    assert load(path, {"icap": ["127.0.0.1:5"]}).problems == ()
    (problem,) = load(path, {"icp": ["127.0.0.1:5"]}).problems
    assert str(problem).startswith(f"{path}:5: [icp] multicast[0]: 224.9.9.9 needs 0.0.0.0")


def test_nothing_to_serve_is_told_without_a_file():
    (problem,) = load(None, {"icap": [], "icp": []}).problems
    assert str(problem).startswith("there is nothing to serve")


@pytest.mark.parametrize(
    ("listen", "numbers"),
    [([], []), (["h:1", "H:1", "h:1"], [1, 2]), (["h:0", "h:0"], []), (["h:1", "h:2"], [])],
)
def test_the_repeated_ones_are_those_after_the_first(listen, numbers):
    assert list(repeated(listen)) == numbers
