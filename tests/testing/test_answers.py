"""A test sees what a user would see."""

import pytest

from zcadapt import block, respond
from zcadapt.testing import block_page, reqmod_request


def test_the_page_is_that_of_the_server():
    request = reqmod_request("http://a/", headers={"Accept": "*/*"})
    page = block_page(block(request, reason="because"), request, service="10-lists")
    assert dict(page.headers)["X-Decision-ID"] == page.id
    assert f"Reason: because\nAddress: http://a/\nRule: 10-lists\nNumber: {page.id}" in (
        page.body.decode()
    )


def test_another_page_can_be_tried():
    request = reqmod_request("http://a/")
    decision = block(request, reason="because")

    def page(blocked):
        return respond(403, body=blocked.service) if blocked.service == "mine" else None

    assert block_page(decision, request, service="mine", page=page).body == b"mine"
    assert b"because" in block_page(decision, request, page=page).body
    with pytest.raises(ZeroDivisionError):
        block_page(decision, request, page=lambda _: 1 // 0)
