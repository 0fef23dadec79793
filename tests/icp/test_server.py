"""The server answers real datagrams, on both loops, and goes on after whatever comes."""

import asyncio
import contextlib
import gc
import socket

import pytest

from zcadapt.icp import ANSWERS, LONGEST, ICPServer, Policies, build, parse_reply
from zcadapt.icp.server import BATCH
from zcadapt.rule import Candidate

URL = "http://example.com/foo"
QUERY = build(URL, request_number=0xDEADBEEF)


def answer(reply):
    return parse_reply(reply).answer


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - counters are plain integers
            await asyncio.sleep(0)


def test_a_query_is_answered(run, serving, cache, register):
    async def main():
        register(lambda url: "ICP_OP_HIT" if "foo" in url else None)
        async with serving() as server:
            reply = parse_reply(await cache(*server.address).ask(QUERY))
        assert (reply.answer, reply.request_number, reply.url) == ("ICP_OP_HIT", 0xDEADBEEF, URL)

    run(main())


def test_over_ipv6_too(run, serving, cache, register):
    async def main():
        register(lambda url: None)
        async with serving("::1") as server:
            assert server.address[0] == "::1"
            assert answer(await cache(*server.address).ask(QUERY)) == "ICP_OP_MISS"

    run(main())


def test_on_several_addresses_at_once(run, serving, cache):
    async def main():
        async with serving() as server:
            other = await server.listen("127.0.0.1", 0)
            assert other != server.address
            for address in (server.address, other):
                assert answer(await cache(*address).ask(QUERY)) == "ICP_OP_MISS"
        assert server.counters.queries == 2

    run(main())


def test_a_host_may_be_a_name(run, serving, cache):
    async def main():
        async with serving("localhost") as server:
            assert answer(await cache(*server.address).ask(QUERY)) == "ICP_OP_MISS"

    run(main())


def test_all_addresses_of_a_name_are_listened_on_at_one_port(run, serving, cache, resolving):
    async def main():
        resolving(("127.0.0.1", 0), ("::1", 0))
        async with serving("localhost") as server:
            host, port = server.address
            assert (host, port > 0) == ("127.0.0.1", True)
            for host in ("127.0.0.1", "::1"):
                assert answer(await cache(host, port).ask(QUERY)) == "ICP_OP_MISS"
        assert server.counters.queries == 2

    run(main())


def test_where_one_of_them_is_taken_none_is_listened_on(run, serving, components, resolving):
    async def main():
        async with serving("::1") as taken:
            port = taken.address[1]
            resolving(("127.0.0.1", 0), ("::1", 0))
            server = ICPServer(Policies(components))
            with pytest.raises(OSError, match="in use"):
                await server.listen("localhost", port)
            resolving(("127.0.0.1", 0))
            assert await server.listen("127.0.0.1", port) == ("127.0.0.1", port)
            await server.close()

    run(main())


def test_a_multicast_group_is_answered_from_the_servers_own_address(run, serving, receive_from):
    async def main():
        async with serving("0.0.0.0", multicast=("239.255.77.2%lo",)) as server:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.settimeout(0)
                loopback = socket.inet_aton("127.0.0.1")
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, loopback)
                sock.bind(("127.0.0.1", 0))
                sock.sendto(QUERY, ("239.255.77.2", server.address[1]))
                reply, sender = await receive_from(sock)
        assert (answer(reply), sender) == ("ICP_OP_MISS", ("127.0.0.1", server.address[1]))

    run(main())


def test_workers_can_share_an_address(run, components):
    async def main():
        servers = [ICPServer(Policies(components)) for _ in range(2)]
        address = await servers[0].listen("127.0.0.1", 0, reuse_port=True)
        assert await servers[1].listen(*address, reuse_port=True) == address
        for server in servers:
            await server.close()

    run(main())


def test_an_address_that_is_taken_is_told(run, serving):
    async def main():
        async with serving() as server:
            with pytest.raises(OSError, match="in use"):
                await server.listen(*server.address)

    run(main())


