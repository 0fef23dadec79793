"""What a mounted handler writes: how much is kept, where, and until when."""

import asyncio

import pytest

from zcadapt import KEEP, UnableError
from zcadapt.compat import mounted_line
from zcadapt.compat.line import Outgoing
from zcadapt.compat.mounted_line import MEMORY, MountedLine
from zcadapt.icap.errors import LocalProtocolError
from zcadapt.icap.events import RequestHead
from zcadapt.icap.head import RequestLine

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Body:
    """A body that has come."""

    complete = True
    is_empty = False
    preview = b"hello"

    def read(self, most=None):
        return b"hello, world"[:most]

    def __iter__(self):
        yield from (b"hel", b"lo, wor", b"ld")


@pytest.fixture
def new_line():
    lines = []

    def new_line(preview=None):
        line = RequestLine("REQMOD", "icap://h/echo", "/echo", "")
        head = RequestHead(line, b"", {}, HEAD, None, True, preview, frozenset())  # noqa: FBT003
        lines.append(MountedLine(head, Body()))
        return lines[-1]

    yield new_line
    for line in lines:
        line.release()


def answer(part="req", head=HEAD):
    return Outgoing(200, "", [("ISTag", "a"), ("X-A", "b")], part, head, has_body=True)


def test_there_is_one_request(new_line):
    line = new_line()
    assert line.receive() is not None
    assert line.receive() is None
    assert not line.finish()


def test_a_preview_is_not_read_twice(new_line):
    line = new_line(preview=5)
    assert [line.read(), line.read(), line.ieof] == [b"hello", b"", False]
    line.continue_()
    assert [line.read() for _ in range(3)] == [b", wor", b"ld", b""]


def test_a_preview_that_was_not_read_is_not_left_out(new_line):
    line = new_line(preview=5)
    line.continue_()
    assert b"".join(iter(line.read, b"")) == b", world"


@pytest.mark.parametrize("size", [MEMORY, MEMORY + 1])
def test_what_is_long_is_kept_in_a_file_until_it_has_been_sent(new_line, size):
    async def whole(pieces):
        return b"".join([piece async for piece in pieces])

    line = new_line()
    line.begin(answer())
    line.write(bytes(size))
    line.end()
    body = line.decision().body
    line.release()
    assert isinstance(body, bytes) == (size <= MEMORY)
    assert (body if isinstance(body, bytes) else asyncio.run(whole(body))) == bytes(size)


def test_there_is_an_end_to_what_is_kept(new_line, monkeypatch):
    monkeypatch.setattr(mounted_line, "MOST", 10)
    line = new_line()
    line.begin(answer())
    line.write(bytes(10))
    with pytest.raises(UnableError, match="more than 10 bytes"):
        line.write(b"a")


def test_there_is_no_data_outside_of_a_body(new_line):
    line = new_line()
    with pytest.raises(LocalProtocolError):
        line.write(b"a")
    line.begin(answer())
    line.end()
    with pytest.raises(LocalProtocolError):
        line.write(b"a")


@pytest.mark.parametrize(("last", "same"), [(b"ld", True), (b"lt", False)])
def test_a_body_that_is_the_same_stays_where_it_is(new_line, last, same):
    line = new_line()
    line.begin(answer())
    for piece in (b"hello,", b" wor", last):
        line.write(piece)
    assert line.decision().body is not KEEP  # not all of it has been read
    while line.read():
        pass
    assert (line.decision().body is KEEP) == same


def test_a_body_that_is_cut_is_not_the_same(new_line):
    line = new_line()
    line.begin(answer())
    line.write(line.read())
    line.end()
    assert line.decision().body == b"hel"


def test_who_has_sent_nothing_has_decided_nothing(new_line):
    line = new_line()
    line.begin(answer())
    assert line.take_back()
    assert not line.has_begun
    with pytest.raises(UnableError, match="sent nothing"):
        line.decision()


def test_a_body_of_the_same_length_is_not_the_same(new_line):
    line = new_line()
    while line.read():
        pass
    line.begin(answer())
    line.write(b"HELLO, world")
    line.end()
    assert line.decision().body == b"HELLO, world"


def test_a_url_that_could_not_be_sent_anew_stays_where_the_method_changes(new_line):
    odd = HEAD.replace(b"GET /", b"GET /a b")
    line = new_line()
    line._head.request = odd
    line.begin(answer(head=odd.replace(b"GET", b"POST")))
    decision = line.decision()
    assert (decision.method, decision.url) == ("POST", None)
