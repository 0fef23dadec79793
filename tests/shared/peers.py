"""Servers of handlers in the manner of pyicap, in a thread, and clients that see each byte."""

import contextlib
import re
import socket
import threading

DEADLINE = 15.0
REQUEST = b"GET http://x/ HTTP/1.1\r\nHost: x\r\nX-Old: 1\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\nETag: a\r\nX-Old: 1\r\n\r\n"

# Answers, as a `Peer` gives them.
OK = b"ICAP/1.0 200 OK\r\n*\r\n"
NOT_NEEDED = b"ICAP/1.0 204 No Modifications Needed\r\n*\r\nEncapsulated: null-body=0\r\n\r\n"
FAILED = b"ICAP/1.0 500 Server Error\r\n*\r\nConnection: close\r\nEncapsulated: null-body=0\r\n\r\n"

#: What stands in every answer, in this order.
USUAL = re.compile(
    rb'ISTag: "[0-9a-f]{30}"\r\n'
    rb"Date: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\r\n"
    rb"Server: zcadapt/\S+ Python/\S+\r\n"
)


def chunks(*pieces, end=b"0\r\n\r\n"):
    """Return pieces of a body as they are written."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + end


class Peer:
    """A client. In what it receives the usual headers are one line, `*`."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), DEADLINE)
        self.socket.settimeout(DEADLINE)
        self.came = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def ask(self, method="RESPMOD", service="echo", body=None, *fields, heads=None):
        """Send a request and return the answer; `body` is as it is written."""
        self.send(request(method, service, body, *fields, heads=heads))
        return self.answer()

    def until(self, end):
        """Return what comes up to `end`."""
        while end not in self.came:
            data = self.socket.recv(1 << 20)
            assert data, f"closed after {self.came!r}"
            self.came += data
        at = self.came.index(end) + len(end)
        data, self.came = self.came[:at], self.came[at:]
        return data

    def answer(self):
        """Return an answer."""
        head = self.until(b"\r\n\r\n")
        last = head.rstrip().rpartition(b"\r\n")[2]
        assert last.startswith(b"Encapsulated: ")
        name, _, at = last.rpartition(b"=")
        while len(self.came) < int(at):
            self.came += self.socket.recv(1 << 20)
        heads, self.came = self.came[: int(at)], self.came[int(at) :]
        body = b"" if name.endswith(b"null-body") else self.until(b"0\r\n\r\n")
        return USUAL.sub(b"*\r\n", head) + heads + body

    def rest(self):
        """Return what comes until the server closes."""
        data = self.came
        with contextlib.suppress(ConnectionResetError):
            while more := self.socket.recv(1 << 20):
                data += more
        return USUAL.sub(b"*\r\n", data)


def request(method="RESPMOD", service="echo", body=None, *fields, heads=None):
    """Return a request as it is written."""
    lines = [f"{method} icap://h/{service} ICAP/1.0", "Host: h", *fields]
    if heads is None:
        heads = {"OPTIONS": b"", "REQMOD": REQUEST, "RESPMOD": RESPONSE}[method]
    if method != "OPTIONS":
        part = "req" if method == "REQMOD" else "res"
        last = "null-body" if body is None else f"{part}-body"
        first = f"{part}-hdr=0, " if heads else ""
        lines.append(f"Encapsulated: {first}{last}={len(heads)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + heads + (body or b"")


def unchunked(data):
    """Return the body in `data`, which ends with its last chunk."""
    body = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        if not int(size, 16):
            assert data == b"\r\n"
            return body
        body += data[: int(size, 16)]
        data = data[int(size, 16) + 2 :]


def whole(part, head, *, body=None, icap=b""):
    """An answer with status 200; `body` as it is written."""
    last = "null-body" if body is None else f"{part}-body"
    where = f"Encapsulated: {part}-hdr=0, {last}={len(head)}\r\n\r\n".encode()
    return OK.replace(b"*", icap + b"*") + where + head + (body or b"")


def copied(handler, **more):
    """Set the head of a response as it came, with more headers."""
    handler.set_icap_response(200)
    handler.set_enc_status(b" ".join(handler.enc_res_status))
    for h in handler.enc_res_headers:
        for v in handler.enc_res_headers[h]:
            handler.set_enc_header(h, v)
    for name, value in more.items():
        handler.set_enc_header(name, value)


class Served:
    """A server that runs in a thread, and its clients."""

    def __init__(self, server):
        self.server = server
        self.port = server.server_address[1]
        self.thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        self.peers = []

    def connect(self):
        self.peers.append(Peer(self.port))
        return self.peers[-1]

    def end(self):
        for peer in self.peers:
            peer.socket.close()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(DEADLINE)
        assert not self.thread.is_alive()