def test_a_registration_counts_from_the_next_query(run, serving, cache, register):
    async def main():
        async with serving() as server:
            asking = cache(*server.address)
            assert answer(await asking.ask(QUERY)) == "ICP_OP_MISS"
            register(lambda url: "ICP_OP_MISS_NOFETCH")
            assert answer(await asking.ask(QUERY)) == "ICP_OP_MISS_NOFETCH"

    run(main())


def test_many_queries_that_come_at_once_are_all_answered(run, serving, cache):
    async def main():
        async with serving() as server:
            asking = cache(*server.address)
            count = 2 * BATCH + 7
            for number in range(count):
                asking.send(build(URL, request_number=number))
            async with asyncio.timeout(5):
                replies = [parse_reply(await asking.receive()) for _ in range(count)]
            assert [reply.request_number for reply in replies] == list(range(count))

    run(main())


GARBAGE = [
    b"",
    b"\0",
    b"GET / HTTP/1.0\r\n\r\n",
    QUERY[:20],
    bytes([2]) + QUERY[1:],
    bytes([10]) + QUERY[1:],
    bytes([11]) + QUERY[1:],
    bytes(LONGEST),
]
MALFORMED = [QUERY[:-1], QUERY[:24], QUERY + b"\0", QUERY + bytes(LONGEST), b"\1\2" + b"\xff" * 40]


def test_after_garbage_the_next_query_is_answered(run, serving, cache):
    async def main():
        async with serving() as server:
            asking = cache(*server.address)
            for datagram in GARBAGE:
                asking.send(datagram)
            assert answer(await asking.ask(QUERY)) == "ICP_OP_MISS"
            for datagram in MALFORMED:
                assert answer(await asking.ask(datagram)) == "ICP_OP_ERR"
            assert answer(await asking.ask(QUERY)) == "ICP_OP_MISS"
        assert server.counters.ignored == len(GARBAGE)
        assert server.counters.malformed == len(MALFORMED)
        assert server.counters.queries == 2

    run(main())


def test_a_stranger_hears_nothing_and_others_are_served(run, serving, cache):
    async def main():
        async with serving(allow=("127.0.0.2/32",)) as server:
            stranger = cache(*server.address)
            stranger.send(QUERY)
            await until(lambda: server.counters.refused)
            with pytest.raises(BlockingIOError):
                stranger.sock.recv(1)

    run(main())


def test_a_peer_that_has_gone_does_no_harm(run, serving, cache):
    async def main():
        async with serving() as server:
            gone = cache(*server.address)
            gone.send(QUERY)
            gone.sock.close()
            assert answer(await cache(*server.address).ask(QUERY)) == "ICP_OP_MISS"

    run(main())


