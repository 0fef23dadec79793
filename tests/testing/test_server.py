"""A test has a whole server for as long as it needs it, and nothing is left of it."""

import socket
import threading

import pytest

from zcadapt import block, blocking, reqmod
from zcadapt.config import SettingsError
from zcadapt.interfaces import IICPPolicy
from zcadapt.testing import Server, reqmod_request
from zcadapt.threads import threads_of


@reqmod
def blocker(request):
    return block(request, reason="because")


def foo(url):
    return "ICP_OP_HIT" if "foo" in url else None


def test_both_protocols_are_answered():
    with Server({"a": blocker}, policies={"foo": foo}) as server:
        assert server.client().ask(reqmod_request("http://a/")).response.status == 403
        assert server.query("http://x/foo") == "ICP_OP_HIT"
        assert server.query("http://x/bar") == "ICP_OP_MISS"


def test_without_services_nothing_that_is_installed_is_asked():
    with Server() as server:
        assert server.client().ask(reqmod_request("http://blocked.example/")).status == 204


def test_settings_count():
    settings = {"icap": {"options_ttl": 7}, "block": {"title": "Stop"}}
    with Server({"a": blocker}, settings=settings) as server:
        client = server.client()
        assert client.options("a").headers["options-ttl"] == "7"
        assert b"<h1>Stop</h1>" in client.ask(reqmod_request("http://a/")).body


def test_the_settings_of_a_service_count():
    @reqmod
    def broken(request):
        raise ZeroDivisionError

    with Server({"a": broken}, settings={"services": {"a": {"on_error": "block"}}}) as server:
        assert server.client().ask(reqmod_request("http://a/")).response.status == 403


def test_wrong_settings_are_told():
    with pytest.raises(SettingsError, match=r"icap\.preveiw: no such setting"):
        Server(settings={"icap": {"preveiw": 1}})


@pytest.mark.parametrize(
    ("services", "policies", "settings", "told"),
    [
        ({"a": lambda request: None}, {}, {}, "service 'a', .* is @reqmod or @respmod missing"),
        ({}, {"a": lambda: None}, {}, "policy 'a', .* is called with one argument"),
        ({"a": blocker}, {}, {"services": {"b": {}}}, r"\[services\.b\].*nothing of this name"),
        ({"a": blocker}, {}, {"services": {"a": {"on_eror": 1}}}, "on_eror"),
        ({"a": blocker}, {}, {"services": {"a": {"enabled": False}}}, "enabled: only what"),
        ({"a": blocker}, {}, {"endpoints": {"z": ["b"]}}, 'no service is called "b"'),
    ],
)
def test_what_would_be_left_out_is_told(services, policies, settings, told):
    with pytest.raises(SettingsError, match=told):
        Server(services, policies=policies, settings=settings)


def test_code_that_blocks_runs_in_a_thread():
    seen = []

    @reqmod
    @blocking
    def slow(request):
        seen.append(threading.current_thread())

    with Server({"a": slow}, settings={"server": {"threads": 3}}) as server:
        assert server.client().ask(reqmod_request("http://a/")).status == 204
        assert threads_of(server._loop)._running == 3
    assert seen[0] is not server._thread


def test_what_is_registered_meanwhile_counts_at_once():
    with Server() as server:
        assert server.query("http://x/foo") == "ICP_OP_MISS"
        server.components.registerUtility(foo, IICPPolicy, "foo")
        assert server.query("http://x/foo") == "ICP_OP_HIT"


def test_several_run_side_by_side():
    with Server({"a": blocker}) as one, Server() as other:
        assert one.icap != other.icap
        assert one.client().ask(reqmod_request("http://a/")).status == 200
        assert other.client().ask(reqmod_request("http://a/")).status == 204


def test_when_the_test_is_over_so_is_the_server():
    before = threading.active_count()
    with Server({"a": blocker}) as server:
        client = server.client()
        assert client.options().status == 200
    with pytest.raises(OSError):  # noqa: PT011 - one that nobody listens, or another
        socket.create_connection(server.icap)
    with pytest.raises(ValueError, match="closed"):
        client.answer()
    assert threading.active_count() == before


def test_a_server_that_cannot_begin_is_told(monkeypatch):
    monkeypatch.setattr(socket.socket, "bind", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError), Server():
        pass
