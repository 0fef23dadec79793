"""A service that cannot decide says why; what follows is tried where services are asked."""

import pytest

from zcadapt import UnableError


@pytest.mark.parametrize("name", ["ISTag", "X:", "X\n"])
def test_headers_that_cannot_go_out_are_refused_at_once(name):
    with pytest.raises(ValueError, match=r"for the server to say|cannot be the name"):
        UnableError("it is down", icap_headers={name: "x"})
