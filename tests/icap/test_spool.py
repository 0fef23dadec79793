"""Bytes come out as they went in, from memory or from a file, as long as they are wanted."""

import contextlib
import io
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcadapt.icap import spool as module
from zcadapt.icap.errors import LocalProtocolError, OverloadedError
from zcadapt.icap.spool import SMALL, Disk, Spool

IN_MEMORY, IN_FILE = 1 << 20, 0
MUCH = 1 << 30


@pytest.fixture
def new():
    """Return a spool with a limit, which is closed in the end."""
    with contextlib.ExitStack() as stack:

        def new(limit):
            spool = Spool(limit, Disk(MUCH))
            stack.callback(spool.close)
            return spool

        yield new


@pytest.fixture(params=[IN_MEMORY, 5, IN_FILE], ids=["memory", "both", "file"])
def spool(request, new):
    return new(request.param)


def read(spool, position=0):
    pieces = []
    while piece := spool.read_at(position):
        pieces.append(piece)
        position += len(piece)
    return b"".join(pieces)


def test_what_went_in_comes_out(spool):
    for piece in (b"Wiki", b"", b"pedia"):
        spool.append(piece)
    assert spool.size == 9
    assert read(spool) == b"Wikipedia"
    assert [read(spool, at) for at in (3, 4, 8, 9, 99)] == [b"ipedia", b"pedia", b"a", b"", b""]


def test_reading_can_go_on_where_it_stopped(spool):
    spool.append(b"Wiki")
    assert spool.read_at(4) == b""
    spool.append(b"pedia")
    assert read(spool, 4) == b"pedia"


def test_an_empty_spool_has_nothing(spool):
    assert (spool.size, spool.begin, spool.read_at(0)) == (0, 0, b"")
    assert spool.open().read() == b""


def test_a_file_is_made_only_beyond_the_limit(new, monkeypatch):
    def no_file(**options):
        raise AssertionError("a file was made")

    spool = new(9)
    monkeypatch.setattr(tempfile, "TemporaryFile", no_file)
    spool.append(b"Wiki")
    spool.append(b"pedia")
    with pytest.raises(AssertionError):
        spool.append(b"!")


def test_what_was_given_up_makes_room_in_memory(new, monkeypatch):
    monkeypatch.setattr(module, "SMALL", 0)
    spool = new(8)
    for at in range(0, 4000, 4):
        spool.append(b"Wiki")
        spool.forget_before(at)
    assert spool._file is None
    assert read(spool, spool.begin) == b"Wiki"


def test_many_tiny_pieces_are_kept_as_few(new):
    spool = new(IN_MEMORY)
    for at in range(3 * SMALL):
        spool.append(b"%d" % (at % 10))
    assert len(spool._pieces) <= 4
    assert read(spool, 4321) == (b"0123456789" * SMALL)[4321 : 3 * SMALL]


def test_pieces_without_bytes_are_not_kept(new):
    spool = new(IN_MEMORY)
    for _ in range(1000):
        spool.append(b"")
    assert spool._pieces == []


def test_what_was_given_up_cannot_be_read(spool):
    spool.append(b"Wiki" * 2000)
    spool.append(b"pedia" * 2000)
    spool.forget_before(8001)
    assert spool.begin == 8001
    assert read(spool, 8001) == (b"pedia" * 2000)[1:]
    for position in (0, 8000):
        with pytest.raises(LocalProtocolError):
            spool.read_at(position)
    with pytest.raises(LocalProtocolError):
        spool.open()


def test_nothing_is_given_up_twice_nor_before_it_came(spool):
    spool.append(b"Wikipedia")
    spool.forget_before(4)
    spool.forget_before(2)
    assert spool.begin == 4
    spool.forget_before(100)
    assert spool.begin == 9
    spool.append(b"!")
    assert read(spool, 9) == b"!"


def test_a_file_that_was_read_to_its_end_gives_its_room_back(new):
    spool = new(IN_FILE)
    spool.append(b"x" * 1_000_000)
    spool.forget_before(1_000_000)
    assert os.fstat(spool._file.fileno()).st_blocks == 0
    spool.append(b"y")
    assert read(spool, 1_000_000) == b"y"


def test_a_closed_spool_holds_nothing(spool):
    spool.append(b"Wikipedia")
    spool.close()
    with pytest.raises(LocalProtocolError):
        spool.read_at(0)
    assert spool.read_at(9) == b""
    spool.close()


