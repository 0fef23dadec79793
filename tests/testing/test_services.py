"""The checker finds what is wrong, and nothing wrong with what is shipped."""

import asyncio
import time

import pytest

from zcadapt import block, blocking, modify, reqmod, respmod
from zcadapt.icap.echo import echo
from zcadapt.testing import check_service


def service(function=None, **attributes):
    made = respmod(reqmod(function or (lambda request: None)))
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


async def read(request):
    await request.body.read()


def doubled(request):
    async def pieces():
        async for piece in request.body:
            yield piece * 2

    return modify(body=pieces())


@blocking
def in_thread(request):
    with request.body.file() as file:
        file.read()


@pytest.mark.parametrize("function", [None, read, doubled, in_thread, block], ids=str)
def test_services_of_all_kinds_pass(function):
    check_service(lambda: service(function))


def test_the_built_in_service_passes():
    check_service(lambda: echo)


BROKEN = {
    "IICAPService": object(),
    "methods must be": service(methods="REQMOD"),
    "methods must be a list": service(methods=("GET",)),
    "preview must be": service(preview=-1),
    "on_error must be": service(on_error="explode"),
    "timeout must be": service(timeout="1"),
    "version must be": service(version=1),
    "transfer_ignore must be": service(transfer_ignore="gif"),
    "it fails": service(lambda request: 1 / 0),
    "no decision|not an answer": service(lambda request: "yes"),
    "a body is bytes": service(lambda request: modify(body=3)),
}


@pytest.mark.parametrize(("told", "broken"), BROKEN.items())
def test_a_broken_promise_is_named(told, broken):
    with pytest.raises(AssertionError, match=told):
        check_service(lambda: broken)


def test_who_is_another_after_each_restart_is_found():
    with pytest.raises(AssertionError, match="another ISTag"):
        check_service(lambda: service(state=str(time.perf_counter_ns())))


def test_tasks_that_are_left_behind_are_found(monkeypatch):
    monkeypatch.setattr("zcadapt.testing.services.SOON", 0.05)

    async def forgets(request):
        forgets.tasks.append(asyncio.create_task(asyncio.Event().wait()))

    forgets.tasks = []
    with pytest.raises(AssertionError, match="leaves tasks behind"):
        check_service(lambda: service(forgets))
