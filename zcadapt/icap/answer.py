"""The head of an ICAP answer (RFC 3507, 4.3.3), with what it encapsulates.

Written strictly: a reason phrase always, ``Name: value``, Encapsulated in
every answer and last, since real clients stop reading there.
"""

from typing import Final

__all__ = ["CLOSE", "CONTINUE", "NO_BODY", "Answer", "field"]

NO_BODY: Final = "null-body"
CLOSE: Final = b"Connection: close\r\n"
CONTINUE: Final = b"ICAP/1.0 100 Continue\r\n\r\n"

PHRASES: Final = {
    200: b"OK",
    204: b"No Modifications Needed",
    206: b"Partial Content",
    400: b"Bad Request",
    404: b"ICAP Service Not Found",
    405: b"Method Not Allowed For Service",
    408: b"Request Timeout",
    413: b"Request Entity Too Large",
    500: b"Server Error",
    501: b"Method Not Implemented",
    503: b"Service Overloaded",
    505: b"ICAP Version Not Supported",
}


def field(name: str, value: str) -> bytes:
    """Return one header line."""
    return f"{name}: {value}\r\n".encode("latin-1")


class Answer:
    """One answer, encoded once: it may be sent any number of times.

    Args:
        status: the ICAP status.
        fields: whole header lines, without Encapsulated.
        heads: the encapsulated heads, as (``res-hdr``, bytes).
        body: what follows them: ``req-body``, ``res-body`` or ``null-body``.
        phrase: the reason phrase; None: the usual one, of a status that has one.
    """

    __slots__ = ("encoded", "has_body", "status")

    def __init__(
        self,
        status: int,
        fields: bytes,
        heads: tuple[tuple[str, bytes], ...] = (),
        body: str = NO_BODY,
        phrase: bytes | None = None,
    ) -> None:
        self.status = status
        self.has_body = body != NO_BODY
        at = 0
        parts = []
        for name, raw in heads:
            parts.append(f"{name}={at}")
            at += len(raw)
        parts.append(f"{body}={at}")
        self.encoded = b"".join(
            (
                b"ICAP/1.0 %d %s\r\n" % (status, PHRASES[status] if phrase is None else phrase),
                fields,
                b"Encapsulated: %s\r\n\r\n" % ", ".join(parts).encode("ascii"),
                *(raw for _, raw in heads),
            )
        )

    def __repr__(self) -> str:
        return f"<Answer {self.status}>"
