"""What a service leaves behind when the client goes away is found."""

import asyncio
import contextlib
import tempfile
import threading

import pytest

from zcadapt import BodyLostError, allow, block, blocking, reqmod
from zcadapt.testing import check_service
from zcadapt.testing.leaving import check_leaving


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    for module in ("leaving", "promises"):
        monkeypatch.setattr(f"zcadapt.testing.{module}.SOON", 0.1)


def check(function):
    asyncio.run(check_leaving(reqmod(function)))


async def reads(request):
    await request.body.read()


async def tidies_up(request):
    with tempfile.TemporaryFile():
        await request.body.read()


async def refuses(request):
    try:
        await request.body.read()
    except (BodyLostError, asyncio.CancelledError):
        return block(request)


async def keeps_one_open(request, kept=[]):  # noqa: B006 - it is to be kept
    if not kept:
        kept.append(tempfile.TemporaryFile())  # noqa: SIM115
    await request.body.read()


async def keeps_a_task(request, tasks=[]):  # noqa: B006 - as above
    if not tasks:
        tasks.append(asyncio.create_task(asyncio.Event().wait()))
    await request.body.read()


@blocking
def in_thread(request):
    request.body.read()


@pytest.mark.parametrize(
    "function",
    [reads, tidies_up, refuses, keeps_one_open, keeps_a_task, in_thread, lambda request: None],
)
def test_who_leaves_nothing_behind_passes(function):
    check(function)


async def forgets_a_task(request, tasks=[]):  # noqa: B006 - as above
    tasks.append(asyncio.create_task(asyncio.Event().wait()))


async def decides_blindly(request):
    try:
        await request.body.read()
    except (BodyLostError, asyncio.CancelledError):
        return allow()


async def has_no_opinion_blindly(request):
    with contextlib.suppress(BodyLostError, asyncio.CancelledError):
        await request.body.read()


async def hangs(request):
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    try:
        await request.body.read()
    except (BodyLostError, asyncio.CancelledError):
        await asyncio.Event().wait()


async def leaves_files(request, files=[]):  # noqa: B006 - as above
    files.append(tempfile.TemporaryFile())  # noqa: SIM115
    await request.body.read()


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (forgets_a_task, "it leaves tasks behind: .*Event.wait"),
        (decides_blindly, "it lets pass <REQMOD .* after the client is gone, and has not seen all"),
        (has_no_opinion_blindly, "it lets pass <REQMOD"),
        (hangs, "it goes on with <REQMOD"),
        (leaves_files, r"it leaves files open: \['[0-9]+ .*deleted"),
    ],
)
def test_what_is_left_is_told(function, told):
    with pytest.raises(AssertionError, match=told):
        check(function)


def test_a_thread_that_goes_on_is_found():
    end = threading.Event()

    @blocking
    def goes_on(request):
        try:
            request.body.read()
        except BodyLostError:
            end.wait()

    try:
        with pytest.raises(AssertionError, match="a thread of it goes on with <REQMOD"):
            check(goes_on)
    finally:
        end.set()


def test_a_file_that_another_thread_opens_is_not_the_service_s():
    calls, opened = [], []

    async def is_watched(request):
        calls.append(request)
        if len(calls) in {3, 4}:  # in the second round
            opened.append(await asyncio.to_thread(tempfile.TemporaryFile))
        await request.body.read()

    check(is_watched)
    assert len(opened) == 2
    for file in opened:
        file.close()


def test_the_check_of_a_service_looks_for_this():
    with pytest.raises(AssertionError, match="it lets pass"):
        check_service(lambda: reqmod(decides_blindly))
