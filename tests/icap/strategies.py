"""Streams of ICAP requests as clients write them, and what holds for any stream.

The properties are plain functions of bytes: hypothesis and the fuzzer share them.
"""

from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import strategies as st

from zcadapt.icap import identity
from zcadapt.icap.answer import Answer
from zcadapt.icap.chunked import ChunkReader
from zcadapt.icap.connection import Connection
from zcadapt.icap.errors import IcapError
from zcadapt.icap.events import BodyData, BodyEnd, Cue, PreviewEnd, RequestHead
from zcadapt.icap.headers import Headers, edited
from zcadapt.icap.http import HTTPMessage
from zcadapt.icap.limits import Limits

NO_CHANGE = Answer(204, b'ISTag: "a"\r\n')
#: As small as they can be set, so that they are met.
SMALL = Limits(
    uri_bytes=64,
    header_bytes=1024,
    header_count=16,
    chunk_line_bytes=32,
    chunk_bytes=1024,
    body_bytes=3000,
)


# What a stream tells


def events_of(pieces, limits=None, *, go_on=True):
    """Return what a server hears that answers at once; pieces of a body are joined.

    A preview is answered with 100 Continue if `go_on`. An error stands for itself;
    what had come of a body before it depends on the pieces, and is left out.
    """
    conn = Connection(limits or Limits())
    told = []
    try:
        for piece in [*pieces, b""]:
            conn.receive_data(piece)
            while not isinstance(event := conn.next_event(), Cue):
                _add(told, event)
                _answer(conn, event, go_on=go_on)
            if event is Cue.CLOSED:
                break
    except IcapError as error:
        conn.answer(Answer(error.status, b""))
        while told and isinstance(told[-1], BodyData):
            told.pop()
        told.append(type(error))
    return told


def _add(told, event):
    if isinstance(event, BodyData) and told and isinstance(told[-1], BodyData):
        event = BodyData(told.pop().data + event.data)
    told.append(event)


def _answer(conn, event, *, go_on):
    if isinstance(event, PreviewEnd) and go_on:
        conn.continue_()
    elif isinstance(event, BodyEnd | PreviewEnd) or (
        isinstance(event, RequestHead) and not event.has_body
    ):
        conn.answer(NO_CHANGE)


def sliced(stream, cuts):
    """Cut `stream` at these places."""
    places = sorted({cut % (len(stream) + 1) for cut in cuts} | {0, len(stream)})
    return [stream[a:b] for a, b in pairwise(places)]


# What holds for all bytes


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def check_cuts(stream, cuts, limits=None, *, go_on=True):
    """Cutting the stream elsewhere changes nothing; garbage is an IcapError and nothing else."""
    whole = events_of([stream], limits, go_on=go_on)
    cut = events_of(sliced(stream, cuts), limits, go_on=go_on)
    check(whole == cut, f"{whole} is {cut} when cut")


def check_chunks(stream, cuts, limits=None):
    """A chunked stream ends where it ends, however it is cut."""
    limits = limits or Limits()
    ends = []
    for pieces in ([stream], sliced(stream, cuts)):
        reader, body, left = ChunkReader(limits), b"", b""
        try:
            for piece in pieces:
                left += piece
                if not reader.ended:
                    body += reader.decode(left)
                    left = reader.left_over
        except IcapError as error:
            ends.append(type(error))
        else:
            ends.append((body, left, reader.ended, reader.ieof, reader.trailers))
    check(ends[0] == ends[1], f"{ends[0]} is {ends[1]} when cut")


def check_message(raw):
    """What a head holds never raises, and a head that nobody edits stays as it is."""
    message = HTTPMessage(raw, raw)
    host = message.host.encode("latin-1")
    check(host == host.lower(), "a host in lower case")
    check(isinstance(message.url, str), "a URL")
    check(0 <= message.response.status <= 999, "a status")
    block = message.request.headers.block
    check(edited(block) == block, "the same bytes")
    check(edited(block, remove=("x-not-there",)) == block, "the same bytes")
    new = Headers(edited(block, replace=(("X-New", "1"),)))
    check(new.get_all("x-new") == ["1"], "a new field")
    old = Headers(block)
    without = [pair for pair in old.pairs if pair[0].lower() != "x-new"]
    check([pair for pair in new.pairs if pair[0] != "X-New"] == without, "the other fields")


def check_identity(value):
    """Any value of a header names somebody, or nobody."""
    for name in ("x-authenticated-user", "x-client-username", "x-authenticated-groups"):
        fields = {name: value.strip(b" \t")}
        check(identity.user(fields) != "", "a name, or None")
        check(all(identity.groups(fields)), "names")


# Requests


