"""Requests made by hand are as those of a client."""

import asyncio

import pytest

from zcadapt.testing import reqmod_request, respmod_request


def test_a_request_tells_what_it_was_made_of():
    request = reqmod_request(
        "http://u@www.example.com:81/a",
        headers={"Cookie": "a=b"},
        client_ip="192.0.2.1",
        user="ann",
        icap_headers={"X-Subscriber-ID": "7"},
        endpoint="lists?profile=1",
    )
    assert (request.method, request.endpoint, request.args) == ("REQMOD", "lists", {"profile": "1"})
    assert (request.http.host, request.http.request.headers["cookie"]) == ("www.example.com", "a=b")
    assert request.http.request.headers["host"] == "www.example.com:81"
    assert (request.client_ip, request.user) == ("192.0.2.1", "ann")
    assert request.headers["x-subscriber-id"] == "7"
    assert request.preview is None
    assert request.body.complete


def test_a_response_comes_with_its_request():
    headers = [("Set-Cookie", "a"), ("Set-Cookie", "b")]
    request = respmod_request("http://example.com/", status=404, headers=headers, body=b"gone")
    assert request.http.url == "http://example.com/"
    response = request.http.response
    assert (response.status, response.phrase) == (404, "Not Found")
    assert response.headers.get_all("set-cookie") == ["a", "b"]
    assert response.headers["content-length"] == "4"
    assert asyncio.run(request.body.read()) == b"gone"


@pytest.mark.parametrize(("preview", "asks"), [(None, False), (0, True), (3, True), (5, False)])
def test_the_rest_comes_when_somebody_reads_past_the_preview(preview, asks):
    request = reqmod_request("http://example.com/", method="PUT", body=b"hello", preview=preview)
    assert request.body.preview == b"hello"[:preview]
    assert request.body.complete is not asks
    assert asyncio.run(request.body.read()) == b"hello"
    assert request.body.was_continued is asks
