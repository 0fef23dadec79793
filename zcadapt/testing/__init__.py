"""For the tests of plugins: requests without a socket, and the contract as a check."""

from zcadapt.testing.asking import decide, decide_now, new_body
from zcadapt.testing.policies import check_policy
from zcadapt.testing.requests import reqmod_request, respmod_request
from zcadapt.testing.services import check_service

__all__ = [
    "check_policy",
    "check_service",
    "decide",
    "decide_now",
    "new_body",
    "reqmod_request",
    "respmod_request",
]
