"""The handlers of pyicap and icapserver: connections, requests, and whose method is called."""

import io
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from socketserver import StreamRequestHandler
from typing import TYPE_CHECKING, Any, Final, TypeVar

from zcadapt.compat.answering import Answering
from zcadapt.compat.blocking_line import BlockingLine
from zcadapt.compat.clients import clients_of, leave_at_exit
from zcadapt.compat.line import Line
from zcadapt.compat.texts import (
    ICAPError,
    MisuseError,
    Preview,
    Words,
    encapsulated,
    fields,
    first_line,
    formatted,
)
from zcadapt.icap.errors import ClientGoneError, IcapError
from zcadapt.icap.events import RequestHead
from zcadapt.icap.head import parse_words
from zcadapt.icap.options import http_date
from zcadapt.version import VERSION

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["COMMANDS", "RequestHandler"]

Text = TypeVar("Text", bytes, str)

COMMANDS: Final = ("OPTIONS", "REQMOD", "RESPMOD")


class _Version:
    """The version of the ICAP request, where neither a class nor an instance has another."""

    def __get__(self, handler: Any, kind: type | None = None) -> Any:  # noqa: ANN401 - a Text
        return self if handler is None else handler.request_version


class RequestHandler(Answering[Text], StreamRequestHandler):
    """The base of both handler classes.

    For each service a subclass has methods called after it: ``echo_OPTIONS``,
    ``echo_REQMOD``, ``echo_RESPMOD``, or the same with the command in lower
    case. The service is the path of the ICAP URI. One instance serves one
    connection; mounted in a zcadapt server, one request.

    Attributes:
        command: ``OPTIONS``, ``REQMOD`` or ``RESPMOD``.
        request_uri: the ICAP URI.
        requestline: the first line of the ICAP request.
        request_version: ``ICAP/1.0``.
        servicename: the path of the URI, without slashes around it.
        headers: the ICAP headers: the values of each, by lower-case name.
        encapsulated: the offsets in the header Encapsulated, by name.
        preview: how many bytes of the body come first, a `Preview`; or None.
        allow: the words of the header Allow.
        client_ip: the header X-Client-IP; empty without.
        enc_req: the words of the HTTP request line, three of them; or None.
        enc_req_headers: the headers of the HTTP request, as in `headers`.
        enc_res_status: the words of the HTTP status line; or None.
        enc_res_headers: the headers of the HTTP response.
        close_connection: no further request is waited for.
        version: the same as `request_version`.
    """

    disable_nagle_algorithm = True
    protocol_version = _protocol_version = "ICAP/1.0"
    server: Any
    version: Any = _Version()

    _server_version = f"zcadapt/{VERSION}"
    _sys_version = "Python/" + sys.version.split()[0]
    _zcadapt_shown = "-"  # the first line of the request, for logs

    # A connection

    def setup(self) -> None:
        """Begin a connection."""
        self.close_connection = False
        self.__forget()
        if isinstance(self.request, Line):  # it is mounted
            self._zcadapt_line = self.request
            self.rfile, self.wfile = io.BytesIO(), io.BytesIO()
            return
        super().setup()
        clients = clients_of(self.server)
        leave_at_exit(clients)
        settings = clients.settings
        if (seconds := self.timeout) is not None:
            settings = replace(
                settings,
                idle_timeout=seconds,
                head_timeout=seconds,
                read_timeout=seconds,
                write_timeout=seconds,
            )
        self._zcadapt_line = line = BlockingLine(self.connection, clients, settings)
        self.wfile = _RawAnswer(line)

    def handle(self) -> None:
        """Serve a connection to its last request."""
        self.close_connection = False
        while not self.close_connection:
            self.handle_one_request()

    def finish(self) -> None:
        """End a connection."""
        self._zcadapt_line.close()
        super().finish()

    def handle_one_request(self) -> None:
        """Wait for a request and answer it; after the last one `close_connection` is true."""
        self.__forget()
        try:
            head = self._zcadapt_line.receive()
            if head is None:
                self.close_connection = True
                return
            self.__take(head)
            self.__method()()
            if not self._zcadapt_line.has_begun:
                self._zcadapt_send_unsent()
            if self._zcadapt_line.is_logged:
                self.log_request(self.icap_response_code or "-")
        except ClientGoneError:
            self.close_connection = True
        except IcapError as error:
            self.__refuse(error.status, None, error)
        except ICAPError as error:
            if isinstance(error, MisuseError):
                self._zcadapt_line.fails(error)
            is_usual = error.message == ICAPError(error.code).message
            self.__refuse(error.code, None if is_usual else error.message, error)
        except Exception as error:  # noqa: BLE001 - a handler may raise anything
            self._zcadapt_line.fails(error)
            self.__refuse(500, None, type(error).__name__)
        if not self._zcadapt_line.finish():
            self.close_connection = True

    def __refuse(self, code: int, message: str | bytes | None, why: object) -> None:
        """Answer with an error, unless another answer is on its way."""
        if self._zcadapt_line.is_logged:
            self.log_error("code %d, message %s", code, why)
        if not self._zcadapt_line.take_back():
            return
        try:
            self._zcadapt_send_error(code, message)
        except (ICAPError, ClientGoneError) as error:
            if self._zcadapt_line.is_logged:
                self.log_error("no answer: %s", error)
            self.close_connection = True

    # A request

    def __forget(self) -> None:
        """Let the fields be as they are before a request."""
        self._zcadapt_head = None
        self._zcadapt_ends = 0
        self._zcadapt_drops = False
        self._zcadapt_phrase = self._zcadapt_command = ""
        self.command: Text | None = None
        self.request_uri: Text | None = None
        self.requestline: Text | None = None
        self.request_version: Text | None = None
        self.servicename = None
        self.client_ip: Text | None = None
        self.preview: Preview | None = None
        self.headers: dict[Text, list[Text]] = {}
        self.encapsulated: dict[Text, int] = {}
        self.allow: Words[Text] = Words()
        self.enc_req: list[Text] | None = None
        self.enc_res_status: list[Text] | None = None
        self.enc_req_headers: dict[Text, list[Text]] = {}
        self.enc_res_headers: dict[Text, list[Text]] = {}
        self.has_body = self.eob = self.ieof = False
        self.icap_response = self.icap_response_code = None
        self.icap_headers = {}
        self.enc_headers = {}
        self.enc_status = self.enc_request = None

    def __take(self, head: RequestHead) -> None:
        """Let the fields be those of a request."""
        text, line = self._zcadapt_text, head.line
        self._zcadapt_head = head
        self.close_connection = "close" in parse_words(head.fields.get("connection", b""))
        self._zcadapt_line.unchanged = self._zcadapt_unchanged
        self._zcadapt_command = line.method
        self._zcadapt_shown = f"{line.method} {line.path} ICAP/1.0"
        self.requestline = text(head.raw.partition(b"\r\n")[0])
        self.command = text(line.method.encode("ascii"))
        self.request_uri = text(line.uri.encode("latin-1"))
        self.request_version = text(b"ICAP/1.0")
        self.servicename = text(line.path.strip("/").encode("latin-1"))
        self.headers = fields(head.raw + b"\r\n\r\n", text)
        self.encapsulated = encapsulated(self.headers.get(text(b"encapsulated"), ()), text)
        self.preview = None if head.preview is None else Preview(head.preview)
        self.allow = Words(text(word.encode("latin-1")) for word in head.allow)
        self.client_ip = self.headers.get(text(b"x-client-ip"), [text(b"")])[0]
        self.has_body = head.has_body
        if head.request is not None:
            self.enc_req = first_line(head.request, text)
            self.enc_req_headers = fields(head.request, text)
        if head.response is not None:
            self.enc_res_status = first_line(head.response, text)
            self.enc_res_headers = fields(head.response, text)

    def __method(self) -> Callable[[], object]:
        """Return the method for the request.

        Raises:
            ICAPError: there is no such service, or it does not serve the command.
        """
        head = self._zcadapt_head
        service = head.line.path.strip("/") if head else ""
        found = {command: method_of(self, service, command) for command in COMMANDS}
        if method := found[self._zcadapt_command]:
            return method
        raise ICAPError(405 if any(found.values()) else 404)

    # What is written down

    def version_string(self) -> str:
        """Return what stands in the header Server."""
        return f"{self._server_version} {self._sys_version}"

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return a time, in seconds since the epoch, as HTTP writes it; without, that of now."""
        return _date(int(time.time() if timestamp is None else timestamp))

    def log_date_time_string(self) -> str:
        """Return the time of now as `log_message` writes it."""
        return time.strftime("%d/%b/%Y %H:%M:%S")

    def address_string(self) -> str:
        """Return the address of the client; no name is looked up."""
        return str(self.client_address[0])

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Write a request down; of its URI without what may be secret."""
        self.log_message('"%s" %s %s', self._zcadapt_shown, code, size)

    def log_error(self, format: str, *args: object) -> None:  # noqa: A002 - its old name
        """Write an error down."""
        self.log_message(format, *args)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its old name
        """Write a line on standard error, with the address of the client and the time."""
        message = formatted(format, args)
        sys.stderr.write(f"{self.address_string()} - - [{self.log_date_time_string()}] {message}\n")


def method_of(handler: object, service: str, command: str) -> Callable[[], Any] | None:
    """Return the method of a handler for a command of a service, if it has one."""
    for name in (f"{service}_{command}", f"{service}_{command.lower()}"):
        method = getattr(handler, name, None)
        if callable(method):
            return method  # type: ignore[no-any-return]  # a method takes nothing
    return None


@lru_cache(4)
def _date(second: int) -> str:
    return http_date(second)


class _RawAnswer(io.BufferedIOBase):
    """What a handler writes here goes out as it is."""

    def __init__(self, line: BlockingLine) -> None:
        self._out = line

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: "Buffer") -> int:
        """Send `data`."""
        raw = bytes(data)
        self._out.send_raw(raw)
        return len(raw)

    def flush(self) -> None:
        """Send what has been written of an answer, if that has not gone out."""
        if not self.closed:
            self._out.flush()
