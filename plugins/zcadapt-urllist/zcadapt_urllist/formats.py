"""The formats of lists: what a line says, as keys.

A parser takes a line without its end and returns the keys it makes; none for
a comment. Each key begins with what kind it is of: a host's with the host
itself, an exception's with `EXCEPTION`, an expression's with `EXPRESSION`, and
that of a URL in its strict form with `STRICT`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from typing import Final

import re2  # type: ignore[import-untyped]

from zcadapt_urllist.canonical import (
    END,
    host_of,
    key_of,
    reversed_key,
    shown,
    split_url,
)
from zcadapt_urllist.paths import path_of, strict_path_of

__all__ = [
    "EXCEPTION",
    "EXPRESSION",
    "PARSERS",
    "STRICT",
    "TOO_MANY",
    "NotForUsError",
    "PartError",
    "expression_options",
    "guess",
    "size_of",
    "told",
]

EXCEPTION: Final = b"\x01"
EXPRESSION: Final = b"\x02"
STRICT: Final = b"\x03"
#: What is found for who names more hosts than are looked up; no list has it.
TOO_MANY: Final = b"\x04"

Keys = Sequence[bytes]
Parser = Callable[[bytes], Keys]

_PLAIN = re.compile(rb"[a-z0-9_][a-z0-9_-]*(?:\.[a-z0-9_-]+)*\.[a-z][a-z0-9-]*")
_HOST = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_MASK = re.compile(r"[^:]*/\d{1,2}|.*:.*/\d{1,3}")
_COMMENT = re.compile(rb"(?:^|[ \t])#.*", re.DOTALL)
_NO_HOST = re.compile(r":(?!\d*$)|[\x00-\x20\x7f]", re.ASCII)
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_ANCHORED = re.compile(rb"(@@)?\|\|(?:\*\.)?([^/^*|$:]+)\^?\|?(?:\$(.*))?")
_COSMETIC = re.compile(rb"#[@?$%]*#")
_TOLD: Final = {EXPRESSION: "an expression", TOO_MANY: "Who names so many hosts"}
_NO_URL = re.compile(r"[\s#]", re.ASCII)
_OPTION = re.compile(r"-[^.\s]*(?:\s.*)?")
_WILDCARD = re.compile(r"(?:\*?\.)*")

#: Options that make an Adblock rule no narrower, to a proxy.
HARMLESS: Final = frozenset({b"all", b"important"})
LONGEST_HOST: Final = 253
LONGEST_EXPRESSION: Final = 4096
#: How many instructions RE2's program of an expression may have: about one for
#: each of its bytes, but ``.{900}`` has 1800.
LARGEST_PROGRAM: Final = 5000
#: What a program and its states may take; with more the worst would take as long.
EXPRESSION_MEMORY: Final = 16 * 1024 * 1024
#: The parts of an address in a list: requests may have it in other ways.
PARTS: Final = 4


class NotForUsError(ValueError):
    """A line is right, and says something that only a browser can do."""


class PartError(ValueError):
    """A part of a line cannot be read.

    Attributes:
        keys: what the other parts say.
    """

    def __init__(self, message: str, keys: Keys) -> None:
        super().__init__(message)
        self.keys = keys


def domains(line: bytes) -> Keys:
    r"""A domain a line, which stands for all below it; a URL stands for what begins so.

    >>> domains(b'Example.com'), domains(b'.example.com # all of it')
    ((b'com.example.',), (b'com.example.',))
    >>> domains(b'http://www.example.com/ads/')
    (b'com.example.www.\x00/ads/', b'\x03com.example.www.\x00/ads/',
     b'com.example.\x00/ads/', b'\x03com.example.\x00/ads/')
    """
    lower = line.lower()
    if _PLAIN.fullmatch(lower):
        return (reversed_key(lower),)
    text = _without_comment(line)
    if not text:
        return ()
    scheme, authority, rest = split_url(text)
    if scheme or rest or _NO_URL.search(text):
        return _url(text)
    return (_domain(authority),)


def dstdomain(line: bytes) -> Keys:
    r"""As Squid's: a host, or after a dot a domain with all below it.

    >>> dstdomain(b'example.com'), dstdomain(b'.example.com')
    ((b'com.example.\x00',), (b'com.example.',))
    """
    text = _without_comment(line)
    if not text:
        return ()
    if _OPTION.fullmatch(text):
        raise ValueError("an option; lists have none")
    if text.startswith((".", "*.")):
        return (_domain(text),)
    if any(split_url(text)[::2]):
        raise ValueError("a URL; a line of this format is a host")
    return (_host(text) + END,)


def urls(line: bytes) -> Keys:
    r"""A URL a line, without scheme as a rule; with and without ``www.`` it is the same.

    >>> urls(b'example.com/Ann')
    (b'com.example.\x00/ann', b'\x03com.example.\x00/Ann',
     b'com.example.www.\x00/ann', b'\x03com.example.www.\x00/Ann')
    """
    text = _without_comment(line)
    return _url(text) if text else ()


def hosts(line: bytes) -> Keys:
    r"""An address, then hosts, as in /etc/hosts; names without a dot are this machine's own.

    >>> hosts(b'0.0.0.0 ads.example.com ads.example.net # both')
    (b'com.example.ads.\x00', b'net.example.ads.\x00')
    """
    words = _text(line.partition(b"#")[0]).split()
    if not words:
        return ()
    if not _is_address(words[0]):
        raise ValueError("it does not begin with an address")
    found: list[bytes] = []
    broken: list[str] = []
    for each in words[1:]:
        if "." not in each.rstrip(".") or _is_address(each) or each == "localhost.localdomain":
            continue
        try:
            found.append(_host(each) + END)
        except ValueError:
            broken.append(each)
    if broken:
        raise PartError(f"not a host: {' '.join(broken)[:LONGEST_HOST]!a}", found)
    return tuple(found)


def expressions(line: bytes) -> Keys:
    """A regular expression a line (RE2's syntax), found anywhere in a URL."""
    pattern = line.strip()
    if not pattern or pattern.startswith(b"#"):
        return ()
    if len(pattern) > LONGEST_EXPRESSION:
        raise ValueError(f"an expression has {LONGEST_EXPRESSION} bytes at most")
    try:
        compiled = re2.compile(pattern, expression_options())
        re2.compile(b"(?:%s)" % pattern, expression_options())  # as it is used, among others
    except re2.error as error:
        why = error.args[0] if error.args else error
        text = why.decode("utf-8", "replace") if isinstance(why, bytes) else why
        raise ValueError(f"not an expression: {text}") from error
    if compiled.search(b"") is not None:
        raise ValueError("it would fit every URL: it can be nothing at all")
    if compiled.programsize > LARGEST_PROGRAM:
        raise ValueError(f"an expression makes {LARGEST_PROGRAM} instructions at most")
    return (EXPRESSION + pattern,)


def size_of(pattern: bytes) -> int:
    """Return how many instructions the program of an expression has."""
    size: int = re2.compile(pattern, expression_options()).programsize
    return size


def adblock(line: bytes) -> Keys:
    r"""The network rules that name a domain and no more: ``||example.com^``, ``@@||example.com^``.

    A domain alone is one too: lists have ``!`` before comments, and plain domains.

    >>> adblock(b'||ads.example.com^'), adblock(b'@@||example.com^$important')
    ((b'com.example.ads.',), (b'\x01com.example.',))
    """
    text = line.strip()
    if not text or text.startswith((b"!", b"[")):
        return ()
    if _PLAIN.fullmatch(lower := text.lower()):
        return (reversed_key(lower),)
    found = None if _COSMETIC.search(text) else _ANCHORED.fullmatch(text)
    if found is None:
        raise NotForUsError("not a rule that names a domain and no more")
    if found[3] and not HARMLESS.issuperset(found[3].split(b",")):
        raise NotForUsError("its options are for a browser")
    return ((EXCEPTION if found[1] else b"") + _domain(_text(found[2]).lstrip(".")),)


PARSERS: Final[Mapping[str, Parser]] = {
    "domains": domains,
    "hosts": hosts,
    "dstdomain": dstdomain,
    "urls": urls,
    "expressions": expressions,
    "adblock": adblock,
}


def guess(lines: Sequence[bytes]) -> str:
    """Return the format that the first lines of a file are most likely written in."""
    for line in lines:
        text = line.strip()
        if text.startswith((b"!", b"[Adblock", b"||", b"@@||")):
            return "adblock"
        words = _words(text)
        if len(words) > 1 and _is_address(words[0]):
            return "hosts"
    return "domains"


def told(found: bytes) -> str:
    """Return what `Store.find` has found as people read it.

    >>> told(b'com.example.'), told(EXPRESSION)
    ('example.com', 'an expression')
    """
    return _TOLD.get(found) or shown(found)


def expression_options() -> re2.Options:
    """Return how expressions are read: in any case, byte by byte, with bounded memory.

    What their groups have found nobody asks for.
    """
    options = re2.Options()
    options.case_sensitive = False
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.never_capture = True
    options.max_mem = EXPRESSION_MEMORY
    return options


def _without_comment(line: bytes) -> str:
    return _text(_COMMENT.sub(b"", line).strip())


def _words(line: bytes) -> list[str]:
    return [_text(word) for word in _COMMENT.sub(b"", line).split()]


def _text(line: bytes) -> str:
    """Return a line as it would be on the wire, each byte one character."""
    return line.decode("latin-1")


def _domain(text: str) -> bytes:
    """Return the key of a domain and of all below it; of an address its own."""
    front = _WILDCARD.match(text)
    assert front is not None  # noqa: S101 - for the type checker: it matches any text
    key = _host(text[front.end() :])
    if key.count(b".") == 1 and b":" not in key and front[0] not in {".", "*."}:
        raise ValueError("a name without a dot: that would be a whole top-level domain")
    return key


def _host(text: str) -> bytes:
    """Return the key of a host, without what ends it."""
    if "@" in text:
        raise ValueError("a user, perhaps of mail: not a host")
    is_ipv6 = ":" in text and _is_address(text)
    name = host_of(f"[{text}]" if is_ipv6 else text)
    is_bare = is_ipv6 or text.startswith("[")
    if not is_bare and _NO_HOST.search(text):
        raise ValueError("not a host")
    if _is_address(name):
        if not is_bare and len(text.partition(":")[0].rstrip(".").split(".")) != PARTS:
            raise ValueError("an address has four parts")
    elif not _HOST.fullmatch(name) or len(name) > LONGEST_HOST:
        raise ValueError("not a host")
    return key_of(f"[{name}]" if ":" in name else name).removesuffix(END)


def _url(text: str) -> Keys:
    if _NO_URL.search(text):
        raise ValueError("not a URL")
    scheme, authority, rest = split_url(text)
    if scheme:
        authority = authority.rpartition("@")[2]
    elif _is_network(authority, rest):
        raise ValueError("a network; lists hold hosts and URLs")
    host, path, strict = _host(authority), path_of(rest), strict_path_of(rest)
    if _CONTROL.search(path):
        raise ValueError("not a URL: it has control characters")
    hosts = [host] if _is_address(shown(host)) else [host, _twin(host)]
    if path == b"/":
        if rest not in {"", "/"}:
            raise ValueError("its path leads back to the whole host")
        return tuple(each + END for each in hosts)
    keys = [(each + END + path, STRICT + each + END + strict) for each in hosts]
    return tuple(key for pair in keys for key in pair[: 1 + bool(strict)])


def _is_network(authority: str, rest: str) -> bool:
    """Whether that is an address and a mask, as ``10.0.0.0/8`` or ``10.0.0.0/255.0.0.0``."""
    is_mask = _MASK.fullmatch(authority + rest) or _is_address(rest[1:])
    return bool(is_mask) and _is_address(authority.strip("[]"))


def _twin(host: bytes) -> bytes:
    """Return the key of a host with ``www.`` in front, or without it where it was there."""
    labels = host.split(b".")[:-1]
    return host.removesuffix(b"www.") if labels[1:] and labels[-1] == b"www" else host + b"www."


def _is_address(text: str) -> bool:
    if not _ADDRESS.fullmatch(text) and ":" not in text:
        return False
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True
