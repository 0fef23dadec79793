"""What handlers in the manner of pyicap speak through in a zcadapt server.

A handler reads what it wants of the body. What it writes is kept until it is
done; then that is a decision, like that of any service.
"""

import io
from collections.abc import AsyncIterator, Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

from zcadapt.compat.changes import change
from zcadapt.compat.line import Line, Outgoing
from zcadapt.icap.body import ThreadBody
from zcadapt.icap.decisions import KEEP, Body, Decision, allow, respond
from zcadapt.icap.errors import LocalProtocolError
from zcadapt.icap.events import RequestHead
from zcadapt.icap.http import HTTPMessage, HTTPRequest, HTTPResponse
from zcadapt.icap.limits import GIB, KIB
from zcadapt.icap.unable import UnableError

__all__ = ["MountedLine"]

Pairs = list[tuple[str, str]]

#: How much of what a handler writes is kept in memory before it goes to a temporary file,
#: and how much it may write at all, in bytes.
MEMORY: Final = 512 * KIB
MOST: Final = 4 * GIB
READ_SIZE: Final = 256 * KIB

#: What the server says of an answer itself.
OURS: Final = frozenset({"istag", "date", "server"})
#: What says where a body ends: that follows from the body.
FRAMING: Final = frozenset({"content-length", "transfer-encoding"})

OK: Final = (200, 201)
NO_CONTENT: Final = 204


