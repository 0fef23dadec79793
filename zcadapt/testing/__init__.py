"""For the tests of plugins: requests without a socket, the contract as a check, and a server."""

from zcadapt.testing.answers import block_page
from zcadapt.testing.asking import decide, decide_now, new_body
from zcadapt.testing.client import Answer, Client
from zcadapt.testing.policies import check_policy
from zcadapt.testing.requests import reqmod_request, respmod_request
from zcadapt.testing.server import Server
from zcadapt.testing.services import check_service
from zcadapt.testing.transcripts import TRANSCRIPTS, transcript

__all__ = [
    "TRANSCRIPTS",
    "Answer",
    "Client",
    "Server",
    "block_page",
    "check_policy",
    "check_service",
    "decide",
    "decide_now",
    "new_body",
    "reqmod_request",
    "respmod_request",
    "transcript",
]
