"""What handlers in the manner of pyicap do with a request: read its body, and answer it."""

from abc import abstractmethod
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, ClassVar, Final, Generic, TypeVar

from zcadapt.compat.line import Line, Outgoing, encoded_head, icap_name, icap_value, quoted_tag
from zcadapt.compat.texts import RESPONSES, ICAPError, as_bytes, as_text, is_latin
from zcadapt.icap.decisions import RESERVED
from zcadapt.icap.errors import ClientGoneError, IcapError, LocalProtocolError
from zcadapt.icap.events import RequestHead
from zcadapt.icap.headers import Headers, split_head
from zcadapt.icap.options import istag
from zcadapt.version import VERSION

__all__ = ["Answering"]

Text = TypeVar("Text", bytes, str)
Step = TypeVar("Step")

#: A handler that asks so often for more of a body that has ended would ask for ever.
MOST_ENDS: Final = 1000

OK: Final = 200
SUCCESS: Final = (200, 201)
NO_CONTENT: Final = 204
PARTIAL: Final = 206


class Answering(Generic[Text]):
    """The part of a handler that reads bodies and answers.

    Attributes:
        has_body: the request has a body.
        eob: the body, or the preview, has been read to its end.
        ieof: the preview is the whole body (RFC 3507, 4.5).
        icap_response_code: the status that `set_icap_response` has set.
        icap_headers: the headers of the answer; lists, by name.
        enc_status: the status line of the HTTP response that is answered with.
        enc_request: the request line of the HTTP request that is answered with.
        enc_headers: the headers of either.
    """

    _responses: ClassVar[Any] = RESPONSES

    _line: Line
    _head: RequestHead | None
    _ends: int
    _phrase: str
    _command: str
    close_connection: bool
    servicename: Text | None
    has_body: bool
    eob: bool
    ieof: bool
    icap_response: Text | None
    icap_response_code: int | None
    icap_headers: dict[Text, list[Text]]
    enc_status: Text | None
    enc_request: Text | None
    enc_headers: dict[Text, list[Text]]

    # For the class that has a connection, and knows what a text is

    @staticmethod
    @abstractmethod
    def _text(raw: bytes) -> Text:
        """Return what a handler sees of `raw`."""

    @abstractmethod
    def version_string(self) -> str:
        """Return what stands in the header Server."""

    @abstractmethod
    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return a time, in seconds since the epoch, as HTTP writes it; without, that of now."""

    @abstractmethod
    def log_error(self, format: str, *args: object) -> None:  # noqa: A002 - its old name
        """Write an error down."""

    def _tag(self, tag: str | None = None) -> str:
        """Return the ISTag of this service, which may have set `tag`."""
        name = as_text(self.servicename or "")
        tags = self._line.tags
        if tag is not None:
            tags[name] = tag = quoted_tag(tag)
        kind = type(self)
        return tag or tags.get(name) or _made_tag(f"{kind.__module__}:{kind.__qualname__}", name)

    # What is to be answered

    def set_icap_response(self, code: int, message: str | bytes | None = None) -> None:
        """Set the ICAP status of the answer, and its reason phrase if it is not the usual one."""
        self._phrase = "" if message is None else as_text(message)
        phrase = self._phrase or RESPONSES.get(code, ("???", ""))[0]
        self.icap_response = self._text(f"ICAP/1.0 {code} {phrase}".encode("latin-1", "replace"))
        self.icap_response_code = code

    def set_icap_header(self, header: str | bytes, value: str | bytes) -> None:
        """Add an ICAP header; the server adds what it must have."""
        self._add(self.icap_headers, header, value)

    def set_enc_status(self, status: str | bytes) -> None:
        """Set the status line of the HTTP response that is the answer."""
        self.enc_status = self._text(as_bytes(status))

    def set_enc_request(self, request: str | bytes) -> None:
        """Set the request line of the HTTP request that is the answer."""
        self.enc_request = self._text(as_bytes(request))

    def set_enc_header(self, header: str | bytes, value: str | bytes) -> None:
        """Add a header to the HTTP message that is the answer."""
        self._add(self.enc_headers, header, value)

    def _add(
        self, headers: dict[Text, list[Text]], header: str | bytes, value: str | bytes
    ) -> None:
        headers.setdefault(self._text(as_bytes(header)), []).append(self._text(as_bytes(value)))

    # Answers

    def send_headers(self, has_body: bool = False) -> None:  # noqa: FBT001, FBT002 - as it was
        """Send all that has been set; `has_body`: `write_chunk` follows.

        A message that 204 leaves as it is goes out whole where 204 may not be said.

        Raises:
            ICAPError: there is an answer already, or nothing that could be one.
        """
        code = self.icap_response_code or OK
        if self._line.has_begun:
            raise ICAPError(500, "there is an answer already")
        if code < OK or code == PARTIAL:
            raise ICAPError(500, f"{code} is no answer that can be made so")
        if code == NO_CONTENT and not self._line.may_204:
            self._echo()
            return
        part, head = "", b""
        if self._command != "OPTIONS" and code != NO_CONTENT:
            part, head = self._encapsulated(needed=code in SUCCESS)
        outgoing = Outgoing(code, self._phrase, self._icap(), part, head, has_body and bool(part))
        if part == "res" and not has_body and (self.has_body or self._command == "REQMOD"):
            outgoing.tell_length(0)
        self._line.begin(outgoing)

    def no_adaptation_required(self) -> None:
        """Leave the message as it is: with 204 where that may be said, else it is sent back.

        Raises:
            ICAPError: there is an answer already.
        """
        if self._line.has_begun:
            raise ICAPError(500, "there is an answer already")
        if not self._line.may_204:
            self._echo()
            return
        self._from_client(self._line.drain)
        self.set_icap_response(NO_CONTENT)
        self.send_headers()

    def send_error(self, code: int, message: str | bytes | None = None) -> None:
        """Answer with an ICAP error, whatever was set; the connection ends with it.

        Args:
            code: the ICAP status.
            message: its reason phrase; None: the usual one.

        Raises:
            ICAPError: there is an answer already.
        """
        self.log_error("code %d, message %s", code, self._said(code, message))
        self._send_error(code, message)

    def send_enc_error(
        self,
        code: int,
        message: str | bytes | None = "",
        body: str | bytes = "",
        contenttype: str | bytes = "text/html",
    ) -> None:
        """Answer with an HTTP response that tells of an error: a page that blocks.

        Args:
            code: the HTTP status.
            message: its reason phrase; empty: the usual one.
            body: the page.
            contenttype: what it is.

        Raises:
            ICAPError: there is an answer already.
        """
        page = body
        if isinstance(page, str):
            page = page.encode("latin-1" if is_latin(page) else "utf-8")
        kind = as_text(contenttype)
        if isinstance(body, str) and not is_latin(body) and "charset" not in kind.lower():
            kind += "; charset=utf-8"
        self.set_icap_response(OK)
        self.enc_request = None
        self.set_enc_status(f"HTTP/1.1 {code} {as_text(self._said(code, message))}")
        self.set_enc_header("Content-Type", kind)
        self.set_enc_header("Content-Length", str(len(page)))
        self.send_headers(has_body=bool(page))
        if page:
            self._line.write(page)
            self._line.end()

    def _send_error(self, code: int, message: str | bytes | None) -> None:
        self.enc_status = self.enc_request = None
        self.enc_headers = {}
        self.set_icap_response(code, message or None)
        self.set_icap_header("Connection", "close")
        self.send_headers()

    def _said(self, code: int, message: str | bytes | None) -> str | bytes:
        return message or RESPONSES.get(code, ("???", ""))[0]

    # The body

    def read_chunk(self) -> Text:
        """Return a piece of the body, of whatever chunks; at its end, nothing.

        A preview has an end too; behind it `cont` leads, unless `ieof` is true then.

        Raises:
            ICAPError: the client has broken off, fallen silent or broken the rules; or this
                has been called a thousand times at the end.
        """
        piece = self._from_client(self._line.read) if self.has_body else b""
        self.eob = not piece
        if self.eob:
            self.ieof = self._line.ieof
            self._ends += 1
            if self._ends > MOST_ENDS:
                raise ICAPError(500, "the handler does not see that the body has ended")
        return self._text(piece)

    def write_chunk(self, data: str | bytes = b"") -> None:
        """Write a piece of the body of the answer; an empty one ends it.

        What has been set is sent before, if it has not been.

        Raises:
            ICAPError: the answer has no body, or is at its end; or `data` cannot be sent.
        """
        piece = bytes(data) if isinstance(data, bytearray | memoryview) else as_bytes(data)
        if not self._line.has_begun:
            self.send_headers(has_body=True)
        if not piece:
            self._line.end()
            return
        try:
            self._line.write(piece)
        except LocalProtocolError as error:
            raise ICAPError(500, "the answer has no body, or is at its end") from error

    send_chunk = write_chunk

    def cont(self) -> None:
        """Ask for the rest of the body, with 100 Continue, where the client waits for that.

        Raises:
            ICAPError: there is no more (`ieof`), or an answer has gone out already.
        """
        if not self.ieof and self.has_body:
            try:
                self._from_client(self._line.continue_)
            except LocalProtocolError as error:
                raise ICAPError(500, "100 Continue after an answer") from error
            self.ieof = self._line.ieof
        if self.ieof:
            raise ICAPError(500, "Tried to continue on ieof condition")
        self.eob = False

    # How it is done

    def _from_client(self, step: Callable[[], Step]) -> Step:
        """Return what `step` has from the client, whose errors handlers know as `ICAPError`."""
        try:
            return step()
        except ClientGoneError:
            raise
        except IcapError as error:
            raise ICAPError(error.status) from error

    def _icap(self) -> list[tuple[str, str]]:
        """Return the headers of the answer; what the server says itself is not taken."""
        pairs = []
        tag = None
        for key, values in self.icap_headers.items():
            name = icap_name(as_text(key))
            for each in values:
                value = icap_value(as_text(each))
                if name == "ISTag":
                    tag = value
                elif name == "Connection":
                    self._close(value.lower())
                elif name.lower() not in RESERVED and value:
                    pairs.append((name, value))
        said = {name for name, _ in pairs}
        is_options = self._command == "OPTIONS" and self.icap_response_code in (OK, None)
        if is_options and "Allow" not in said:
            pairs.append(("Allow", "204"))  # it is honoured, whatever a handler knows of it
        pairs.append(("ISTag", self._tag(tag)))
        if "Date" not in said:
            pairs.append(("Date", self.date_time_string()))
        if "Server" not in said:
            pairs.append(("Server", self.version_string()))
        return pairs

    def _close(self, value: str) -> None:
        if value == "close":
            self.close_connection = True
            self._line.close_after()

    def _encapsulated(self, *, needed: bool) -> tuple[str, bytes]:
        """Return (``req`` or ``res``, the head of the HTTP message that is the answer).

        Headers without a first line have that of the message at hand.
        """
        head = self._head
        if head is None:
            return "", b""
        part, line = "req", self.enc_request
        if line is None:
            part, line = "res", self.enc_status
        if line is None and self.enc_headers:
            part = "req" if self._command == "REQMOD" else "res"
            line = self._text(
                split_head((head.request if part == "req" else head.response) or b"")[0]
            )
        if not line:
            if needed:
                raise ICAPError(500, "neither set_enc_status nor set_enc_request was called")
            return "", b""
        spelt = {}
        for raw in (head.request, head.response):
            spelt.update(
                {name.lower(): name for name, _ in Headers(split_head(raw or b"")[2]).pairs}
            )
        pairs = [
            (as_text(name), as_text(each))
            for name, values in self.enc_headers.items()
            for each in values
        ]
        return part, encoded_head(as_text(line), pairs, spelt)

    def _echo(self) -> None:
        """Send the message back as it came."""
        self.set_icap_response(OK)
        self._from_client(partial(self._line.echo, self._unchanged()))

    def _unchanged(self) -> Outgoing:
        """Return how the message goes back as it came."""
        head = self._head
        part, raw = "req", head.request if head else None
        if self._command == "RESPMOD":
            part, raw = "res", head.response if head else None
        outgoing = Outgoing(OK, "", self._icap(), part, raw or b"", self.has_body)
        outgoing.is_exact = True
        return outgoing


@lru_cache(64)
def _made_tag(kind: str, name: str) -> str:
    return quoted_tag(istag((VERSION, kind, name)))
