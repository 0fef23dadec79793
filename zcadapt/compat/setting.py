"""What handlers in the manner of pyicap set: the status, the heads and the headers of an answer."""

import re
from abc import abstractmethod
from functools import lru_cache
from typing import Final, Generic, TypeVar

from zcadapt.compat.line import Line, encoded_head, icap_name, icap_value, quoted_tag
from zcadapt.compat.texts import RESPONSES, MisuseError, as_bytes, as_text, printable
from zcadapt.icap.decisions import RESERVED
from zcadapt.icap.events import RequestHead
from zcadapt.icap.headers import Headers, split_head
from zcadapt.icap.options import istag
from zcadapt.version import VERSION

__all__ = ["OK", "Setting"]

Text = TypeVar("Text", bytes, str)
Pairs = list[tuple[str, str]]

OK: Final = 200
NAME: Final = "the name of a header"

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Setting(Generic[Text]):
    """The part of a handler that says what is to be answered.

    Attributes:
        icap_response_code: the status that `set_icap_response` has set.
        icap_headers: the headers of the answer; lists, by name.
        enc_status: the status line of the HTTP response that is answered with.
        enc_request: the request line of the HTTP request that is answered with.
        enc_headers: the headers of either.
    """

    # What begins so is ours; what else is here may be called and read by subclasses.
    _zcadapt_line: Line
    _zcadapt_head: RequestHead | None
    _zcadapt_phrase: str
    _zcadapt_command: str

    close_connection: bool
    servicename: Text | None
    headers: dict[Text, list[Text]]
    enc_req_headers: dict[Text, list[Text]]
    enc_res_headers: dict[Text, list[Text]]
    icap_response: Text | None
    icap_response_code: int | None
    icap_headers: dict[Text, list[Text]]
    enc_status: Text | None
    enc_request: Text | None
    enc_headers: dict[Text, list[Text]]

    # For the class that has a connection, and knows what a text is

    @staticmethod
    @abstractmethod
    def _zcadapt_text(raw: bytes) -> Text:
        """Return what a handler sees of `raw`."""

    @abstractmethod
    def version_string(self) -> str:
        """Return what stands in the header Server."""

    @abstractmethod
    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return a time, in seconds since the epoch, as HTTP writes it; without, that of now."""

    # What is to be answered

    def set_icap_response(self, code: int, message: str | bytes | None = None) -> None:
        """Set the ICAP status of the answer, and its reason phrase if it is not the usual one."""
        phrase = "" if message is None else as_text(message, "a reason phrase")
        self._zcadapt_phrase = phrase
        phrase = phrase or RESPONSES.get(code, ("???", ""))[0]
        line = f"ICAP/1.0 {code} {phrase}"
        self.icap_response = self._zcadapt_text(line.encode("latin-1", "replace"))
        self.icap_response_code = code

    def set_icap_header(self, header: str | bytes, value: str | bytes) -> None:
        """Add an ICAP header; the server adds what it must have."""
        self.__add(self.icap_headers, header, value)

    def set_enc_status(self, status: str | bytes) -> None:
        """Set the status line of the HTTP response that is the answer."""
        self.enc_status = self._zcadapt_text(as_bytes(status, "a status line"))

    def set_enc_request(self, request: str | bytes) -> None:
        """Set the request line of the HTTP request that is the answer."""
        self.enc_request = self._zcadapt_text(as_bytes(request, "a request line"))

    def set_enc_header(self, header: str | bytes, value: str | bytes) -> None:
        """Add a header to the HTTP message that is the answer."""
        self.__add(self.enc_headers, header, value)

    def __add(
        self, headers: dict[Text, list[Text]], header: str | bytes, value: str | bytes
    ) -> None:
        raw = as_bytes(header, NAME).strip()
        shown = printable(raw)
        if _TOKEN.fullmatch(raw) is None and not self.__has_come(raw):
            raise MisuseError(f"{shown!r:.80} cannot be {NAME}")
        text = self._zcadapt_text(as_bytes(value, f"the header {shown}"))
        headers.setdefault(self._zcadapt_text(raw), []).append(text)

    def __has_come(self, name: bytes) -> bool:
        """Whether a header is in the message at hand, which may be copied as it is."""
        key = self._zcadapt_text(name.lower())
        return key in self.enc_req_headers or key in self.enc_res_headers

    # What that is on the wire

    def _zcadapt_icap(self) -> Pairs:
        """Return the headers of the answer; what the server says itself is not taken."""
        pairs = []
        tag = None
        for key, values in self.icap_headers.items():
            name = icap_name(as_text(key, NAME))
            for each in values:
                value = icap_value(as_text(each, f"the header {name}"))
                if name == "ISTag":
                    tag = value
                elif name.lower() == "connection":
                    self.close_connection |= value.lower() == "close"
                elif name.lower() not in RESERVED and value:
                    pairs.append((name, value))
        if self.close_connection:
            self._zcadapt_line.close_after()
        said = {name.lower() for name, _ in pairs}
        is_options = self._zcadapt_command == "OPTIONS" and self.icap_response_code in (OK, None)
        if is_options and "allow" not in said:
            pairs.append(("Allow", "204"))  # it is honoured, whatever a handler knows of it
        pairs.append(("ISTag", self.__tag(tag)))
        if "date" not in said:
            pairs.append(("Date", self.date_time_string()))
        if "server" not in said:
            pairs.append(("Server", self.version_string()))
        return pairs

    def __tag(self, tag: str | None) -> str:
        """Return the ISTag of this service, which may have set `tag`."""
        name = as_text(self.servicename or "")
        tags = self._zcadapt_line.tags
        if tag is not None:
            tags[name] = tag = quoted_tag(tag)
        kind = type(self)
        return tag or tags.get(name) or _made_tag(f"{kind.__module__}:{kind.__qualname__}", name)

    def _zcadapt_encapsulated(self, *, needed: bool) -> tuple[str, bytes]:
        """Return (``req`` or ``res``, the head of the HTTP message that is the answer).

        Headers without a first line have that of the message at hand.
        """
        head = self._zcadapt_head
        if head is None:
            return "", b""
        part, line = "req", self.enc_request
        if line is None:
            part, line = "res", self.enc_status
        if line is None and self.enc_headers:
            part = "req" if self._zcadapt_command == "REQMOD" else "res"
            raw = (head.request if part == "req" else head.response) or b""
            line = self._zcadapt_text(split_head(raw)[0])
        if not line:
            if needed:
                raise MisuseError("neither set_enc_status nor set_enc_request was called")
            return "", b""
        spelt = {}
        for each in (head.request, head.response):
            names = (name for name, _ in Headers(split_head(each or b"")[2]).pairs)
            spelt.update({name.lower(): name for name in names})
        pairs = [
            (as_text(name, NAME), as_text(each, f"the header {printable(name)}"))
            for name, values in self.enc_headers.items()
            for each in values
        ]
        return part, encoded_head(as_text(line, "a first line"), pairs, spelt)


@lru_cache(64)
def _made_tag(kind: str, name: str) -> str:
    return quoted_tag(istag((VERSION, kind, name)))
