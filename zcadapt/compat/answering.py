"""What handlers in the manner of pyicap do with a request: read its body, and answer it."""

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Final, TypeVar

from zcadapt.compat.line import Outgoing
from zcadapt.compat.setting import OK, Setting
from zcadapt.compat.texts import RESPONSES, ICAPError, MisuseError, as_bytes, as_text, is_latin
from zcadapt.icap.errors import ClientGoneError, IcapError, LocalProtocolError
from zcadapt.icap.http import HTTPResponse
from zcadapt.icap.reply import BODILESS

__all__ = ["Answering"]

Text = TypeVar("Text", bytes, str)
Step = TypeVar("Step")

#: A handler that asks so often for more of a body that has ended would ask for ever.
MOST_ENDS: Final = 1000

SUCCESS: Final = (200, 201)
NO_CONTENT: Final = 204
PARTIAL: Final = 206

SECOND: Final = "there is an answer already"

#: What a page of our own says itself, whatever was copied before.
OF_A_PAGE: Final = frozenset(
    {
        "content-encoding",
        "content-length",
        "content-md5",
        "content-range",
        "content-type",
        "trailer",
        "transfer-encoding",
    }
)


class Answering(Setting[Text]):
    """The part of a handler that reads bodies and answers.

    Attributes:
        has_body: the request has a body.
        eob: the body, or the preview, has been read to its end.
        ieof: the preview is the whole body (RFC 3507, 4.5).
    """

    _responses: ClassVar[Any] = RESPONSES

    _zcadapt_ends: int
    _zcadapt_drops: bool
    has_body: bool
    eob: bool
    ieof: bool

    @abstractmethod
    def log_error(self, format: str, *args: object) -> None:  # noqa: A002 - its old name
        """Write an error down."""

    # Answers

    def send_headers(self, has_body: bool = False) -> None:  # noqa: FBT001, FBT002 - as it was
        """Send all that has been set; `has_body`: `write_chunk` follows.

        A message that 204 leaves as it is goes out whole where 204 may not be said.

        Raises:
            ICAPError: there is an answer already, or nothing that could be one.
        """
        code = self.icap_response_code or OK
        if self._zcadapt_line.has_begun:
            raise MisuseError(SECOND)
        if code < OK or code == PARTIAL:
            raise MisuseError(f"{code} is no answer that can be made so")
        if code == NO_CONTENT and not self._zcadapt_line.may_204:
            self.__echo()
            return
        part, head = "", b""
        if self._zcadapt_command != "OPTIONS" and code != NO_CONTENT:
            part, head = self._zcadapt_encapsulated(needed=code in SUCCESS)
        has_body = has_body and bool(part)
        outgoing = self.__outgoing(part, head, has_body=has_body)
        if part == "res":
            if not has_body and (self.has_body or self._zcadapt_command == "REQMOD"):
                outgoing.tell_length(0)
            if HTTPResponse(head).status in BODILESS or self.__is_for_head():
                outgoing.has_body, self._zcadapt_drops = False, has_body
        self._zcadapt_line.begin(outgoing)

    def no_adaptation_required(self) -> None:
        """Leave the message as it is: with 204 where that may be said, else it is sent back.

        Raises:
            ICAPError: there is an answer already.
        """
        if self._zcadapt_line.has_begun:
            raise MisuseError(SECOND)
        if not self._zcadapt_line.may_204:
            self.__echo()
            return
        self.__from_client(self._zcadapt_line.drain)
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
        if self._zcadapt_line.is_logged:
            self.log_error("code %d, message %s", code, self.__said(code, message))
        self._zcadapt_send_error(code, message)

    def send_enc_error(
        self,
        code: int,
        message: str | bytes | None = "",
        body: str | bytes = "",
        contenttype: str | bytes = "text/html",
    ) -> None:
        """Answer with an HTTP response that tells of an error: a page that blocks.

        What has been set of a body, its length and its type does not count.

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
        kind = as_text(contenttype, "a content type")
        if isinstance(body, str) and not is_latin(body) and "charset" not in kind.lower():
            kind += "; charset=utf-8"
        self.set_icap_response(OK)
        self.enc_request = None
        phrase = as_text(self.__said(code, message), "a reason phrase")
        self.set_enc_status(f"HTTP/1.1 {code} {phrase}")
        for name in [each for each in self.enc_headers if as_text(each).lower() in OF_A_PAGE]:
            del self.enc_headers[name]
        if code not in BODILESS:
            self.set_enc_header("Content-Type", kind)
            self.set_enc_header("Content-Length", str(len(page)))
        self.send_headers(has_body=bool(page))
        if page and not self._zcadapt_drops:
            self._zcadapt_line.write(page)
            self._zcadapt_line.end()

    def _zcadapt_send_unsent(self) -> None:
        """Send the head that a handler has set and left, with the body that it has read.

        Raises:
            ICAPError: there is no such head, or the body is not there any more.
        """
        in_reqmod = self._zcadapt_command == "REQMOD"
        line = self.enc_request if in_reqmod else self.enc_request is None and self.enc_status
        is_whole = self.eob or not self.has_body
        if (
            not line
            or self.icap_response_code not in (None, *SUCCESS)
            or not (is_whole and self._zcadapt_line.has_kept)
        ):
            raise ICAPError(500, "the handler has sent nothing")
        self.__from_client(self._zcadapt_line.continue_)  # what it has read may be a preview
        part, head = self._zcadapt_encapsulated(needed=True)
        outgoing = self.__outgoing(part, head, has_body=self.has_body)
        self.__from_client(partial(self._zcadapt_line.echo, outgoing))

    def _zcadapt_send_error(self, code: int, message: str | bytes | None) -> None:
        self.enc_status = self.enc_request = None
        self.enc_headers = {}
        self.set_icap_response(code, message or None)
        self.set_icap_header("Connection", "close")
        self.send_headers()

    def __said(self, code: int, message: str | bytes | None) -> str | bytes:
        return message or RESPONSES.get(code, ("???", ""))[0]

    # The body

    def read_chunk(self) -> Text:
        """Return a piece of the body, of whatever chunks; at its end, nothing.

        A preview has an end too; behind it `cont` leads, unless `ieof` is true then.

        Raises:
            ICAPError: the client has broken off, fallen silent or broken the rules; or this
                has been called a thousand times at the end.
        """
        if self.enc_request or self.enc_status:
            self._zcadapt_line.keep()  # it may be left to us
        piece = self.__from_client(self._zcadapt_line.read) if self.has_body else b""
        self.eob = not piece
        if self.eob:
            self.ieof = self._zcadapt_line.ieof
            self._zcadapt_ends += 1
            if self._zcadapt_ends > MOST_ENDS:
                raise ICAPError(500, "the handler does not see that the body has ended")
        return self._zcadapt_text(piece)

    def write_chunk(self, data: str | bytes = b"") -> None:
        """Write a piece of the body of the answer; an empty one ends it.

        What has been set is sent before, if it has not been.

        Raises:
            ICAPError: the answer has no body, or is at its end; or `data` cannot be sent.
        """
        if isinstance(data, bytearray | memoryview):
            data = bytes(data)
        piece = as_bytes(data, "a piece of a body")
        if not self._zcadapt_line.has_begun:
            self.send_headers(has_body=True)
        if self._zcadapt_drops:
            return
        if not piece:
            self._zcadapt_line.end()
            return
        try:
            self._zcadapt_line.write(piece)
        except LocalProtocolError as error:
            raise MisuseError("the answer has no body, or is at its end") from error

    send_chunk = write_chunk

    def cont(self) -> None:
        """Ask for the rest of the body, with 100 Continue, where the client waits for that.

        Raises:
            ICAPError: there is no more (`ieof`), or an answer has gone out already.
        """
        if not self.ieof and self.has_body:
            try:
                self.__from_client(self._zcadapt_line.continue_)
            except LocalProtocolError as error:
                raise MisuseError("100 Continue after an answer") from error
            self.ieof = self._zcadapt_line.ieof
        if self.ieof:
            raise MisuseError("Tried to continue on ieof condition")
        self.eob = False

    # How it is done

    def __from_client(self, step: Callable[[], Step]) -> Step:
        """Return what `step` has from the client, whose errors handlers know as `ICAPError`."""
        try:
            return step()
        except ClientGoneError:
            raise
        except IcapError as error:
            raise ICAPError(error.status) from error

    def __is_for_head(self) -> bool:
        raw = self._zcadapt_head and self._zcadapt_head.request
        return bool(raw and raw.startswith(b"HEAD ")) and not self._zcadapt_line.is_for_head

    def __outgoing(self, part: str, head: bytes, *, has_body: bool) -> Outgoing:
        code, phrase = self.icap_response_code or OK, self._zcadapt_phrase
        return Outgoing(code, phrase, self._zcadapt_icap(), part, head, has_body)

    def __echo(self) -> None:
        """Send the message back as it came."""
        self.set_icap_response(OK)
        outgoing = self._zcadapt_unchanged()
        self.__from_client(partial(self._zcadapt_line.echo, outgoing))

    def _zcadapt_unchanged(self) -> Outgoing:
        """Return how the message goes back as it came."""
        head = self._zcadapt_head
        part, raw = "req", head.request if head else None
        if self._zcadapt_command == "RESPMOD":
            part, raw = "res", head.response if head else None
        outgoing = Outgoing(OK, "", self._zcadapt_icap(), part, raw or b"", self.has_body)
        outgoing.is_exact = True
        return outgoing
