"""Functions become services, and code that blocks runs in a thread."""

import asyncio
import threading

import pytest
from zope.interface.registry import Components
from zope.interface.verify import verifyObject

from zcadapt import allow, blocking, reqmod, respmod
from zcadapt.icp import check_url
from zcadapt.interfaces import IICAPService, IICPPolicy
from zcadapt.testing import decide_now, reqmod_request
from zcadapt.threads import Threads, use_threads


@reqmod
def plain(request):
    """What it does."""
    return allow()


def test_a_decorated_function_is_a_service_and_still_a_function():
    verifyObject(IICAPService, plain)
    assert (plain.__name__, plain.__doc__) == ("plain", "What it does.")
    assert plain(None) == plain.adapt(None) == allow()
    assert "plain" in repr(plain)


@pytest.mark.parametrize("decorate", [lambda f: reqmod(respmod(f)), lambda f: respmod(reqmod(f))])
def test_both_decorators_make_a_service_for_both_methods(decorate):
    assert sorted(decorate(lambda request: None).methods) == ["REQMOD", "RESPMOD"]


def test_options_of_the_inner_decorator_stay_unless_the_outer_one_says_otherwise():
    service = respmod(preview=7)(reqmod(preview=5, version="2", on_error="skip", timeout=1)(len))
    assert (service.preview, service.version) == (7, "2")
    assert (service.on_error, service.timeout) == ("skip", 1)


def test_a_blocking_function_runs_in_another_thread_with_plain_methods_of_the_body():
    seen = []

    @reqmod
    @blocking
    def service(request):
        seen.append((threading.current_thread() is threading.main_thread(), list(request.body)))

    request = reqmod_request("http://example.com/", method="PUT", body=b"hello", preview=2)
    assert decide_now(service, request) is None
    assert seen == [(False, [b"he", b"llo"])]


def test_a_blocking_method_knows_its_object():
    class Service:
        methods, preview, word = ("REQMOD",), 0, "mine"

        @blocking
        def adapt(self, request):
            return allow(reason=self.word)

    assert decide_now(Service(), reqmod_request("http://example.com/")).reason == "mine"


def test_what_is_no_request_is_handed_on_as_it_is():
    assert asyncio.run(blocking(str.upper)("url")) == "URL"


def test_a_blocking_policy_is_asked_in_a_thread():
    threads = []

    @blocking
    def policy(url):
        threads.append(threading.current_thread())
        return "ICP_OP_HIT"

    components = Components()
    components.registerUtility(policy, IICPPolicy, "slow")
    assert check_url("http://example.com/", components) == "ICP_OP_HIT"
    assert threads != [threading.main_thread()]


def test_when_all_threads_wait_for_slow_clients_the_next_one_has_its_on_error(serve, icap, caplog):
    asked = threading.Semaphore(0)

    @reqmod
    @blocking
    def read(request):
        asked.release()
        request.body.read()

    @reqmod(timeout=0.2, on_error="block")
    @blocking
    def quick(request):
        return allow()

    running = serve({"read": read, "quick": quick})
    running.call(use_threads, running.loop, Threads(1, 1))
    slow = [running.client(), running.client()]
    upload = icap.reqmod("/read", "Allow: 204", body=b"x" * 100)
    for client in slow:
        client.send(upload[:-50])
        assert asked.acquire(timeout=10)
    other = running.client()
    question = icap.reqmod("/quick", "Allow: 204")
    assert other.ask(question).http.startswith(b"HTTP/1.1 403 ")
    assert "It waited 0.2 s for one of 1 threads." in caplog.text
    for client in slow:
        client.send(upload[-50:])
        assert client.answer().status == 204
    assert other.ask(question).status == 204
