"""Header fields as they came: case-insensitive to read, byte-exact when untouched.

Lenient, since the fields of an encapsulated message belong to somebody else:
a line that is no field is kept, and is not found under any name.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property

__all__ = ["Headers", "edited", "split_head"]

SPACE = " \t\r\n"

Pairs = tuple[tuple[str, str], ...]


class Headers(Mapping[str, str]):
    r"""The fields of one head, from the bytes between its first line and its blank line.

    >>> headers = Headers(b'Host: example.com\r\nAccept: a\r\naccept: b\r\n')
    >>> headers['HOST'], headers['accept'], headers.get_all('accept')
    ('example.com', 'a, b', ['a', 'b'])
    >>> list(headers.pairs)
    [('Host', 'example.com'), ('Accept', 'a'), ('accept', 'b')]

    Attributes:
        block: these bytes.
    """

    def __init__(self, block: bytes = b"") -> None:
        self.block = block

    @cached_property
    def pairs(self) -> Pairs:
        """All fields in their order, names as they were written."""
        return tuple(_pairs(self.block))

    @cached_property
    def _index(self) -> dict[str, list[str]]:
        index: dict[str, list[str]] = {}
        for name, value in self.pairs:
            index.setdefault(name.lower(), []).append(value)
        return index

    def get_all(self, name: str) -> list[str]:
        """Return the value of each field called `name`; none: an empty list."""
        return list(self._index.get(name.lower(), ()))

    def __getitem__(self, name: str) -> str:
        """Return the values of `name`, joined as RFC 9110, 5.3 says; KeyError without."""
        return ", ".join(self._index[name.lower()])

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._index

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._index)

    def __repr__(self) -> str:
        return f"Headers({self.block!r})"


#: A field with its folded continuations, line ends included.
_LINE = re.compile(rb"[^\n]*\n(?:[ \t][^\n]*\n?)*|[^\n]+")
_LINE_END = re.compile(r"\r?\n")


def _pairs(block: bytes) -> Iterator[tuple[str, str]]:
    for line in _LINE.findall(block):
        name, colon, value = line.decode("latin-1").partition(":")
        if colon and (name := name.strip(SPACE)):
            yield name, _LINE_END.sub("", value).strip(SPACE)


def split_head(raw: bytes) -> tuple[bytes, bytes, bytes]:
    r"""Return (first line, its end, the fields) of a head with its blank line.

    >>> split_head(b'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    (b'GET / HTTP/1.1', b'\r\n', b'Host: a\r\n')
    """
    first, end, rest = raw.partition(b"\n")
    line = first.removesuffix(b"\r")
    return line, first[len(line) :] + end, rest.removesuffix(b"\r\n")


def edited(
    block: bytes,
    *,
    remove: tuple[str, ...] = (),
    replace: Pairs = (),
    add: Pairs = (),
) -> bytes:
    r"""Return `block` with fields removed, then replaced or else added, then added.

    What is not named stays as it is, to the byte. A replacement stands where
    the first field of its name stood.

    >>> edited(b'A: 1\r\nB:2\r\na: 3\r\n', replace=(('A', '4'),))
    b'A: 4\r\nB:2\r\n'
    """
    gone = {name.lower() for name in remove}
    new: dict[str, list[bytes]] = {}
    for name, value in replace:
        new.setdefault(name.lower(), []).append(_line(name, value))
    placed: set[str] = set()
    out = []
    for line in _LINE.findall(block):
        name, colon, _ = line.decode("latin-1").partition(":")
        name = name.strip(SPACE).lower()
        if not colon or (name not in new and name not in gone):
            out.append(line)
        elif name in new and name not in placed and name not in gone:
            placed.add(name)
            out += new[name]
    last = [line for name, lines in new.items() if name not in placed for line in lines]
    last += [_line(name, value) for name, value in add]
    if last and out and not out[-1].endswith(b"\n"):
        out.append(b"\r\n")
    return b"".join(out + last)


def _line(name: str, value: str) -> bytes:
    return f"{name}: {value}\r\n".encode("latin-1")
