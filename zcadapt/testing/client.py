"""A small ICAP client: it asks, and reads the answer as RFC 3507 says."""

import re
import socket
import threading
from contextlib import suppress
from itertools import pairwise
from typing import Final, NamedTuple, Self

from zcadapt.icap.headers import Headers, split_head
from zcadapt.icap.http import HTTPRequest, HTTPResponse
from zcadapt.icap.request import Request
from zcadapt.testing.transcripts import transcript

__all__ = ["Answer", "Client"]

#: Seconds that the server may let us wait.
TIMEOUT: Final = 30.0

CONTINUE: Final = 100
PARTIAL: Final = 206

_PREVIEW: Final = re.compile(rb"\r\nPreview: ([0-9]+)\r\n")
_FROM: Final = re.compile(r"use-original-body=([0-9]+)")


class Answer(NamedTuple):
    """An answer of an ICAP server.

    Attributes:
        status: the ICAP status: 204, nothing is changed; 200 and 206, something is.
        headers: the ICAP headers.
        request: the HTTP request that came back, if one did.
        response: the HTTP response that came back, if one did.
        body: its body, whole: with 206 that of the client is put in. None: it
            has none.
    """

    status: int
    headers: Headers
    request: HTTPRequest | None = None
    response: HTTPResponse | None = None
    body: bytes | None = None


class Client:
    """A connection to an ICAP server.

    Args:
        host: where it is.
        port: the port.
        timeout: the seconds that it may let us wait each time.

    Raises:
        OSError: nobody listens there.
    """

    def __init__(self, host: str, port: int, *, timeout: float = TIMEOUT) -> None:
        self._socket = socket.create_connection((host, port), timeout)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Go away."""
        self._file.close()
        self._socket.close()

    def ask(self, request: Request) -> Answer:
        """Send a request, one of `reqmod_request` or `respmod_request`, and return the answer.

        What it has of a body is sent as it says: with a preview, and the rest
        where the server wants it.

        Raises:
            TimeoutError: the server does not answer.
            EOFError: it closes the connection before the answer is whole.
        """
        head = request._head  # noqa: SLF001 - made for this
        sent = b"".join((head.raw, b"\r\n\r\n", head.request or b"", head.response or b""))
        body = request.body.whole if head.has_body else None
        return self._converse(sent, body, head.preview)

    def play(self, name: str, body: bytes = b"", *, endpoint: str = "avscan") -> Answer:
        """Send what a real client sends, and return the answer.

        Args:
            name: one of `zcadapt.testing.TRANSCRIPTS`.
            body: the body, where that client sends one.
            endpoint: the path of the ICAP URI.

        Raises:
            TimeoutError: the server does not answer.
            EOFError: it closes the connection before the answer is whole.
            KeyError: there is no such transcript.
        """
        sent = transcript(name, size=len(body), endpoint=endpoint)
        has_body = b"-body=" in sent.replace(b"null-body=", b"")
        preview = _PREVIEW.search(sent)
        return self._converse(sent, body if has_body else None, preview and int(preview[1]))

    def options(self, endpoint: str = "") -> Answer:
        """Ask an endpoint what it offers (RFC 3507, 4.10).

        Raises:
            TimeoutError: the server does not answer.
            EOFError: it closes the connection before the answer is whole.
        """
        self.send(
            f"OPTIONS icap://127.0.0.1/{endpoint} ICAP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode()
        )
        return self.answer()

    def send(self, data: bytes) -> None:
        """Send some bytes, whatever they are."""
        self._socket.sendall(data)

    def answer(self, original: bytes = b"") -> Answer:
        """Return the next answer; `original` is the body that was sent, of which 206 may speak.

        Raises:
            TimeoutError: the server does not answer.
            EOFError: it closes the connection before the answer is whole.
        """
        first, _, block = split_head(self._head())
        status, headers = int(first.split(b" ")[1]), Headers(block)
        parts = [part.strip().split("=") for part in headers.get("encapsulated", "").split(",")]
        found: dict[str, bytes] = {}
        for (name, begin), (_, end) in pairwise(parts):
            found[name] = self._exactly(int(end) - int(begin))
        body = None
        if status != CONTINUE and parts[-1][0].endswith("-body") and parts[-1][0] != "null-body":
            body, last = self._chunked()
            if status == PARTIAL and (start := _FROM.search(last)):
                body += original[int(start[1]) :]
        return Answer(
            status,
            headers,
            HTTPRequest(found["req-hdr"]) if "req-hdr" in found else None,
            HTTPResponse(found["res-hdr"]) if "res-hdr" in found else None,
            body,
        )

    def _converse(self, head: bytes, body: bytes | None, preview: int | None) -> Answer:
        self.send(head)
        if body is None:
            return self.answer()
        if preview is None:
            return self._answered(_chunks(body) + b"0\r\n\r\n", body)
        is_all = len(body) <= preview
        self.send(_chunks(body[:preview]) + (b"0; ieof\r\n\r\n" if is_all else b"0\r\n\r\n"))
        answer = self.answer(body)
        if answer.status != CONTINUE:
            return answer
        return self._answered(_chunks(body[preview:]) + b"0\r\n\r\n", body)

    def _answered(self, rest: bytes, body: bytes) -> Answer:
        """Send `rest` and return the answer, which may come before all of that is sent."""
        sending = threading.Thread(target=self._send_if_wanted, args=(rest,), daemon=True)
        sending.start()
        answer = self.answer(body)
        sending.join()
        return answer

    def _send_if_wanted(self, data: bytes) -> None:
        with suppress(OSError):  # who has answered may close
            self.send(data)

    def _chunked(self) -> tuple[bytes, str]:
        """Return a body, and the line of its last chunk."""
        pieces = []
        while size := int((line := self._line()).partition(b";")[0], 16):
            pieces.append(self._exactly(size))
            self._line()
        while self._line().strip():
            pass  # trailers
        return b"".join(pieces), line.decode("latin-1")

    def _head(self) -> bytes:
        lines = [self._line()]
        while lines[-1].strip():
            lines.append(self._line())
        return b"".join(lines)

    def _line(self) -> bytes:
        line = self._file.readline()
        if not line.endswith(b"\n"):
            raise EOFError("the server has closed the connection before its answer was whole")
        return line

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise EOFError("the server has closed the connection before its answer was whole")
        return data


def _chunks(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body) if body else b""
