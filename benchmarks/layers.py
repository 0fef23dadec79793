"""One number for each layer, without a socket: medians of rounds, with their spread."""

import asyncio
import platform
import statistics
import timeit

from zope.interface.registry import Components

from zcadapt import reqmod
from zcadapt.icap.answer import Answer
from zcadapt.icap.chunked import ChunkReader
from zcadapt.icap.connection import Connection
from zcadapt.icap.endpoints import Endpoints
from zcadapt.icap.head import parse_head
from zcadapt.icap.limits import Limits
from zcadapt.icap.server import ICAPServer
from zcadapt.icap.settings import ICAPSettings
from zcadapt.icap.wire import Wire
from zcadapt.icp import ICPSettings, Policies, build
from zcadapt.icp.responder import Responder
from zcadapt.interfaces import IICAPService, IICPPolicy
from zcadapt.rule import Candidate, consult

HTTP = (
    b"GET http://www.example.com/path/to/page.html?x=1 HTTP/1.1\r\nHost: www.example.com\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: text/html\r\n\r\n"
)
HEAD = (
    b"REQMOD icap://127.0.0.1:1344/reqmod ICAP/1.0\r\nHost: 127.0.0.1:1344\r\n"
    b"Date: Fri, 20 Nov 2026 09:00:00 GMT\r\nEncapsulated: req-hdr=0, null-body=%d\r\n"
    b"Allow: 204\r\nX-Client-IP: 10.1.2.3" % len(HTTP)
)
REQUEST = HEAD + b"\r\n\r\n" + HTTP
CHUNKS = b"1000\r\n%s\r\n" % bytes(4096) * 25
ROUNDS = 9


class Nowhere(asyncio.Transport):
    """A transport that sends nothing."""

    def get_extra_info(self, name, default=None):
        return ("127.0.0.1", 1) if name == "peername" else default

    def set_write_buffer_limits(self, high=None, low=None):
        pass

    def is_closing(self):
        return False

    def write(self, data):
        pass


def head():
    """Parse the head of a request."""
    limits = Limits()
    return lambda: parse_head(HEAD, limits)


def connection():
    """A request in, an answer out, without a server."""
    conn, answer = Connection(Limits()), Answer(204, b'ISTag: "a"\r\n')

    def run():
        conn.receive_data(REQUEST)
        conn.next_event()
        conn.answer(answer)

    return run


def chunks():
    """Decode 100 KB in chunks of 4 KB."""
    limits = Limits()
    return lambda: ChunkReader(limits).decode(CHUNKS)


def rule():
    """Ask 1,000 utilities that have no opinion."""

    def ask(question):
        return None

    candidates = [
        Candidate(str(number), ask, ask, valid=bool, on_failure=print) for number in range(1000)
    ]
    return lambda: consult(iter(candidates), None)


def request():
    """A whole REQMOD request with three services, all but the socket."""
    components, settings = Components(), ICAPSettings()
    service = reqmod(lambda request: None)
    for name in "abc":
        components.registerUtility(service, IICAPService, name)
    wire = Wire(ICAPServer(Endpoints(components, settings=settings), settings))
    wire.connection_made(Nowhere())
    return lambda: wire.data_received(REQUEST)


def query():
    """A whole ICP query with three policies, all but the socket."""
    components = Components()
    for name in "abc":
        components.registerUtility(lambda url: None, IICPPolicy, name)
    responder = Responder(Policies(components), ICPSettings())
    datagram, address = build("http://www.example.com/path/to/page.html?x=1"), ("127.0.0.1", 3130)
    return lambda: responder.respond(datagram, address)


def main():
    print(platform.python_implementation(), platform.python_version(), platform.machine())
    for layer in (head, connection, chunks, rule, request, query):
        run = layer()
        number, _ = timeit.Timer(run).autorange()
        rounds = [each / number * 1e6 for each in timeit.repeat(run, number=number, repeat=ROUNDS)]
        spread = f"{min(rounds):.2f}-{max(rounds):.2f}"
        print(
            f"{layer.__name__:12}{statistics.median(rounds):8.2f} µs {spread:>14}  {layer.__doc__}"
        )


if __name__ == "__main__":
    main()
