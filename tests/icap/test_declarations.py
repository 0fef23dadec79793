"""What a service says of itself is checked by one function, whoever checks."""

import pytest

from zcadapt import reqmod, respmod
from zcadapt.discovery.making import check_service as discovered
from zcadapt.icap.declarations import ON_ERROR, check_declarations
from zcadapt.icap.endpoints import ON_FAILURE
from zcadapt.testing import check_service as promised


def service(**attributes):
    made = respmod(reqmod(lambda request: None))
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"methods": ["RESPMOD"]},
        {"methods": frozenset({"REQMOD"}), "preview": 4096},
        {"on_error": None, "timeout": None},
        *({"on_error": choice} for choice in ON_ERROR),
        {"timeout": 1},
        {"timeout": 0.5},
        {"transfer_ignore": ["gif", "tar.gz"], "transfer_complete": {"zip"}},
        {"version": 3},
    ],
)
def test_what_a_service_may_say_is_taken(attributes):
    check_declarations(service(**attributes))


NONSENSE = [
    ("methods", "REQMOD"),
    ("methods", ("GET",)),
    ("methods", ("REQMOD", "FILEMOD")),
    ("methods", ()),
    ("methods", None),
    ("methods", ([],)),
    ("methods", iter(["REQMOD"])),
    ("preview", -1),
    ("preview", True),
    ("preview", "0"),
    ("preview", 1.0),
    ("preview", None),
    ("on_error", "explode"),
    ("on_error", ""),
    ("on_error", ["skip"]),
    ("timeout", 0),
    ("timeout", -1.5),
    ("timeout", float("nan")),
    ("timeout", True),
    ("timeout", "1"),
    ("transfer_ignore", "gif"),
    ("transfer_ignore", None),
    ("transfer_ignore", ["gif\r\nX: y"]),
    ("transfer_ignore", [""]),
    ("transfer_complete", [1]),
    ("transfer_complete", b"zip"),
    ("transfer_complete", iter(["zip"])),
]


@pytest.mark.parametrize(("name", "value"), NONSENSE)
def test_nonsense_is_refused_with_what_it_must_be(name, value):
    odd = service(**{name: value})
    with pytest.raises(ValueError, match=rf"^{name} must be .*, not ") as caught:
        check_declarations(odd)
    with pytest.raises(ValueError, match=rf"^{name} must be ") as told:
        discovered(odd)
    with pytest.raises(AssertionError, match=rf"^{name} must be ") as broken:
        promised(lambda: odd)
    assert str(caught.value) == str(told.value) == str(broken.value)


def test_a_long_value_is_told_in_part():
    with pytest.raises(ValueError, match="methods must be") as caught:
        check_declarations(service(methods=["x" * 10_000]))
    assert len(str(caught.value)) < 200


def test_an_attribute_that_cannot_be_read_is_told_as_it_is():
    class Unreadable:
        methods = ("REQMOD",)
        preview = 0

        @property
        def version(self):
            raise OSError("no list")

    with pytest.raises(OSError, match="no list"):
        check_declarations(Unreadable())


def test_every_choice_of_on_error_is_followed():
    assert set(ON_ERROR) == set(ON_FAILURE)
