"""Both protocols answer from one registry, plugins live as long, and the end is in order."""

import asyncio
import logging
import os
import re
import signal
import socket
import struct

import pytest
from zope.interface.registry import Components

from zcadapt import block, reqmod
from zcadapt.blockpage import BlockSettings
from zcadapt.config import ServerSettings, Settings, UtilityTable
from zcadapt.discovery import Origin
from zcadapt.hooks import Hooks, hookimpl
from zcadapt.icap.settings import ICAPSettings
from zcadapt.icp.settings import ICPSettings
from zcadapt.interfaces import IICAPService, IICPPolicy
from zcadapt.runtime.assembly import Assembled
from zcadapt.runtime.server import CannotListenError, serve

REQMOD = (
    b"REQMOD icap://here/%s ICAP/1.0\r\nHost: here\r\nAllow: 204\r\n"
    b"Encapsulated: req-hdr=0, null-body=45\r\n\r\n"
    b"GET http://bad.example/ HTTP/1.1\r\nHost: bad\r\n\r\n"
)
OPTIONS = b"OPTIONS icap://here/%s ICAP/1.0\r\nHost: here\r\n\r\n"


@reqmod
def blocker(request):
    return block(request, reason="bad")


def foo(url):
    return "ICP_OP_HIT" if "foo" in url else None


class Witness:
    """A plugin that remembers what it was called with."""

    def __init__(self):
        self.calls = []

    @hookimpl
    async def zcadapt_startup(self, addresses):
        self.calls.append(("startup", sorted(addresses)))

    @hookimpl
    async def zcadapt_shutdown(self):
        self.calls.append(("shutdown",))

    @hookimpl
    def zcadapt_decision(self, protocol, name, answer):
        self.calls.append((protocol, name, getattr(answer, "reason", answer)))


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request):
    new_loop = pytest.importorskip(request.param).new_event_loop

    def run(main):
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(main)

    return run


@pytest.fixture
def assembled():
    """Return what serves on ports of the system's choice."""

    def assembled(
        *,
        icap=("127.0.0.1:0",),
        icp=("127.0.0.1:0",),
        multicast=(),
        grace=5.0,
        version="1",
        **tables,
    ):
        components = Components()
        origin = Origin("here", "plug", version, "zcadapt.icap_services", "blocker")
        components.registerUtility(blocker, IICAPService, "blocker", origin)
        components.registerUtility(foo, IICPPolicy, "foo")
        settings = Settings(
            icap=ICAPSettings(listen=icap),
            icp=ICPSettings(listen=icp, multicast=multicast),
            server=ServerSettings(grace=grace),
            **tables,
        )
        return Assembled(settings, components, Hooks(), ())

    return assembled


async def while_serving(assembled, talk):
    """Serve, talk, ask the server to end, and return what the talk came to."""
    talks = []

    async def then_stop(addresses):
        try:
            return await talk(addresses)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    async with asyncio.timeout(20):
        await serve(assembled, lambda found: talks.append(asyncio.create_task(then_stop(found))))
        return await talks[0]


async def icap(address, sent):
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(sent)
        return await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()


async def icp(address, url):
    """Return the opcode that answers a query for `url`."""
    payload = b"\0" * 4 + url + b"\0"
    query = struct.pack("!BBHIIII", 1, 2, 20 + len(payload), 7, 0, 0, 0) + payload
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)  # noqa: FBT003 - as the socket module has it
        sock.connect(address)
        await loop.sock_sendall(sock, query)
        return (await loop.sock_recv(sock, 4096))[0]


def test_both_protocols_answer(run, assembled):
    async def talk(addresses):
        (tcp,), (udp,) = addresses["icap"], addresses["icp"]
        assert tcp.port
        assert udp.port
        return await icap(tcp, REQMOD % b"reqmod"), await icp(udp, b"http://x/foo")

    blocked, hit = run(while_serving(assembled(), talk))
    assert blocked.startswith(b"ICAP/1.0 200 OK\r\n")
    assert hit == 2


def test_several_addresses_are_listened_on(run, assembled):
    async def talk(addresses):
        return [await icap(address, OPTIONS % b"echo") for address in addresses["icap"]]

    found = assembled(icap=("127.0.0.1:0", "127.0.0.1:0"), icp=())
    assert [answer[:12] for answer in run(while_serving(found, talk))] == [b"ICAP/1.0 200"] * 2


def test_what_is_registered_meanwhile_is_asked_next(run, assembled):
    found = assembled(icap=())

    async def talk(addresses):
        (udp,) = addresses["icp"]
        before = await icp(udp, b"http://x/bar")
        found.components.registerUtility(lambda url: "ICP_OP_DENIED", IICPPolicy, "bar")
        return before, await icp(udp, b"http://x/bar")

    assert run(while_serving(found, talk)) == (3, 22)


def test_endpoints_of_the_settings_are_served(run, assembled):
    async def talk(addresses):
        return await icap(addresses["icap"][0], REQMOD % b"avscan")

    found = assembled(endpoints={"/avscan": ("blocker",)})
    assert run(while_serving(found, talk)).startswith(b"ICAP/1.0 200")


def test_the_block_page_is_that_of_the_settings(run, assembled):
    async def talk(addresses):
        reader, writer = await asyncio.open_connection(*addresses["icap"][0])
        writer.write(REQMOD % b"blocker")
        try:
            return await reader.readuntil(b"\r\n0\r\n\r\n")
        finally:
            writer.close()

    found = assembled(block=BlockSettings(title="Stop here"))
    answer = run(while_serving(found, talk))
    assert b"<h1>Stop here</h1>" in answer
    assert answer.count(b"\r\nX-Decision-ID: ") == 2


