"""An error knows the status that its sender is told, and whether the connection goes on."""

import pytest

from zcadapt.icap import errors
from zcadapt.icap.answer import PHRASES
from zcadapt.icap.errors import IcapError, LocalProtocolError


@pytest.mark.parametrize(
    ("name", "status", "keeps"),
    [
        ("BrokenMessageError", 400, False),
        ("UnknownServiceError", 404, True),
        ("WrongMethodError", 405, True),
        ("SlowClientError", 408, False),
        ("TooLargeError", 413, False),
        ("ServiceFailedError", 500, True),
        ("UnknownMethodError", 501, False),
        ("OverloadedError", 503, False),
        ("UnknownVersionError", 505, False),
    ],
)
def test_each_cause_has_its_status(name, status, keeps):
    error = getattr(errors, name)("why")
    assert isinstance(error, IcapError)
    assert (error.status, error.keeps_connection, str(error)) == (status, keeps, "why")


def test_an_error_without_a_cause_of_its_own_is_ours_and_closes():
    assert (IcapError.status, IcapError.keeps_connection) == (500, False)


def test_our_own_mistakes_are_nobody_else_s():
    assert not issubclass(LocalProtocolError, IcapError)


def test_all_errors_can_be_answered():
    kinds = [getattr(errors, name) for name in errors.__all__]
    assert {kind.status for kind in kinds if issubclass(kind, IcapError)} <= set(PHRASES)