@dataclass
class Written:
    """A request and what it should be read as."""

    method: str
    uri: str
    fields: list
    heads: dict
    body: bytes | None
    preview: int | None
    sizes: list = field(default_factory=list)
    extension: bytes = b""
    trailers: bytes = b""

    @property
    def body_name(self):
        names = {"REQMOD": "req-body", "RESPMOD": "res-body", "OPTIONS": "opt-body"}
        return "null-body" if self.body is None else names[self.method]

    def head(self):
        """The ICAP head and the encapsulated ones."""
        parts, at = [], 0
        for name, raw in self.heads.items():
            parts.append(f"{name}={at}")
            at += len(raw)
        parts.append(f"{self.body_name}={at}")
        lines = [f"{self.method} {self.uri} ICAP/1.0", *(f"{n}: {v}" for n, v in self.fields)]
        if self.preview is not None:
            lines.append(f"Preview: {self.preview}")
        lines.append("Encapsulated: " + ", ".join(parts))
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + b"".join(self.heads.values())

    def stream(self, *, go_on=True):
        """All of it, as it travels if previews are answered with 100 Continue."""
        if self.body is None:
            return self.head()
        if self.preview is None:
            return self.head() + self._chunks(self.body) + self._end()
        shown, rest = self.body[: self.preview], self.body[self.preview :]
        if not rest:
            return self.head() + self._chunks(shown) + b"0; ieof\r\n" + self.trailers + b"\r\n"
        stream = self.head() + self._chunks(shown) + b"0\r\n\r\n"
        return stream + self._chunks(rest) + self._end() if go_on else stream

    def _end(self):
        return b"0\r\n" + self.trailers + b"\r\n"

    def _chunks(self, data):
        out, sizes = [], iter(self.sizes * len(data))
        while data:
            piece, data = data[: (size := next(sizes, len(data)))], data[size:]
            out.append(b"%x%s\r\n%s\r\n" % (len(piece), self.extension, piece))
        return b"".join(out)

    def events(self, *, go_on=True):
        """What `events_of` its stream is, without the head."""
        if self.body is None:
            return []
        if self.preview is None or len(self.body) <= self.preview:
            return [*([BodyData(self.body)] if self.body else []), BodyEnd(self.trailers)]
        shown, rest = self.body[: self.preview], self.body[self.preview :]
        events = [*([BodyData(shown)] if shown else []), PreviewEnd()]
        return [*events, BodyData(rest), BodyEnd(self.trailers)] if go_on else events


tokens = st.text("abcdefghijklmnopqrstuvwxyzXYZ0123456789-_", min_size=1, max_size=12)
values = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f,"), max_size=30
).map(lambda text: text.strip(" \t"))
fields = st.lists(st.tuples(tokens.map("X-{}".format), values), max_size=5)
blocks = fields.map(lambda pairs: "".join(f"{n}: {v}\r\n" for n, v in pairs).encode("latin-1"))
request_heads = st.builds(
    lambda method, path, block: (
        b"%s http://example.com/%s HTTP/1.1\r\n%s\r\n" % (method, path, block)
    ),
    st.sampled_from([b"GET", b"POST", b"HEAD"]),
    tokens.map(str.encode),
    blocks,
)
response_heads = st.builds(
    lambda status, block: b"HTTP/1.1 %d OK\r\n%s\r\n" % (status, block),
    st.sampled_from([200, 204, 304, 404]),
    blocks,
)
bodies = st.none() | st.binary(max_size=300)
trailers = st.sampled_from([b"", b"X-Digest: abc\r\n", b"A: 1\r\nB: 2\r\n\tmore\r\n"])
extensions = st.sampled_from([b"", b";a", b"; a=b", b' ; a="x; ieof"', b"; a=b; c"])
heads = {
    "OPTIONS": st.just({}),
    "REQMOD": st.fixed_dictionaries({}, optional={"req-hdr": request_heads}),
    "RESPMOD": st.fixed_dictionaries(
        {}, optional={"req-hdr": request_heads, "res-hdr": response_heads}
    ),
}


@st.composite
def requests(draw):
    method = draw(st.sampled_from(["OPTIONS", "REQMOD", "RESPMOD"]))
    preview = draw(st.none() | st.integers(0, 400))
    return Written(
        method,
        draw(st.sampled_from(["icap://h/echo", "icap://h:1344/a?b=c", "/echo", "icap://h", "*"])),
        draw(fields),
        draw(heads[method]),
        draw(bodies),
        preview,
        draw(st.lists(st.integers(1, 200), min_size=1, max_size=5)),
        draw(extensions),
        draw(trailers),
    )


@st.composite
def spoilt(draw):
    """A stream of requests, some bytes of which are not what they were."""
    stream = b"".join(each.stream() for each in draw(st.lists(requests(), min_size=1, max_size=3)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(stream)))
        gone = draw(st.integers(0, 4))
        new = draw(
            st.sampled_from(
                [b"\r\n", b"\r\n\r\n", b"0\r\n\r\n", b"\n", b"\0", b";", b"ff", b" ", b":"]
            )
            | st.binary(max_size=4)
        )
        stream = stream[:at] + new + stream[at + gone :]
    return stream


cuts = st.lists(st.integers(0, 4096), max_size=8)
