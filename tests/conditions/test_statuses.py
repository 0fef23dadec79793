"""Status codes as people write them."""

import pytest

from zcadapt.conditions.statuses import statuses


@pytest.mark.parametrize(
    ("item", "meant"),
    [
        (404, [404]),
        ("404", [404]),
        ("500-502", [500, 501, 502]),
        ("4XX", list(range(400, 500))),
    ],
)
def test_a_status_a_class_or_a_range(item, meant):
    assert list(statuses(item)) == meant


@pytest.mark.parametrize("item", [0, 99, 600, True, "", "6xx", "40x", "404-403", "4", "٤٠٤"])
def test_what_is_no_status_is_refused(item):
    with pytest.raises(ValueError, match=r"^$"):
        statuses(item)