def test_a_disk_that_is_full_leaves_what_was_there(new, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    spool = new(4)
    spool.append(b"Wiki")
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space"):
        spool.append(b"pedia")
    assert (spool.size, read(spool)) == (4, b"Wiki")


def test_a_file_that_takes_a_part_is_given_the_rest(new, monkeypatch):
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: real(fd, bytes(data[:2]), at))
    spool = new(IN_FILE)
    spool.append(b"Wikipedia")
    assert read(spool) == b"Wikipedia"


# The file that a service gets


def test_a_file_holds_all_from_its_beginning(spool):
    spool.append(b"Wiki")
    spool.append(b"pedia")
    with spool.open() as file:
        assert file.read() == b"Wikipedia"
        assert file.read() == b""


def test_a_file_can_be_moved_in(spool):
    spool.append(b"Wikipedia")
    with spool.open() as file:
        assert file.seek(-5, io.SEEK_END) == 4
        assert file.read(2) == b"pe"
        assert file.seek(1, io.SEEK_CUR) == 7
        assert file.tell() == 7
        assert file.read() == b"ia"
        assert file.seek(0) == 0
        assert file.readline() == b"Wikipedia"
        assert (file.readable(), file.seekable(), file.writable()) in {
            (True, True, False),
            (True, True, True),
        }
        with pytest.raises(ValueError, match=r"before|negative"):
            file.seek(-1)


def test_files_have_positions_of_their_own(spool):
    spool.append(b"Wikipedia")
    with spool.open() as one, spool.open() as two:
        assert one.read(4) == b"Wiki"
        assert two.read(4) == b"Wiki"
        assert one.read() == two.read() == b"pedia"
    assert read(spool) == b"Wikipedia"


def test_a_file_stays_readable_when_the_spool_is_gone(spool):
    spool.append(b"Wikipedia")
    file = spool.open()
    spool.close()
    assert file.read() == b"Wikipedia"
    file.close()


def test_a_file_stays_whole_when_the_spool_gives_it_up(spool):
    spool.append(b"Wikipedia")
    with spool.open() as file:
        spool.forget_before(9)
        assert file.read() == b"Wikipedia"


def test_a_file_can_be_copied_and_has_a_descriptor(new):
    spool = new(IN_FILE)
    spool.append(b"Wikipedia")
    with spool.open() as file:
        target = io.BytesIO()
        shutil.copyfileobj(file, target)
        assert target.getvalue() == b"Wikipedia"
        assert os.fstat(file.fileno()).st_size == 9


def test_no_descriptor_stays_open():
    def descriptors():
        return len(list(Path("/proc/self/fd").iterdir()))

    before = descriptors()
    spool = Spool(IN_FILE, Disk(MUCH))
    spool.append(b"Wikipedia")
    file = spool.open()
    file.close()
    file.close()
    spool.close()
    assert descriptors() == before


@given(
    st.lists(st.binary(max_size=40) | st.integers(0, 6000).map(bytes), max_size=20),
    st.integers(0, 10_000),
    st.lists(st.integers(0, 20_000), max_size=5),
)
def test_any_pieces_with_any_limit_are_one_run_of_bytes(pieces, limit, positions):
    spool = Spool(limit, Disk(MUCH))
    whole = b""
    for piece in pieces:
        spool.append(piece)
        whole += piece
    assert all(read(spool, position) == whole[position:] for position in positions)
    with spool.open() as file:
        assert file.read() == whole
    for position in sorted(positions):
        spool.forget_before(position)
        assert read(spool, spool.begin) == whole[spool.begin :]
    spool.close()


def test_files_share_the_room_on_the_disk_and_give_it_back():
    disk = Disk(10)
    one, other = Spool(IN_FILE, disk), Spool(3, disk)
    one.append(b"sixsix")
    other.append(b"abc")
    assert disk.room == 4, "what is in memory takes no room"
    other.append(b"d")
    assert disk.room == 0
    with pytest.raises(OverloadedError):
        one.append(b"x")
    assert read(one) == b"sixsix"
    one.forget_before(6)
    assert disk.room == 6
    other.close()
    one.close()
    one.close()
    assert disk.room == 10


def test_a_spool_that_finds_no_room_keeps_what_it_has():
    spool = Spool(3, Disk(2))
    spool.append(b"abc")
    with pytest.raises(OverloadedError):
        spool.append(b"d")
    assert read(spool) == b"abc"
