"""Functions become services, and code that blocks runs in a thread."""

import asyncio
import threading

import pytest
from zope.interface.verify import verifyObject

from zcadapt import allow, blocking, reqmod, respmod
from zcadapt.interfaces import IICAPService
from zcadapt.testing import decide_now, reqmod_request


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
