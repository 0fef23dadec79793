"""One connection: what is read and written when, and how long anybody waits."""
# ruff: noqa: FBT003 - as handlers are written

import socket
import struct
import threading
import time

import pytest
from peers import DEADLINE, NOT_NEEDED, RESPONSE, USUAL, Peer, chunks, request, unchunked
from programs import until

from zcadapt.compat import blocking_line, pyicap
from zcadapt.compat.clients import clients_of
from zcadapt.compat.texts import ICAPError
from zcadapt.icap.settings import ICAPSettings

LEAVE = pyicap.BaseICAPRequestHandler.no_adaptation_required


def settings(**some):
    return ICAPSettings(connections=8, **some)


def refused(line):
    text = f"ICAP/1.0 {line}\r\n*\r\nConnection: close\r\nEncapsulated: null-body=0\r\n\r\n"
    return text.encode()


def copy(self):
    """Pass a response on as it comes."""
    self.set_enc_status(b" ".join(self.enc_res_status))
    self.send_headers(True)
    while piece := self.read_chunk():
        self.write_chunk(piece)
    self.write_chunk(b"")


def zeros(size):
    """A handler that sends so much."""

    def answer(self):
        self.set_enc_status("HTTP/1.1 200 OK")
        self.send_headers(True)
        for _ in range(size // 65536):
            self.write_chunk(bytes(65536))

    return answer


def endless(done):
    """A handler that sends until it is stopped."""

    def answer(self):
        try:
            zeros(1 << 40)(self)
        finally:
            done.set()

    return answer


def body_of(answer):
    """The body behind an ICAP head and an HTTP head."""
    return unchunked(answer.split(b"\r\n\r\n", 2)[2])


# One write


@pytest.fixture
def writes(monkeypatch):
    """What is given to the socket of a server at once."""
    seen = []

    def send(sock, data, *flags):
        if threading.current_thread() is not threading.main_thread():
            seen.append(USUAL.sub(b"*\r\n", bytes(data)))
        return socket.SocketType.send(sock, data, *flags)

    monkeypatch.setattr(socket.socket, "send", send, raising=False)
    return seen


def test_the_heads_and_a_short_body_leave_in_one_write(serve, writes):
    peer = serve(echo_RESPMOD=lambda self: self.send_enc_error(403, body="no")).connect()
    answer = peer.ask()
    assert writes == [answer]


def test_the_heads_leave_with_the_first_of_a_body(serve, writes):
    def answer(self):
        self.set_enc_status("HTTP/1.1 200 OK")
        self.send_headers(True)
        for piece in (b"a", b"b", b""):
            self.write_chunk(piece)

    serve(echo_RESPMOD=answer).connect().ask()
    first = b"\r\n\r\nHTTP/1.1 200 OK\r\n\r\n1\r\na\r\n"
    assert writes[0].endswith(first)
    assert writes[1:] == [b"1\r\nb\r\n", b"0\r\n\r\n"]


def test_the_heads_leave_before_the_client_is_waited_for(serve):
    peer = serve(echo_RESPMOD=copy).connect()
    peer.send(request("RESPMOD", "echo", b""))
    assert peer.until(b"HTTP/1.1 200 OK\r\n\r\n")
    peer.send(chunks(b"a"))
    assert peer.until(b"0\r\n\r\n") == chunks(b"a")


@pytest.mark.parametrize("pieces", [(), (b"a",)])
def test_what_is_held_leaves_when_it_is_flushed(serve, pieces):
    def answer(self):
        self.set_enc_status("HTTP/1.1 200 OK")
        self.send_headers(True)
        for piece in pieces:
            self.write_chunk(piece)
        self.wfile.flush()
        assert seen.wait(DEADLINE)
        self.write_chunk(b"b")

    seen = threading.Event()
    peer = serve(echo_RESPMOD=answer).connect()
    peer.send(request())
    peer.until(b"HTTP/1.1 200 OK\r\n\r\n" + chunks(*pieces, end=b""))
    seen.set()
    assert peer.until(b"0\r\n\r\n") == chunks(b"b")


@pytest.mark.parametrize("method", ["RESPMOD", "REQMOD"])
def test_a_response_that_waits_for_its_body_for_long_waits_no_longer(serve, method, monkeypatch):
    def answer(self):
        self.set_enc_status("HTTP/1.1 200 OK")
        self.send_headers(True)
        self.write_chunk(b"a")
        if method == "RESPMOD":
            assert seen.wait(DEADLINE)

    monkeypatch.setattr(blocking_line, "HELD", -1.0)
    seen = threading.Event()
    peer = serve(**{f"echo_{method}": answer}).connect()
    peer.send(request(method))
    # One that was made in REQMOD must tell its length.
    told = {"RESPMOD": b"", "REQMOD": b"Content-Length: 1\r\n"}[method]
    peer.until(b"HTTP/1.1 200 OK\r\n" + told + b"\r\n" + chunks(b"a", end=b""))
    seen.set()
    assert peer.until(b"\r\n\r\n") == b"0\r\n\r\n"


def test_small_packets_leave_at_once(serve):
    def answer(self):
        seen.append(self.connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        self.no_adaptation_required()

    seen = []
    serve(echo_RESPMOD=answer).connect().ask()
    assert seen[0] != 0


# Requests in a row


def test_requests_that_come_together_are_answered_one_after_the_other(serve):
    peer = serve(echo_RESPMOD=LEAVE).connect()
    one = request("RESPMOD", "echo", chunks(b"hello"), "Allow: 204")
    peer.send(one * 3 + one.replace(b"Allow", b"Connection: close\r\nAllow"))
    last = NOT_NEEDED.replace(b"Encaps", b"Connection: close\r\nEncaps")
    assert peer.rest() == NOT_NEEDED * 3 + last


def test_a_request_may_come_byte_by_byte(serve):
    peer = serve(echo_RESPMOD=copy).connect()
    peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in request("RESPMOD", "echo", chunks(b"hello")):
        peer.send(bytes([byte]))
    assert body_of(peer.answer()) == b"hello"


@pytest.mark.parametrize("fields", [["Allow: 204"], ["Preview: 5"], []])
def test_what_a_handler_does_not_read_is_passed_over(serve, fields):
    peer = serve(
        echo_RESPMOD=lambda self: self.send_enc_error(403, body="no"), other_RESPMOD=LEAVE
    ).connect()
    for _ in range(2):
        assert peer.ask("RESPMOD", "echo", chunks(b"hello"), *fields).endswith(chunks(b"no"))
    assert peer.ask("RESPMOD", "other", None, "Allow: 204") == NOT_NEEDED


def test_more_than_is_worth_it_is_not_passed_over(serve):
    served = serve(
        echo_RESPMOD=lambda self: self.send_enc_error(403, body="no"),
        settings=settings(drain_bytes=200_000),
    )
    peer = served.connect()
    peer.send(request("RESPMOD", "echo", chunks(bytes(100_000), end=b"")))
    assert peer.answer().endswith(chunks(b"no"))
    piece = chunks(bytes(100_000), end=b"")
    with pytest.raises(OSError):  # noqa: PT011 - reset, or broken pipe
        peer.send(piece * 100)


def test_a_client_that_still_sends_gets_its_last_answer(serve):
    peer = serve(echo_RESPMOD=lambda self: self.send_error(500)).connect()
    peer.send(request("RESPMOD", "echo", b"%x\r\n" % 3_000_000))
    for _ in range(30):
        peer.send(bytes(100_000))
    assert peer.rest() == refused("500 Server Error")


# Who breaks off


def test_an_answer_that_fails_in_the_middle_is_cut(serve, caplog):
    def answer(self):
        zeros(65536 * 3)(self)
        raise OSError("no")

    peer = serve(echo_RESPMOD=answer).connect()
    peer.send(request())
    came = peer.rest()
    assert came.startswith(b"ICAP/1.0 200 OK")
    assert not came.endswith(b"0\r\n\r\n")
    assert "the handler failed for 'RESPMOD /echo'" in caplog.text


def test_an_answer_that_has_not_left_is_taken_back(serve, caplog):
    def answer(self):
        self.set_enc_status("HTTP/1.1 200 OK")
        self.send_headers(True)
        self.write_chunk(b"hello")
        raise ValueError("no")

    peer = serve(echo_RESPMOD=answer).connect()
    peer.send(request())
    assert peer.rest() == refused("500 Server Error")


def test_a_failure_behind_the_answer_leaves_the_connection(serve, caplog):
    def answer(self):
        self.no_adaptation_required()
        raise ValueError("no")

    peer = serve(echo_RESPMOD=answer).connect()
    for _ in range(2):
        assert peer.ask("RESPMOD", "echo", None, "Allow: 204") == NOT_NEEDED


def test_a_client_that_goes_ends_the_body_with_an_error_and_not_as_if_it_were_whole(serve):
    def read(self):
        try:
            while self.read_chunk():
                pass
            seen.append("whole")
        except Exception as error:
            seen.append(type(error).__name__)
            raise
        finally:
            done.set()

    seen, done = [], threading.Event()
    peer = serve(echo_RESPMOD=read).connect()
    peer.send(request("RESPMOD", "echo", b"ff\r\nhello"))
    peer.socket.close()
    assert done.wait(DEADLINE)
    assert seen == ["ClientGoneError"]


def test_a_client_that_goes_while_it_is_answered_ends_its_handler(serve):
    done = threading.Event()
    peer = serve(echo_RESPMOD=endless(done)).connect()
    peer.send(request())
    peer.until(b"HTTP/1.1 200 OK")
    peer.socket.close()
    assert done.wait(DEADLINE)


def test_a_client_that_has_gone_is_told_no_error(serve, caplog):
    def fail(self):
        begun.set()
        assert gone.wait(DEADLINE)
        raise ValueError("no")

    begun, gone = threading.Event(), threading.Event()
    served = serve(echo_RESPMOD=fail)
    peer = served.connect()
    peer.send(request())
    assert begun.wait(DEADLINE)
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.socket.close()
    gone.set()
    until(lambda: not clients_of(served.server)._count, "it has ended")
    assert "the handler failed" in caplog.text
    assert "cannot be served" not in caplog.text


# Who is silent, and who does not read


@pytest.mark.parametrize("sent", [b"RESPMOD icap", request()[:-30]])
def test_heads_that_do_not_come_are_waited_for_so_long(serve, sent):
    peer = serve(echo_RESPMOD=LEAVE, settings=settings(head_timeout=0.2)).connect()
    peer.send(sent)
    assert peer.rest() == refused("408 Request Timeout")


def test_heads_that_come_too_slowly_are_waited_for_no_longer(serve):
    peer = serve(echo_RESPMOD=LEAVE, settings=settings(head_timeout=0.5)).connect()
    begun = time.monotonic()
    peer.socket.settimeout(0.05)
    came = b""
    while not came and time.monotonic() < begun + DEADLINE:
        peer.send(b"R" if time.monotonic() < begun + 5 else b"\r\n")
        try:
            came = peer.socket.recv(1000)
        except TimeoutError:
            continue
    assert USUAL.sub(b"*\r\n", came) == refused("408 Request Timeout")


def test_a_body_that_does_not_come_is_waited_for_so_long(serve):
    def read(self):
        try:
            while self.read_chunk():
                pass
        except ICAPError as error:
            seen.append(error.code)
            raise

    seen = []
    peer = serve(echo_RESPMOD=read, settings=settings(read_timeout=0.2)).connect()
    peer.send(request("RESPMOD", "echo", b"ff\r\nhello"))
    assert peer.rest() == refused("408 Request Timeout")
    assert seen == [408]


def test_a_whole_request_may_take_so_long(serve):
    def read(self):
        while self.read_chunk():
            pass

    peer = serve(echo_RESPMOD=read, settings=settings(request_timeout=0.3)).connect()
    peer.send(request("RESPMOD", "echo", b"ffff\r\n"))
    peer.socket.settimeout(0.05)
    came, begun = b"", time.monotonic()
    while not came and time.monotonic() < begun + DEADLINE:
        peer.send(b"a")
        try:
            came = peer.socket.recv(1000)
        except TimeoutError:
            continue
    assert USUAL.sub(b"*\r\n", came) == refused("408 Request Timeout")


def test_who_asks_nothing_may_stay_so_long(serve):
    served = serve(echo_RESPMOD=LEAVE, settings=settings(idle_timeout=0.2))
    new, known = served.connect(), served.connect()
    assert known.ask("RESPMOD", "echo", None, "Allow: 204") == NOT_NEEDED
    assert (new.rest(), known.rest()) == (b"", b"")


@pytest.mark.parametrize("body", [None, b"ffff\r\n"])
@pytest.mark.parametrize("limit", ["write_timeout", "request_timeout"])
def test_who_takes_nothing_is_waited_for_so_long(serve, body, limit):
    done = threading.Event()
    served = serve(
        echo_RESPMOD=endless(done), settings=settings(stall_timeout=0.05, **{limit: 0.3})
    )
    served.connect().send(request("RESPMOD", "echo", body))
    assert done.wait(DEADLINE)


def test_an_answer_may_take_so_long_however_much_is_taken(serve, caplog):
    done = threading.Event()
    peer = serve(echo_RESPMOD=endless(done), settings=settings(request_timeout=0.3)).connect()
    peer.send(request())
    assert peer.rest().startswith(b"ICAP/1.0 200 OK")
    assert done.is_set()
    assert caplog.text == ""


def test_who_has_waited_so_long_for_an_answer_gets_none(serve, caplog):
    def answer(self):
        begun = time.monotonic()
        until(lambda: time.monotonic() > begun + 0.2, "the time is over")
        self.no_adaptation_required()

    peer = serve(echo_RESPMOD=answer, settings=settings(request_timeout=0.1)).connect()
    peer.send(request())
    assert peer.rest() == b""
    assert caplog.text == ""


def test_the_time_of_a_request_is_not_that_of_what_follows(serve):
    peer = serve(echo_RESPMOD=LEAVE, settings=settings(request_timeout=0.1)).connect()
    assert peer.ask("RESPMOD", "echo", None, "Allow: 204") == NOT_NEEDED
    peer.socket.settimeout(0.2)
    with pytest.raises(TimeoutError):
        peer.socket.recv(1)
    peer.socket.settimeout(DEADLINE)
    peer.send(b"GET / HTTP/1.1\r\n\r\n")
    assert peer.rest() == refused("400 Bad Request")


def test_a_handler_class_may_have_a_time_out_of_its_own(serve):
    class Handler(pyicap.BaseICAPRequestHandler):
        timeout = 0.2

    peer = serve(Handler).connect()
    assert peer.rest() == b""


@pytest.mark.parametrize("method", [LEAVE, copy])
def test_who_writes_all_before_it_reads_is_read_ahead(serve, method):
    size = 20_000_000
    served = serve(echo_RESPMOD=method, settings=settings(stall_timeout=0.1, body_memory=100_000))
    peer = served.connect()
    peer.send(request("RESPMOD", "echo", chunks(bytes(size))))  # blocks if nobody reads
    assert len(body_of(peer.answer())) == size
    assert peer.ask("RESPMOD", "echo", chunks(b"a")).endswith(chunks(b"a"))


def test_what_is_read_ahead_has_its_bounds(serve):
    served = serve(
        echo_RESPMOD=copy,
        settings=settings(stall_timeout=0.05, body_memory=0, spool_bytes=3_000_000),
    )
    peer = served.connect()
    peer.send(request("RESPMOD", "echo", b"%x\r\n" % 60_000_000))
    with pytest.raises(OSError):  # noqa: PT011 - reset, or broken pipe
        peer.send(bytes(60_000_000))
    assert served.connect().ask("RESPMOD", "echo", chunks(b"a")).endswith(chunks(b"a"))


# Who sends nothing more of a response before its answer begins

BUFFER = 65535
HEADS = {
    "told": RESPONSE.replace(b"X-Old: 1", b"Content-Length: 200000"),
    "told twice": RESPONSE.replace(
        b"X-Old: 1", b"Content-Length: 200000\r\nTransfer-Encoding: chunked"
    ),
    "not told": RESPONSE,
}


def scan(handler):
    """Read all; then leave it, or not, as the service is called."""
    while handler.read_chunk():
        pass
    if handler.servicename == b"echo":
        handler.no_adaptation_required()
    elif handler.servicename == b"block":
        handler.send_enc_error(403, body="no")
    elif handler.servicename == b"set":
        handler.set_enc_status("HTTP/1.1 404 Gone")  # and it is never sent
    else:
        raise ValueError("no")


@pytest.fixture
def stalled(serve):
    """A client that has sent so much and has not been answered until it stalled."""

    def stalled(service="echo", head=RESPONSE, size=BUFFER, **more):
        served = serve(
            echo_RESPMOD=scan,
            block_RESPMOD=scan,
            set_RESPMOD=scan,
            fail_RESPMOD=scan,
            settings=settings(drip_after=0.1, **more),
        )
        peer = served.connect()
        peer.send(request("RESPMOD", service, chunks(b"a" * size, end=b""), heads=head))
        return peer

    return stalled


@pytest.mark.parametrize("head", HEADS)
def test_who_stalls_has_a_byte_and_then_the_rest(stalled, head):
    peer = stalled(head=HEADS[head])
    assert peer.until(b"1\r\na\r\n").endswith(b"\r\n\r\n" + HEADS[head] + b"1\r\na\r\n")
    peer.send(chunks(b"b" * 60_000, end=b""))
    assert peer.until(b"1\r\na\r\n") == b"1\r\na\r\n"  # one more for so much
    peer.send(chunks(b"c"))
    rest = peer.until(b"0\r\n\r\n")
    assert unchunked(rest) == b"a" * (BUFFER - 2) + b"b" * 60_000 + b"c"
    assert peer.ask("RESPMOD", "echo", chunks(b"hi"))[-12:] == chunks(b"hi")


@pytest.mark.parametrize(
    ("service", "head", "end"),
    [
        ("block", "told", b"0\r\n\r\n"),
        ("block", "not told", b""),
        ("block", "told twice", b""),
        ("set", "told", b"0\r\n\r\n"),
        ("fail", "told", b"0\r\n\r\n"),
        ("fail", "not told", b""),
    ],
)
def test_what_is_answered_otherwise_then_is_broken_off(stalled, service, head, end, caplog):
    peer = stalled(service, HEADS[head])
    peer.until(b"1\r\na\r\n")
    peer.send(chunks(b"c"))
    assert peer.rest() == end
    assert "has begun early, and is broken off" in caplog.text
    assert ("the handler failed" in caplog.text) == (service == "fail")


@pytest.mark.parametrize(
    ("fields", "size", "after"),
    [
        (["Allow: 204"], BUFFER, 0.05),
        ([], BUFFER - 1, 0.01),
        ([], BUFFER + 1, 0.05),
        ([], BUFFER, 0),
    ],
)
def test_who_does_not_stall_as_squid_does_is_waited_for(serve, fields, size, after):
    served = serve(echo_RESPMOD=scan, settings=settings(drip_after=after))
    peer = served.connect()
    peer.send(request("RESPMOD", "echo", chunks(b"a" * size, end=b""), *fields))
    peer.socket.settimeout(0.25)
    with pytest.raises(TimeoutError):
        peer.until(b"ICAP")


def test_who_stays_silent_even_so_is_waited_for_no_longer(stalled):
    peer = stalled(read_timeout=0.3)
    peer.until(b"1\r\na\r\n")
    assert peer.rest() == b""


# Sizes


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad Request"),
        (b"RESPMOD icap://h/echo ICAP/1.1\r\n\r\n", "505 ICAP Version Not Supported"),
        (b"FETCH icap://h/echo ICAP/1.0\r\n\r\n", "501 Method Not Implemented"),
        (b"RESPMOD icap://h/echo ICAP/1.0\r\nHost: h\r\n\r\n", "400 Bad Request"),
        (b"RESPMOD icap://h/ ICAP/1.0\r\nEncapsulated: x\r\n\r\n", "400 Bad Request"),
        (b"RESPMOD icap://h/ ICAP/1.0\r\nA: " + b"a" * 2000 + b"\r\n\r\n", "413"),
        (b"RESPMOD icap://h/" + b"a" * 2000, "413"),
    ],
)
def test_what_is_no_request_is_told_so(serve, data, line):
    peer = serve(echo_RESPMOD=LEAVE, settings=settings(header_bytes=1024)).connect()
    peer.send(data)
    expected = refused(line if " " in line else f"{line} Request Entity Too Large")
    assert peer.rest() == expected


