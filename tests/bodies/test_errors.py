from zcadapt.bodies import BodyError, BoundError, CodingError


def test_one_name_catches_what_is_wrong_with_a_body():
    assert issubclass(BoundError, BodyError)
    assert issubclass(CodingError, BodyError)
