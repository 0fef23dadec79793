import hashlib

import pytest

from zcadapt.bodies import Hashed


@pytest.mark.parametrize("body", [b"", b"a", b"hello" * 10_000])
def test_the_pieces_pass_and_the_digest_is_that_of_the_whole(bodies, body):
    hashed = Hashed(bodies.pieces(body))
    assert bodies.read(hashed) == body
    assert hashed.digest() == hashlib.sha256(body).digest()
    assert hashed.size == len(body)


def test_another_algorithm(bodies):
    hashed = Hashed(bodies.pieces(b"hello"), "md5")
    bodies.read(hashed)
    assert hashed.digest().hex() == "5d41402abc4b2a76b9719d911017c592"


def test_half_a_body_has_no_digest(bodies):
    with pytest.raises(ValueError, match="to its end"):
        Hashed(bodies.pieces(b"hello")).digest()