def test_a_body_that_is_too_long_is_told_so(serve):
    def read(self):
        while self.read_chunk():
            pass

    peer = serve(echo_RESPMOD=read, settings=settings(body_bytes=10)).connect()
    peer.send(request("RESPMOD", "echo", chunks(b"hello world")))
    assert peer.rest() == refused("413 Request Entity Too Large")


def test_what_a_204_spares_the_client_is_read_only_as_far_as_it_is_worth_it(serve):
    served = serve(echo_RESPMOD=LEAVE, settings=settings(drain_bytes=100_000))
    peer = served.connect()
    peer.send(request("RESPMOD", "echo", b"%x\r\n" % 50_000_000, "Allow: 204"))
    peer.send(bytes(300_000))
    assert peer.until(b"\r\n\r\n").startswith(b"ICAP/1.0 204 ")


def test_what_has_been_read_is_kept_only_where_it_may_go_back(serve):
    def read(self):
        while self.read_chunk():
            pass
        self.no_adaptation_required()

    bounds = settings(body_memory=200_000, spool_bytes=0)
    peer = serve(echo_RESPMOD=read, settings=bounds).connect()
    body = chunks(bytes(2_000_000))
    assert peer.ask("RESPMOD", "echo", body, "Allow: 204") == NOT_NEEDED
    peer.send(request("RESPMOD", "echo", body))
    assert peer.rest() == refused("503 Service Overloaded")


