"""What handlers in the manner of pyicap see and say, as bytes or as str."""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Final, TypeVar

from zcadapt.icap.headers import Headers, split_head

__all__ = [
    "RESPONSES",
    "ICAPError",
    "MisuseError",
    "Preview",
    "Words",
    "as_bytes",
    "as_text",
    "encapsulated",
    "fields",
    "first_line",
    "formatted",
    "is_latin",
    "printable",
]

Text = TypeVar("Text", bytes, str)

#: Each status with its phrase, and what it means.
RESPONSES: Final = {each.value: (each.phrase, each.description) for each in HTTPStatus}

_ESCAPES: Final = {number: f"\\x{number:02x}" for number in [*range(0x20), *range(0x7F, 0xA0)]}


class ICAPError(Exception):
    """A request that is answered with an ICAP error; handlers may raise it.

    Args:
        code: the ICAP status.
        message: its reason phrase; None: the usual one.

    >>> ICAPError(404).code, ICAPError(404).message, ICAPError(500, b'no').message
    (404, 'Not Found', b'no')
    """

    def __init__(self, code: int = 500, message: str | bytes | None = None) -> None:
        if message is None:
            message = RESPONSES.get(code, ("???", ""))[0]
        super().__init__(printable(message))
        self.code = code
        self.message = message


class MisuseError(ICAPError):
    """What a handler calls for cannot be done: the log has the line that does."""

    def __init__(self, message: str) -> None:
        super().__init__(500, message)


class Preview(int):
    """The number in a Preview header, in bytes.

    The documents promised a number, the code gave its digits: this is the
    number and equals its digits too. It is true even if it is 0, as digits
    are: `if self.preview` asks whether there is a preview.

    >>> preview = Preview(0)
    >>> bool(preview), preview == 0, preview == b'0', preview == '0', preview < 10
    (True, True, True, True, True)
    """

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        if isinstance(other, bytes | str):
            return str(int(self)) == (other if isinstance(other, str) else other.decode("latin-1"))
        return int(self) == other

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = int.__hash__


class Words(set[Text]):
    """The words of a list, as bytes or as str; `in` knows them as either.

    >>> b'204' in Words([b'204', b'206']), '204' in Words([b'204']), '206' in Words([b'204'])
    (True, True, False)
    """

    def __contains__(self, word: object) -> bool:
        if set.__contains__(self, word):
            return True
        if isinstance(word, str):
            return set.__contains__(self, word.encode("latin-1", "replace"))
        return isinstance(word, bytes) and set.__contains__(self, word.decode("latin-1"))


def fields(head: bytes, text: Callable[[bytes], Text]) -> dict[Text, list[Text]]:
    r"""Return the values of the fields of a head, by lower-case name, through `text`.

    >>> fields(b'GET / HTTP/1.1\r\nA: 1\r\na: 2\r\n\r\n', bytes)
    {b'a': [b'1', b'2']}
    """
    found: dict[Text, list[Text]] = {}
    for name, value in Headers(split_head(head)[2]).pairs:
        key = text(name.lower().encode("latin-1"))
        found.setdefault(key, []).append(text(value.encode("latin-1")))
    return found


def first_line(head: bytes, text: Callable[[bytes], Text]) -> list[Text]:
    r"""Return the words of the first line of a head, three of them at most.

    >>> first_line(b'HTTP/1.1 404 Not Found\r\n\r\n', bytes)
    [b'HTTP/1.1', b'404', b'Not Found']
    """
    return [text(word) for word in split_head(head)[0].strip().split(b" ", 2)]


def encapsulated(values: Iterable[Text], text: Callable[[bytes], Text]) -> dict[Text, int]:
    """Return the offsets in Encapsulated headers (RFC 3507, 4.4.1) that have been checked.

    >>> encapsulated([b'req-hdr=0, null-body=20'], bytes)
    {b'req-hdr': 0, b'null-body': 20}
    """
    offsets = {}
    for value in values:
        raw = value if isinstance(value, bytes) else value.encode("latin-1")
        for part in raw.lower().split(b","):
            name, _, offset = part.partition(b"=")
            if offset.strip().isdigit():
                offsets[text(name.strip())] = int(offset)
    return offsets


def printable(value: object) -> str:
    r"""Return what a log shows of `value`: bytes as text, and no control characters.

    >>> printable(b'GET \x1b[2J'), printable(204)
    ('GET \\x1b[2J', '204')
    """
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return text.translate(_ESCAPES)


def formatted(format: str, args: tuple[object, ...]) -> str:  # noqa: A002 - as logging calls it
    r"""Return a message with its arguments, or those of one mapping, as a log shows it.

    >>> formatted('%s: %d', (b'a\n', 7)), formatted('%(a)s', ({'a': 7},)), formatted('7%', ())
    ('a\\x0a: 7', '7', '7%')
    """
    shown: object = tuple(_shown(each) for each in args)
    if len(args) == 1 and isinstance(args[0], Mapping):
        shown = {key: _shown(each) for key, each in args[0].items()}
    return printable(format % shown if args else format)


def _shown(value: object) -> object:
    return value if isinstance(value, int | float) else printable(value)


def as_bytes(text: object, what: str = "a text") -> bytes:
    """Return text as it goes out; `what` it is stands in the error.

    Raises:
        MisuseError: it is no text, or has characters that are not in latin-1.
    """
    if isinstance(text, bytes):
        return text
    if isinstance(text, Preview):
        text = str(int(text))
    if not isinstance(text, str):
        raise MisuseError(f"{what} is bytes or a str, not {type(text).__name__}")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise MisuseError(f"{what} goes out in latin-1: encode what is not in it") from None


def as_text(text: object, what: str = "a text") -> str:
    """Return text as a str; see `as_bytes`."""
    return as_bytes(text, what).decode("latin-1")


def is_latin(text: str) -> bool:
    """Whether all of `text` can be sent as it is."""
    return all(letter <= "\xff" for letter in text)
