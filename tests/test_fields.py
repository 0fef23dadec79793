from dataclasses import MISSING, dataclass, fields

import pytest

from zcadapt.fields import setting


@dataclass(frozen=True)
class Group:
    size: int = setting(3, "The size, in bytes.", least=1, most=9)
    kind: str = setting("a", "The kind.", choices=("a", "b"))


def test_a_setting_has_its_default():
    assert Group() == Group(size=3, kind="a")


def test_a_setting_carries_all_that_is_said_of_it():
    size, kind = fields(Group)
    assert dict(size.metadata) == {
        "text": "The size, in bytes.",
        "least": 1,
        "most": 9,
        "choices": (),
        "format": None,
    }
    assert kind.metadata["choices"] == ("a", "b")


def test_a_setting_without_a_default_is_one_that_somebody_has_to_say():
    @dataclass(kw_only=True)
    class Needy:
        size: int = setting(MISSING, "The size, in bytes.")

    with pytest.raises(TypeError, match="size"):
        Needy()
    assert Needy(size=3).size == 3