def test_a_reply_that_cannot_be_sent_is_dropped(run, components):
    class Full(socket.socket):
        """A socket whose buffer is full, as it is hard to have one on loopback."""

        def sendto(self, *_):
            raise BlockingIOError

    async def main():
        server = ICPServer(Policies(components))
        sock = Full(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        server.serve(sock)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            for _ in range(3):
                peer.sendto(QUERY, sock.getsockname())
            await until(lambda: server.counters.unsent == 3)
        await server.close()

    run(main())


def test_a_failing_socket_does_not_end_the_server(run, cache, components):
    class Failing(socket.socket):
        failures = 1

        def recvfrom(self, size):
            if self.failures:
                self.failures -= 1
                raise ConnectionRefusedError
            return super().recvfrom(size)

    async def main():
        server = ICPServer(Policies(components))
        sock = Failing(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        server.serve(sock)
        assert answer(await cache(*sock.getsockname()).ask(QUERY)) == "ICP_OP_MISS"
        assert server.counters.unsent == 1
        await server.close()

    run(main())


def test_what_came_before_a_socket_failed_is_answered(run, cache, components):
    class Failing(socket.socket):
        """A socket that fails after the first datagram, once."""

        calls = 0

        def recvfrom(self, size):
            self.calls += 1
            if self.calls == 2:
                raise ConnectionRefusedError
            return super().recvfrom(size)

    async def main():
        server = ICPServer(Policies(components))
        sock = Failing(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        asking = cache(*sock.getsockname())
        for _ in range(3):
            asking.send(QUERY)
        server.serve(sock)
        async with asyncio.timeout(5):
            replies = [await asking.receive() for _ in range(3)]
        assert {answer(reply) for reply in replies} == {"ICP_OP_MISS"}
        assert server.counters.unsent == 1
        await server.close()

    run(main())


# Errors of our own


def broken(error, *, ask):
    """A candidate that cannot even fail."""

    def on_failure(*_):
        raise error

    return Candidate("broken", None, ask, valid=ANSWERS.__contains__, on_failure=on_failure)


def fails_over_foo(asked):
    if "foo" in asked[1]:
        raise LookupError


async def fails_later_over_foo(asked):
    fails_over_foo(asked)


@pytest.mark.parametrize("ask", [fails_over_foo, fails_later_over_foo])
@pytest.mark.parametrize("error", [ZeroDivisionError("bug"), MemoryError()])
def test_an_error_over_one_query_leaves_the_others(run, cache, caplog, ask, error):
    async def main():
        candidates = [broken(error, ask=ask)]
        server = ICPServer(lambda: candidates)
        asking = cache(*await server.listen("127.0.0.1", 0))
        urls = ["http://x/1", "http://x/foo", "http://x/2", "http://x/foo", "http://x/3"]
        for url in urls:
            asking.send(build(url))
        async with asyncio.timeout(5):
            replies = [parse_reply(await asking.receive()) for _ in urls]
        assert {(reply.url, reply.answer) for reply in replies} == {
            ("http://x/1", "ICP_OP_MISS"),
            ("http://x/2", "ICP_OP_MISS"),
            ("http://x/3", "ICP_OP_MISS"),
            ("http://x/foo", "ICP_OP_ERR"),
        }
        assert server.counters.failed == 2
        assert answer(await asking.ask(build("http://x/"))) == "ICP_OP_MISS"
        await server.close()

    run(main())
    assert len(caplog.records) == 1
    assert "an error of the server over a datagram from 127.0.0.1 (1 so far)" in caplog.text


@pytest.mark.parametrize("error", [SystemExit(), GeneratorExit(), asyncio.CancelledError()])
def test_no_exception_ends_the_server_or_loses_the_others(run, cache, error):
    async def main():
        candidates = [broken(error, ask=fails_over_foo)]
        server = ICPServer(lambda: candidates)
        asking = cache(*await server.listen("127.0.0.1", 0))
        asking.send(QUERY)
        asking.send(build("http://x/"))
        async with asyncio.timeout(5):
            answers = [answer(await asking.receive()) for _ in range(2)]
        assert answers == ["ICP_OP_ERR", "ICP_OP_MISS"]
        await server.close()

    run(main())


# Asynchronous policies


@pytest.fixture
def gate(register):
    """A policy that says HIT when the gate opens, but only of URLs with foo."""

    class Gate:
        def __init__(self):
            self.event = asyncio.Event()
            self.waiting = 0

        async def __call__(self, url):
            self.waiting += 1
            await self.event.wait()
            return "ICP_OP_HIT"

    gate = Gate()

    def policy(url):
        return gate(url) if "foo" in url else None

    policy.timeout = 60
    register(policy)
    return gate


def test_an_asynchronous_answer_comes_when_it_is_there(run, serving, cache, gate):
    async def main():
        async with serving() as server:
            asking = cache(*server.address)
            asking.send(QUERY)
            await until(lambda: gate.waiting)
            assert server.pending == 1
            # Another need not wait.
            assert answer(await cache(*server.address).ask(build("http://x/"))) == "ICP_OP_MISS"
            gate.event.set()
            assert answer(await asking.receive()) == "ICP_OP_HIT"
            await until(lambda: server.pending == 0)

    run(main())


def test_only_so_many_may_wait(run, serving, cache, gate):
    async def main():
        async with serving(pending=2) as server:
            asking = [cache(*server.address) for _ in range(3)]
            for each in asking[:2]:
                each.send(QUERY)
            await until(lambda: gate.waiting == 2)
            assert answer(await asking[2].ask(QUERY)) == "ICP_OP_MISS_NOFETCH"
            assert server.counters.overloaded == 1
            gate.event.set()
            for each in asking[:2]:
                assert answer(await each.receive()) == "ICP_OP_HIT"
            assert answer(await asking[2].ask(QUERY)) == "ICP_OP_HIT"

    run(main())


def test_a_policy_that_goes_on_when_it_is_cancelled_is_left_behind(
    run, serving, cache, register, monkeypatch
):
    monkeypatch.setattr("zcadapt.icp.server.LONGEST_WAIT", 0.2)
    released = asyncio.Event()

    async def stubborn(url):
        while not released.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await released.wait()

    stubborn.timeout = 0.05
    register(stubborn, "stubborn")

    async def main():
        async with serving() as server:
            reply = await cache(*server.address).ask(QUERY)
            assert answer(reply) == "ICP_OP_ERR"
            await until(lambda: server.pending == 0)
            released.set()

    run(main())


def test_close_waits_for_those_that_wait(run, serving, cache, gate):
    async def main():
        async with serving() as server:
            asking = cache(*server.address)
            asking.send(QUERY)
            await until(lambda: gate.waiting)
            closing = asyncio.create_task(server.close(60))
            await asyncio.sleep(0)
            gate.event.set()
            await closing
            assert answer(await asking.receive()) == "ICP_OP_HIT"

    run(main())


@pytest.mark.parametrize("begun", [True, False])
def test_close_does_not_wait_for_ever(run, serving, cache, gate, begun):
    async def main():
        async with serving() as server:
            cache(*server.address).send(QUERY)
            if begun:
                await until(lambda: gate.waiting)
            await server.close(0)
            assert server.pending == 0

    run(main())
    gc.collect()  # a coroutine that nobody has awaited would complain


def test_who_breaks_the_closing_off_leaves_no_socket_open(run, serving, cache, gate, components):
    async def main():
        async with serving() as server:
            cache(*server.address).send(QUERY)
            await until(lambda: gate.waiting)
            closing = asyncio.create_task(server.close(60))
            await asyncio.sleep(0)
            closing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await closing
            other = ICPServer(Policies(components))
            assert await other.listen(*server.address) == server.address
            await other.close()
            await server.close(0)

    run(main())


def test_close_answers_what_has_come(run, serving, cache):
    async def main():
        async with serving() as server:
            asking = cache(*server.address)
            for _ in range(BATCH + 1):
                asking.send(QUERY)
            await server.close()
            replies = [asking.sock.recv(65535) for _ in range(BATCH + 1)]
        assert {answer(reply) for reply in replies} == {"ICP_OP_MISS"}

    run(main())


def test_after_close_the_address_is_free(run, serving, components):
    async def main():
        async with serving() as server:
            await server.close()
            other = ICPServer(Policies(components))
            assert await other.listen(*server.address) == server.address
            await other.close()

    run(main())


def test_who_observes_sees_the_winner(run, serving, cache, register):
    seen = []

    async def main():
        register(lambda url: "ICP_OP_HIT", "10-all")
        async with serving(observe=lambda *told: seen.append(told)) as server:
            await cache(*server.address).ask(QUERY)

    run(main())
    ((protocol, name, query, answer),) = seen
    assert (protocol, name, query.url, answer) == ("icp", "10-all", URL, "ICP_OP_HIT")


@pytest.mark.parametrize("error", [ZeroDivisionError(), SystemExit()])
def test_who_observes_and_fails_costs_no_reply(run, serving, cache, gate, error):
    def observe(*_):
        raise error

    async def main():
        gate.event.set()
        async with serving(observe=observe) as server:
            asking = cache(*server.address)
            for url in ("http://x/", URL, "http://x/"):
                asking.send(build(url))
            async with asyncio.timeout(5):
                answers = [answer(await asking.receive()) for _ in range(3)]
        assert sorted(answers) == ["ICP_OP_HIT", "ICP_OP_MISS", "ICP_OP_MISS"]

    run(main())