class MountedLine(Line):
    """The line of one request: what is answered is kept, and becomes a decision.

    Args:
        head: the request.
        body: its body, as a thread reads it.
    """

    is_logged = False
    is_for_head = True

    def __init__(self, head: RequestHead, body: ThreadBody) -> None:
        self.tags = {}
        self.answer: Outgoing | None = None
        self._head = head
        self._body = body
        self._in_preview = head.preview is not None
        self._shown = 0  # bytes of the body that the preview has
        self._pieces: Iterator[bytes] | None = None
        self._is_asked = False
        self._is_whole = False  # the answer
        self._is_copy = False  # its body is that of the request
        self._has_all = False  # the handler has, of the body
        self._had = self._written = 0  # bytes that the handler has read, and written
        self._file: Any = SpooledTemporaryFile(MEMORY)  # noqa: SIM115 - closed by release

    # What the handler calls for

    def receive(self) -> RequestHead | None:
        """Return the head of the request, once."""
        if self._is_asked:
            return None
        self._is_asked = True
        return self._head

    @property
    def may_204(self) -> bool:
        """Return True: how a message that stays as it is goes out is for the server to say."""
        return True

    @property
    def has_begun(self) -> bool:
        """Whether there is an answer."""
        return self.answer is not None

    def read(self) -> bytes:
        """Return a piece of the body; ``b""`` at its end, and at the end of the preview."""
        piece = self._of_preview() if self._in_preview else self._of_body()
        self._had += len(piece)
        return piece

    def _of_preview(self) -> bytes:
        shown: bytes = self._body.preview
        if self._shown < len(shown):
            self._shown = len(shown)
            return shown
        if self._body.complete and len(self._body.read(len(shown) + 1)) == len(shown):
            self.ieof = self._has_all = True
        return b""

    def _of_body(self) -> bytes:
        if self._pieces is None:
            self._pieces = _after(self._shown, self._body)
        piece = next(self._pieces, b"")
        self._has_all = not piece
        return piece

    def continue_(self) -> None:
        """Let the body go on behind the preview: the server asks for it when it is read."""
        while self._in_preview and self.read():
            pass
        self._in_preview = False

    def keep(self) -> None:
        """Do nothing: the server keeps all of it."""

    @property
    def has_kept(self) -> bool:
        """Return True: the server keeps all of it."""
        return True

    def drain(self) -> None:
        """Do nothing: the server does that."""

    def echo(self, outgoing: Outgoing) -> None:
        """Leave the body alone."""
        self.begin(outgoing)
        self._is_copy = True

    def begin(self, outgoing: Outgoing) -> None:
        """Keep an answer."""
        self.answer = outgoing
        self._is_whole = not outgoing.has_body

    def write(self, data: bytes) -> None:
        """Keep a piece of the answer's body."""
        if self.answer is None or self._is_whole:
            raise LocalProtocolError("data outside of a body")
        self._written += len(data)
        if self._written > MOST:
            raise UnableError(f"its handler answers with more than {MOST} bytes")
        self._file.write(data)

    def end(self) -> None:
        """End the body."""
        self._is_whole = True

    def close_after(self) -> None:
        """Do nothing: the connection is the server's."""

    def close(self) -> None:
        """Do nothing: the connection is the server's."""

    def fails(self, error: Exception) -> None:
        """Let the server know what the handler has raised."""
        raise error

    def take_back(self) -> bool:
        """Take back an answer: none has gone out."""
        self.answer = None
        return True

    def finish(self) -> bool:
        """Return False: there is one request."""
        return False

    # What the server wants to know

    def release(self) -> None:
        """Give up what is kept, where it is not part of a decision."""
        self._file.close()

    def decision(self) -> Decision | None:
        """Return what the handler has decided.

        Raises:
            UnableError: it has answered with an error.
        """
        answer = self.answer
        if answer is None:
            raise UnableError("its handler has sent nothing")
        icap_headers = [pair for pair in answer.icap if pair[0].lower() not in OURS]
        if answer.code == NO_CONTENT:
            return allow(icap_headers=icap_headers) if icap_headers else None
        if answer.code not in OK or not answer.part:
            why = f"its handler answers with {answer.code} {answer.phrase}".rstrip()
            raise UnableError(why, icap_headers=icap_headers)
        http, method = HTTPMessage(self._head.request, self._head.response), self._head.line.method
        in_reqmod = method == "REQMOD"
        if answer.part == "res" and (in_reqmod or not http.response.raw):
            response = HTTPResponse(answer.head)
            return respond(
                response.status,
                self._with_length(response.headers.pairs),
                self._new_body(),
                phrase=response.phrase,
                icap_headers=icap_headers,
            )
        if (answer.part == "req") != in_reqmod:
            raise UnableError(f"its handler answers a {method} with a request")
        old = http.request if in_reqmod else http.response
        new = HTTPRequest(answer.head) if in_reqmod else HTTPResponse(answer.head)
        if self._is_same():
            return change(old, new, KEEP, icap_headers, framing=FRAMING)
        length = self._written or None
        return change(old, new, self._new_body(), icap_headers, framing=FRAMING, length=length)

    def _is_same(self) -> bool:
        """Whether the body is to be the one that has come."""
        if self._is_copy:
            return True
        if not self._written:
            return bool(self._body.is_empty)
        if not self._has_all or self._written != self._had:
            return False
        self._file.seek(0)
        return all(self._file.read(len(piece)) == piece for piece in self._body)

    def _with_length(self, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return headers with the length of what the handler has written, whatever it says."""
        kept = [pair for pair in pairs if pair[0].lower() not in FRAMING]
        return [*kept, ("Content-Length", str(self._written))] if self._written else kept

    def _new_body(self) -> Body:
        """Return what the handler has written."""
        self._file.seek(0)
        if self._written <= MEMORY:
            return bytes(self._file.read())
        file, self._file = self._file, io.BytesIO()
        return _Kept(file)


class _Kept:
    """What has been written to a file, as the body of a decision; the file is closed then."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while piece := self._file.read(READ_SIZE):
                yield piece
        finally:
            self._file.close()

    def __del__(self) -> None:
        self._file.close()


def _after(at: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what of `pieces` comes after so many bytes."""
    for piece in pieces:
        if len(piece) > at:
            yield piece[at:]
        at = max(at - len(piece), 0)
