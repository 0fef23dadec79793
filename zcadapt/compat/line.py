"""What handlers in the manner of pyicap speak through, and what they say.

A `Line` is a connection, or a zcadapt server in which a handler is mounted.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from zcadapt.icap.answer import CLOSE, NO_BODY, PHRASES, Answer, field
from zcadapt.icap.decisions import phrase_of
from zcadapt.icap.events import RequestHead
from zcadapt.icap.headers import Headers, edited, split_head
from zcadapt.icap.http import HTTPResponse
from zcadapt.icap.reply import BODILESS

__all__ = ["Line", "Outgoing", "encoded_head", "icap_name", "icap_value", "quoted_tag"]

Pairs = list[tuple[str, str]]

#: Names that are not written as the words they are made of.
SPELT: Final = {"istag": "ISTag", "service-id": "Service-ID", "options-ttl": "Options-TTL"}

_BREAKS = re.compile(r"[\r\n\0]+")
_QUOTED = re.compile(r'"[^"]*"')


@dataclass(slots=True)
class Outgoing:
    """An answer: the ICAP status and headers, and the head of the HTTP message.

    Attributes:
        code: the ICAP status.
        phrase: its reason phrase; empty: the usual one.
        icap: the ICAP headers, without Connection and Encapsulated.
        part: ``req`` or ``res``: which message it has; empty: none.
        head: the head of that, with its blank line.
        has_body: whether a body follows.
        is_exact: the head is to go out as it is.
    """

    code: int
    phrase: str
    icap: Pairs
    part: str = ""
    head: bytes = b""
    has_body: bool = False
    is_exact: bool = False

    def tell_length(self, length: int) -> None:
        """Say in the head how long the body is, where nothing is said of that.

        Squid 5.7 never ends a response that was made in REQMOD and does not tell.
        """
        line, end, block = split_head(self.head)
        headers = Headers(block)
        if self.is_exact or "content-length" in headers or "transfer-encoding" in headers:
            return
        if self.part == "res" and HTTPResponse(self.head).status in BODILESS:
            return
        block = edited(block, add=(("Content-Length", str(length)),))
        self.head = line + end + block + b"\r\n"

    def answer(self, *, close: bool) -> Answer:
        """Return it as it goes out; `close`: the connection ends with it."""
        fields = b"".join(field(name, value) for name, value in self.icap)
        heads = ((f"{self.part}-hdr", self.head),) if self.head else ()
        body = f"{self.part}-body" if self.has_body else NO_BODY
        phrase = _one_line(self.phrase).encode("latin-1", "replace") or _phrase(self.code)
        return Answer(self.code, fields + (CLOSE if close else b""), heads, body, phrase)


class Line(ABC):
    """One client: its requests, one after the other, and their answers.

    Attributes:
        ieof: the client has said in its preview that there is no more (RFC 3507, 4.5).
        is_logged: whether handlers write down each request.
        is_for_head: a response to HEAD may be given a body, which does not go out.
        tags: the ISTag that a handler has set for a service, by its name.
        unchanged: returns how the message goes back as it came.
    """

    ieof = False
    is_logged = True
    is_for_head = False
    tags: dict[str, str]
    unchanged: Callable[[], "Outgoing"]

    @abstractmethod
    def receive(self) -> RequestHead | None:
        """Return the head of the next request; None: there is none.

        Raises:
            IcapError: the client erred.
        """

    @property
    @abstractmethod
    def may_204(self) -> bool:
        """Whether 204 can be said: it is allowed, or the client waits after its preview."""

    @property
    @abstractmethod
    def has_begun(self) -> bool:
        """Whether there is an answer to the request."""

    @abstractmethod
    def read(self) -> bytes:
        """Return a piece of the body; ``b""`` at its end, and at the end of the preview.

        Raises:
            IcapError: the client erred, or is gone.
        """

    @abstractmethod
    def continue_(self) -> None:
        """Ask for what follows the preview; nothing happens where nothing is to be asked for.

        Raises:
            IcapError: the client erred, or is gone.
            LocalProtocolError: an answer is on its way, after which nothing more comes.
        """

    @abstractmethod
    def keep(self) -> None:
        """Keep what is read of the body from now on, for `echo`, if that is its beginning."""

    @property
    @abstractmethod
    def has_kept(self) -> bool:
        """Whether all that has been read of the body is still there."""

    @abstractmethod
    def drain(self) -> None:
        """Drop what the client sends by itself, as far as that is worth it."""

    @abstractmethod
    def echo(self, outgoing: Outgoing) -> None:
        """Answer with the body as it came, behind this head: all of it must have been kept."""

    @abstractmethod
    def begin(self, outgoing: Outgoing) -> None:
        """Answer; where a body follows, this is its beginning."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Write a piece of the body.

        Raises:
            LocalProtocolError: the answer is at its end, or has no body.
        """

    @abstractmethod
    def end(self) -> None:
        """End the body, if it has not ended."""

    @abstractmethod
    def close_after(self) -> None:
        """Let this answer be the last."""

    @abstractmethod
    def close(self) -> None:
        """End it all, when nothing more is to be said."""

    @abstractmethod
    def fails(self, error: Exception) -> None:
        """Take note of what a handler has raised; it may be raised again."""

    @abstractmethod
    def take_back(self) -> bool:
        """Take back an answer that has not gone out, or break off one that is not at its end.

        Returns: whether there can be another.
        """

    @abstractmethod
    def finish(self) -> bool:
        """End the exchange; return whether there can be another."""


def encoded_head(line: str, headers: Iterable[tuple[str, str]], spelt: Mapping[str, str]) -> bytes:
    r"""Return an HTTP head with its blank line.

    What would break a line becomes a space, as RFC 9110, 5.5 has it. A name in lower
    case is written as in `spelt`, or else with capitals.

    >>> encoded_head('GET / HTTP/1.1', [('etag', 'a\r\nb'), ('x-a', 'c')], {'etag': 'ETag'})
    b'GET / HTTP/1.1\r\nETag: a b\r\nX-A: c\r\n\r\n'
    """
    lines = [_one_line(line)]
    for name, value in headers:
        known = _one_line(name).strip()
        if known == known.lower():
            known = spelt.get(known) or known.title()
        lines.append(f"{known}: {_one_line(value)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def icap_name(name: str) -> str:
    """Return the name of an ICAP header as clients look for it.

    >>> icap_name('methods'), icap_name('IsTag'), icap_name('X-ICAP-a')
    ('Methods', 'ISTag', 'X-ICAP-a')
    """
    name = _one_line(name).strip()
    return SPELT.get(name.lower()) or (name.title() if name == name.lower() else name)


def icap_value(value: str) -> str:
    """Return the value of an ICAP header on one line."""
    return _one_line(value).strip()


def quoted_tag(tag: str) -> str:
    """Return an ISTag in quotes (RFC 3507, 4.7).

    >>> quoted_tag('W3E4'), quoted_tag('"W3E4"')
    ('"W3E4"', '"W3E4"')
    """
    tag = icap_value(tag)
    return tag if _QUOTED.fullmatch(tag) else '"{}"'.format(tag.replace('"', ""))


def _one_line(text: str) -> str:
    return _BREAKS.sub(" ", text)


def _phrase(code: int) -> bytes:
    return PHRASES.get(code) or phrase_of(code).encode("ascii")
