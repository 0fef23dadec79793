"""The checker finds what is wrong, and nothing wrong with what is shipped."""

import asyncio
import socket
import threading
import time
from pathlib import Path

import pytest

from zcadapt import block, blocking, modify, reqmod, respmod
from zcadapt.icap.echo import echo
from zcadapt.testing import check_service

FILE = Path(__file__).name


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


def needs_more(request):
    return block(request) if len(request.body.preview) > 5000 else None


def test_a_preview_that_is_too_small_is_found():
    with pytest.raises(AssertionError, match=r"of 0 bytes, and decides otherwise .*Block 403"):
        check_service(lambda: service(needs_more))


def sleeps(request):
    threading.Event().wait(0.2)


async def sleeps_later(request):
    await request.body.read()
    threading.Event().wait(0.2)


def makes_slowly(request):
    async def pieces():
        async for piece in request.body:
            threading.Event().wait(0.2)
            yield piece

    return modify(body=pieces())


def connects(request):
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def resolves(request):
    socket.gethostbyname("127.0.0.1")


@pytest.mark.parametrize("function", [sleeps, sleeps_later, makes_slowly, connects, resolves])
def test_what_blocks_the_event_loop_is_found_and_where(function):
    with pytest.raises(AssertionError, match=rf"blocks the event loop: \S*{FILE}:\d+ \("):
        check_service(lambda: service(function))


async def connects_as_it_should(request):
    with socket.create_server(("127.0.0.1", 0)) as server:
        _, writer = await asyncio.open_connection(*server.getsockname())
        writer.close()
        await writer.wait_closed()


@blocking
def connects_in_a_thread(request):
    connects(request)


@pytest.mark.parametrize("function", [connects_as_it_should, connects_in_a_thread])
def test_who_lets_the_loop_go_on_passes(function):
    check_service(lambda: service(function))
