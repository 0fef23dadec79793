"""However long a body is, the server's memory does not grow with it.

``ZCADAPT_TEST_MB`` says how long it is in megabytes; 256 where nothing is said.
"""

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

MIB = 1024 * 1024
SIZE = int(os.environ.get("ZCADAPT_TEST_MB", "256")) * MIB
PIECE = bytes(range(256)) * 4096

SERVER = """
import asyncio, importlib, sys
from zope.interface.registry import Components
from zcadapt import modify, reqmod, respmod
from zcadapt.icap.endpoints import Endpoints
from zcadapt.icap.server import ICAPServer
from zcadapt.icap.settings import ICAPSettings
from zcadapt.interfaces import IICAPService

@respmod
@reqmod
def inverted(request):
    async def pieces():
        async for piece in request.body:
            yield piece.swapcase()
    return modify(body=pieces())

@respmod
@reqmod
async def spooled(request):
    with await request.body.file() as file:
        file.seek(-1, 2)
        assert file.read() == b"\\xff"

async def main():
    components = Components()
    for name in ("inverted", "spooled"):
        components.registerUtility(globals()[name], IICAPService, name)
    settings = ICAPSettings()
    server = ICAPServer(Endpoints(components, settings=settings), settings)
    print((await server.listen("127.0.0.1", 0))[1], flush=True)
    await asyncio.Event().wait()

with asyncio.Runner(loop_factory=importlib.import_module(sys.argv[1]).new_event_loop) as runner:
    runner.run(main())
"""


def kilobytes(pid, name):
    return int(re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1])


@pytest.fixture(params=["asyncio", "uvloop"])
def process(request):
    pytest.importorskip(request.param)
    command = [sys.executable, "-c", SERVER, request.param]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def carry(client, head, size):
    """Send a body of `size` bytes and take it back; return how much came and in which case."""

    def send():
        client.sendall(head)
        for _ in range(size // len(PIECE)):
            client.sendall(b"%x\r\n" % len(PIECE))
            client.sendall(PIECE)
            client.sendall(b"\r\n")
        client.sendall(b"0\r\n\r\n")

    sender = threading.Thread(target=send)
    sender.start()
    received, end = 0, b""
    while not end.endswith(b"\r\n0\r\n\r\n"):
        data = client.recv(MIB)
        assert data, "cut"
        received += len(data)
        end = (end + data[-20:])[-20:]
    sender.join()
    return received


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_does_not_grow_with_the_body(process, icap):
    port = int(process.stdout.readline())
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout=60)) as client:
        for method, path in [
            (method, path)
            for path in ("/echo", "/inverted", "/spooled")
            for method in (icap.reqmod, icap.respmod)
        ]:
            head = method(path, body=b"").removesuffix(icap.END)
            carry(client, head, MIB)
            Path(f"/proc/{process.pid}/clear_refs").write_text("5")  # the peak begins anew
            idle = kilobytes(process.pid, "VmRSS")
            assert SIZE <= carry(client, head, SIZE) < SIZE * 1.05
            peak = kilobytes(process.pid, "VmHWM") - idle
            assert peak < 64 * 1024, (path, peak)
