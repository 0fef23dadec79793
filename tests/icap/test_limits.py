"""What a client may send has bounds, and the bounds have bounds."""

from dataclasses import FrozenInstanceError, fields

import pytest

from zcadapt.icap.limits import GIB, KIB, MIB, Limits


@pytest.mark.parametrize("field", fields(Limits), ids=lambda field: field.name)
def test_every_bound_is_explained_and_bounded(field):
    assert field.metadata["text"].endswith(".")
    assert 0 <= field.metadata["least"] <= field.default <= field.metadata["most"]


def test_a_request_line_fits_into_a_head():
    assert Limits().uri_bytes < Limits().header_bytes


def test_a_chunk_may_hold_a_whole_body():
    """Clients are known that send a file in one chunk, whatever its size."""
    assert Limits().chunk_bytes >= Limits().body_bytes


def test_nobody_changes_limits():
    with pytest.raises(FrozenInstanceError):
        Limits().body_bytes = 1


def test_a_kibibyte_is_1024_bytes():
    assert (KIB, MIB, GIB) == (2**10, 2**20, 2**30)
