import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
from zope.interface.registry import Components

from zcadapt.icp import ICPServer, ICPSettings, Policies
from zcadapt.interfaces import IICPPolicy


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request):
    """Run a coroutine on each of the loops."""
    new_loop = pytest.importorskip(request.param).new_event_loop

    def run(coroutine):
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(coroutine)

    return run


@pytest.fixture
def components():
    return Components()


@pytest.fixture
def register(components):
    """Register a policy under a name."""

    def register(policy, name="", interface=IICPPolicy):
        components.registerUtility(policy, interface, name)

    return register


class Cache:
    """A cache that asks: a UDP socket connected to the server."""

    def __init__(self, sock):
        self.sock = sock
        self.name = sock.getsockname()

    def send(self, datagram):
        self.sock.send(datagram)

    async def receive(self):
        return await asyncio.get_running_loop().sock_recv(self.sock, 65535)

    async def ask(self, datagram):
        self.send(datagram)
        async with asyncio.timeout(5):
            return await self.receive()


@pytest.fixture
def cache():
    """Return a new `Cache` that asks the server at an address."""
    with contextlib.ExitStack() as stack:

        def cache(host, port):
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            sock = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            sock.settimeout(0)
            sock.connect((host, port))
            return Cache(sock)

        yield cache


@pytest.fixture
def receive_from():
    """Await a datagram on a socket and return it with its sender; uvloop has no sock_recvfrom."""

    async def receive_from(sock):
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(sock, readable.set)
        try:
            async with asyncio.timeout(5):
                await readable.wait()
        finally:
            loop.remove_reader(sock)
        return sock.recvfrom(65535)

    return receive_from


@pytest.fixture
def serving(components):
    """Return a context in which a server with these settings answers at `server.address`."""

    @contextlib.asynccontextmanager
    async def serving(host="127.0.0.1", observe=None, **settings) -> AsyncIterator[ICPServer]:
        server = ICPServer(Policies(components), ICPSettings(**settings), observe=observe)
        server.address = await server.listen(host, 0)
        try:
            yield server
        finally:
            await server.close(5)

    return serving


@pytest.fixture
def resolving():
    """Have the running loop find these addresses for whatever host is asked for."""

    def resolving(*addresses):
        async def getaddrinfo(_, port, **options):
            return [
                (
                    socket.AF_INET6 if ":" in host else socket.AF_INET,
                    options["type"],
                    0,
                    "",
                    (host, own_port or port),
                )
                for host, own_port in addresses
            ]

        asyncio.get_running_loop().getaddrinfo = getaddrinfo

    return resolving
