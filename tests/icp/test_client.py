"""The client believes one reply: that of the peer it asked, to what it asked."""

import asyncio
import contextlib
import socket

import pytest

from zcadapt.icp import ask, build, build_reply, exchange, parse
from zcadapt.icp.opcodes import Opcode

URL = "http://example.com/"


@contextlib.asynccontextmanager
async def peer(*replies):
    """A server that answers a query with what each of `replies` makes of it."""

    class Peer(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, address):
            for reply in replies:
                self.transport.sendto(reply(parse(data)), address)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Peer, local_addr=("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


def miss(query):
    return build_reply(query, 3)


def hit_for_another_number(query):
    return build_reply(parse(build(query.url, request_number=query.request_number ^ 1)), 2)


def hit_for_another_url(query):
    return build_reply(parse(build("http://x/", request_number=query.request_number)), 2)


def cut_hit(query):
    return build_reply(query, 2)[:-1]


def hit_with_flags(query):
    reply = build_reply(query, 2)
    return reply[:8] + b"\xc0" + reply[9:]


def query_back(query):
    return query.datagram


def source_echo(query):
    return build_reply(query, Opcode.ICP_OP_SECHO)


def peer_echo(query):
    return build_reply(query, Opcode.ICP_OP_DECHO)


def hit_with_object(query):
    return build_reply(query, Opcode.ICP_OP_HIT_OBJ)


def nothing(_):
    return b""


def test_the_answer_is_the_servers(run, serving, register):
    async def main():
        register(lambda url: "ICP_OP_HIT" if url == URL else None)
        async with serving() as server:
            assert (await ask(URL, *server.address)).answer == "ICP_OP_HIT"
            assert (await ask(URL + "x", *server.address)).answer == "ICP_OP_MISS"

    run(main())


def test_over_ipv6_too(run, serving):
    async def main():
        async with serving("::1") as server:
            assert (await ask(URL, *server.address)).url == URL

    run(main())


@pytest.mark.parametrize(
    "other",
    [
        hit_for_another_number,
        hit_for_another_url,
        cut_hit,
        query_back,
        source_echo,
        peer_echo,
        hit_with_object,
        nothing,
    ],
)
def test_what_does_not_belong_to_the_query_is_overheard(run, other):
    async def main():
        async with peer(other, miss) as port:
            assert (await ask(URL, port=port)).answer == "ICP_OP_MISS"

    run(main())


def test_a_reply_with_option_flags_that_were_not_asked_for_is_overheard(run):
    async def main():
        async with peer(hit_with_flags, miss) as port:
            reply = await ask(URL, port=port)
            assert (reply.answer, reply.options) == ("ICP_OP_MISS", 0)

    run(main())


def test_a_second_reply_is_overheard(run):
    async def main():
        async with peer(miss, miss, lambda query: build_reply(query, 2)) as port:
            assert (await ask(URL, port=port)).answer == "ICP_OP_MISS"

    run(main())


def test_what_another_sends_is_overheard(run, receive_from):
    async def main():
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        ):
            server.settimeout(0)
            server.bind(("127.0.0.1", 0))
            asking = asyncio.create_task(ask(URL, *server.getsockname()))
            datagram, address = await receive_from(server)
            query = parse(datagram)
            other.sendto(build_reply(query, 2), address)
            server.sendto(build_reply(query, 3), address)
            assert (await asking).answer == "ICP_OP_MISS"

    run(main())


def test_each_query_has_a_number_of_its_own(run):
    seen = set()

    async def main():
        async with peer(miss) as port:
            for _ in range(3):
                seen.add((await ask(URL, port=port)).request_number)

    run(main())
    assert len(seen) == 3


def test_no_option_flag_is_asked_for(run):
    seen = []

    def noted(query):
        seen.append((query.options, query.option_data))
        return miss(query)

    async def main():
        async with peer(noted) as port:
            await ask(URL, port=port)

    run(main())
    assert seen == [(0, 0)]


def test_a_query_can_be_built_by_hand(run):
    async def main():
        datagram = build(URL, request_number=7, sender="192.0.2.1", version=3)
        async with peer(miss) as port:
            reply = await exchange(datagram, "127.0.0.1", port)
        assert (reply.request_number, str(reply.sender)) == (7, "192.0.2.1")

    run(main())


def test_silence_ends_in_time(run):
    async def main():
        async with peer() as port:
            with pytest.raises(TimeoutError):
                await ask(URL, port=port, timeout=0.05)

    run(main())


def test_where_nobody_listens_it_is_known_at_once(run):
    async def main():
        async with peer() as port:
            pass
        with pytest.raises(ConnectionRefusedError):
            await ask(URL, port=port, timeout=60)

    run(main())


@pytest.mark.parametrize("place", range(3))
def test_of_several_addresses_the_first_is_asked_where_somebody_listens(run, resolving, place):
    async def main():
        async with peer() as closed:
            pass
        async with peer(miss) as port:
            addresses = [("127.0.0.1", closed), ("::1", closed)]
            addresses.insert(place, ("127.0.0.1", port))
            resolving(*addresses)
            assert (await ask(URL, "localhost")).answer == "ICP_OP_MISS"

    run(main())


def test_where_nobody_listens_at_any_of_them_it_is_known_at_once(run, resolving):
    async def main():
        async with peer() as closed:
            pass
        resolving(("127.0.0.1", closed), ("::1", closed))
        with pytest.raises(ConnectionRefusedError):
            await ask(URL, "localhost", timeout=60)

    run(main())


def test_a_url_that_does_not_fit_is_not_sent(run):
    async def main():
        with pytest.raises(ValueError, match="NUL"):
            await ask("http://x/\0")

    run(main())
