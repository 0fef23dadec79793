from dataclasses import dataclass, fields

from zcadapt.setting import setting


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
    }
    assert kind.metadata["choices"] == ("a", "b")
