"""What is written goes out in few writes, and it is seen whether the client takes it."""

import asyncio

import pytest

from zcadapt.icap.connection import Connection
from zcadapt.icap.limits import Limits
from zcadapt.icap.outlet import SHORT, Outlet


class Recorded:
    """A transport of which nothing is taken but by `take`."""

    def __init__(self):
        self.writes = []
        self.waiting = 0

    def set_write_buffer_limits(self, high):
        self.high = high

    def get_write_buffer_size(self):
        return self.waiting

    def write(self, data):
        self.writes.append(("write", len(data)))
        self.waiting += len(data)

    def writelines(self, pieces):
        self.writes.append(("writelines", sum(map(len, pieces))))
        self.waiting += sum(map(len, pieces))

    def abort(self):
        self.writes.append("abort")


@pytest.fixture
def transport():
    return Recorded()


@pytest.fixture
def outlet(transport):
    outlet = Outlet(Connection(Limits()))
    outlet.open(transport)
    return outlet


def test_short_pieces_go_out_together(outlet, transport):
    for _ in range(3):
        outlet.send(b"x" * 100)
    outlet.flush()
    outlet.flush()
    assert transport.writes == [("write", 300)]


def test_long_pieces_are_not_copied(outlet, transport):
    outlet.send(b"x" * SHORT)
    outlet.send(b"x")
    outlet.flush()
    assert transport.writes == [("writelines", SHORT + 1)]


def test_what_was_not_written_when_the_connection_is_cut_never_is(outlet, transport):
    outlet.send(b"x")
    outlet.cut()
    outlet.flush()
    assert transport.writes == ["abort"]


def test_the_time_without_progress_is_told(outlet, transport):
    outlet.send(b"x" * 1000)
    outlet.flush()
    outlet.watch_reader(10.0)
    assert outlet.untaken_for(15.0) == 5.0
    transport.waiting = 999
    assert outlet.untaken_for(16.0) == 0.0
    assert outlet.untaken_for(20.0) == 4.0
    transport.waiting = 5000
    assert outlet.untaken_for(21.0) == 5.0, "what we add is no progress of the client"


def test_who_waits_for_room_goes_on_when_there_is_some(outlet):
    async def main():
        outlet.congested = True
        waiting = asyncio.ensure_future(outlet.room())
        await asyncio.sleep(0)
        assert not waiting.done()
        outlet.make_room()
        await asyncio.wait_for(waiting, 10)

    asyncio.run(main())