def test_a_file_is_given_up_before_the_next_request(serve):
    def read(self):
        while self.read_chunk():
            pass
        room.append(clients_of(self.server).disk.room)
        self.send_enc_error(403, body="no")

    room = []
    served = serve(echo_RESPMOD=read, settings=settings(body_memory=0, spool_bytes=100_000))
    peer = served.connect()
    assert peer.ask("RESPMOD", "echo", chunks(b"hello")).endswith(chunks(b"no"))
    until(lambda: clients_of(served.server).disk.room == 100_000, "its room has been given back")
    assert room == [100_000 - 5]


# Bytes of the handler's own


def test_what_a_handler_writes_itself_is_the_answer(serve):
    def answer(self):
        self.wfile.write(b"ICAP/1.0 204 Mine\r\n\r\n")
        self.wfile.flush()

    peer = serve(echo_RESPMOD=answer).connect()
    peer.send(request())
    assert peer.rest() == b"ICAP/1.0 204 Mine\r\n\r\n"


def test_a_failure_behind_what_it_has_written_itself_is_not_told(serve, caplog):
    def answer(self):
        self.wfile.write(b"ICAP/1.0 200")
        raise ValueError("no")

    peer = serve(echo_RESPMOD=answer).connect()
    peer.send(request())
    assert peer.rest() == b"ICAP/1.0 200"


def test_a_server_serves_others_after_all_of_that(serve):
    served = serve(echo_RESPMOD=LEAVE)
    for data in (b"", b"\0" * 100, request()[:50], request("RESPMOD", "echo", b"zz")):
        peer = Peer(served.port)
        peer.send(data)
        peer.socket.close()
    assert served.connect().ask("RESPMOD", "echo", None, "Allow: 204") == NOT_NEEDED
    assert RESPONSE in served.connect().ask()