def test_an_upgrade_and_a_setting_change_the_istag_and_a_restart_does_not(run, assembled):
    async def talk(addresses):
        head = await icap(addresses["icap"][0], OPTIONS % b"blocker")
        return next(line for line in head.split(b"\r\n") if line.startswith(b"ISTag"))

    def istag(**changed):
        return run(while_serving(assembled(**changed), talk))

    options = {"services": {"blocker": UtilityTable(options={"a": 1})}}
    assert istag() == istag()
    assert len({istag(), istag(version="2"), istag(**options)}) == 3


def test_plugins_start_when_it_listens_and_end_after_the_last_client(run, assembled):
    found = assembled()
    witness = Witness()
    found.hooks.add("witness", witness)

    async def talk(addresses):
        await icap(addresses["icap"][0], REQMOD % b"reqmod")
        await icp(addresses["icp"][0], b"http://x/foo")
        await icp(addresses["icp"][0], b"http://x/")

    run(while_serving(found, talk))
    assert witness.calls == [
        ("startup", ["icap", "icp"]),
        ("icap", "blocker", "bad"),
        ("icp", "foo", "ICP_OP_HIT"),
        ("icp", None, "ICP_OP_MISS"),
        ("shutdown",),
    ]


def test_a_plugin_that_fails_to_start_does_not_stop_the_server(run, assembled):
    class Broken:
        @hookimpl
        def zcadapt_startup(self):
            raise OSError("no clamd")

    found = assembled(icap=())
    found.hooks.add("broken", Broken())

    async def talk(addresses):
        return await icp(addresses["icp"][0], b"http://x/")

    assert run(while_serving(found, talk)) == 3


def test_a_plugin_that_does_not_end_is_not_waited_for_longer_than_the_grace(run, assembled):
    class Hanging:
        @hookimpl
        async def zcadapt_shutdown(self):
            await asyncio.Event().wait()

    found = assembled(grace=0.05)
    found.hooks.add("hanging", Hanging())

    async def talk(addresses):
        return "served"

    assert run(while_serving(found, talk)) == "served"


def test_it_says_why_it_ends_and_who_is_still_there(run, assembled, caplog):
    async def talk(addresses):
        _, writer = await asyncio.open_connection(*addresses["icap"][0])
        await icap(addresses["icap"][0], OPTIONS % b"echo")  # by then the first is there too
        return writer

    async def main():
        (await while_serving(assembled(icp=()), talk)).close()

    with caplog.at_level(logging.INFO):
        run(main())
    assert re.search(r"SIGTERM: the server ends; [12] clients are connected, 0 que", caplog.text)


def test_told_to_end_it_does_not_wait_for_the_start_of_a_plugin(run, assembled, caplog):
    calls = []

    class Hanging:
        @hookimpl
        async def zcadapt_startup(self):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()

        @hookimpl
        async def zcadapt_shutdown(self):
            calls.append("shutdown")

    found = assembled(grace=3600)
    found.hooks.add("hanging", Hanging())

    async def main():
        async with asyncio.timeout(20):
            await serve(found, pytest.fail)

    run(main())
    assert calls == ["shutdown"]
    assert "SIGTERM: the server ends before its plugins have started" in caplog.text
    assert "plugin hanging: zcadapt_startup was cut off" in caplog.text


def test_a_client_that_only_waits_does_not_hold_the_end(run, assembled):
    async def talk(addresses):
        reader, writer = await asyncio.open_connection(*addresses["icap"][0])
        writer.write(OPTIONS % b"echo")
        await reader.readuntil(b"\r\n\r\n")
        return reader, writer

    async def main():
        reader, writer = await while_serving(assembled(grace=3600), talk)
        rest = await reader.read()
        writer.close()
        return rest

    assert run(main()) == b""


def test_when_it_has_ended_nobody_listens(run, assembled):
    async def talk(addresses):
        return addresses["icap"][0]

    address = run(while_serving(assembled(), talk))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield "{}:{}".format(*sock.getsockname())


def test_an_address_that_is_taken_is_told(run, assembled, taken):
    with pytest.raises(CannotListenError) as caught:
        run(serve(assembled(icap=("127.0.0.1:0", taken)), pytest.fail))
    assert str(caught.value) == f"cannot listen on {taken} (ICAP): Address already in use"


def test_an_address_of_another_machine_is_told(run, assembled):
    with pytest.raises(CannotListenError, match=r"cannot listen on 192\.0\.2\.1:3130 \(ICP\)"):
        run(serve(assembled(icp=("192.0.2.1:3130",)), pytest.fail))


def test_a_group_that_cannot_be_joined_there_is_told(run, assembled):
    found = assembled(icp=("127.0.0.1:0",), multicast=("239.255.77.3",))
    with pytest.raises(CannotListenError, match=r"239\.255\.77\.3 needs 0\.0\.0\.0 or \[::\]"):
        run(serve(found, pytest.fail))


def test_a_host_that_cannot_be_found_is_told(run, assembled):
    with pytest.raises(CannotListenError, match=r"cannot listen on nowhere\.invalid:1344"):
        run(serve(assembled(icap=("nowhere.invalid:1344",)), pytest.fail))


@pytest.mark.parametrize("host", ["no..where", f"{'a' * 64}.invalid"])
def test_a_host_that_cannot_be_a_name_is_told(run, assembled, host):
    with pytest.raises(CannotListenError, match=rf"cannot listen on {host}:1344 \(ICAP\): .*label"):
        run(serve(assembled(icap=(f"{host}:1344",)), pytest.fail))
