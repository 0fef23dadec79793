"""Hosts and URLs in one form, however they are written.

What lists hold and what clients ask for both go through here, so that no
spelling of a listed URL is another URL: the form is that of Safe Browsing, a
little stricter. Text is as it was on the wire, each byte one character.
"""

import re
import socket
import unicodedata
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Final

import idna

from zcadapt_urllist.paths import BLANKS, decoded

__all__ = [
    "END",
    "MOST_HOSTS",
    "host_bytes",
    "host_of",
    "key_of",
    "keys_of_authority",
    "read_url",
    "reversed_key",
    "shown",
    "split_url",
]

#: Ends the host in a key: what follows is a path, and what is listed up to here is this very host.
END: Final = b"\0"

#: A host can have 253 bytes (RFC 1035). Of more the end is looked up.
LONGEST_HOST: Final = 256
#: How much of either end of a host is brought into Unicode's one form, which makes
#: it shorter by half at most, and may take the square of it.
LONGEST_SPELLING: Final = 2 * LONGEST_HOST
#: Who names more hosts than this lies, as does who writes that much: no more are looked for.
MOST_HOSTS: Final = 8
LONGEST_AUTHORITY: Final = 4096
LONGEST_LABEL: Final = 63
LONGEST_CACHED: Final = 255
#: How many pieces of an authority are looked up at either end of it.
MOST_PIECES: Final = 4
#: What a NAT64 translator puts before an IPv4 address (RFC 6052, 2.1).
NAT64: Final = int(IPv6Address("64:ff9b::")) >> 32

# Each byte is one character: what Unicode takes for a blank is part of another one.
_USUAL = re.compile(r"(?:[a-z0-9_-]+\.)*[a-z][a-z0-9-]*")
_USUAL_URL = re.compile(
    r"(https?)://((?:[a-z0-9_-]+\.)*[a-z][a-z0-9-]*)(?::[0-9]*)?((?:[/?#].*)?)", re.DOTALL
)
_PORT = re.compile(r":.*", re.DOTALL)
_URL = re.compile(
    r"(?:([a-z][a-z0-9+.-]*):[/\\]{2,}|(https?|ftp|wss?):[/\\]?)([^/?#]*)(.*)",
    re.DOTALL | re.IGNORECASE,
)
_NO_SCHEME = re.compile(r"([^/?#]*)(.*)", re.DOTALL)
_ONE_WAY = re.compile(r"[^:]*://[^/\\]", re.DOTALL)
#: What ends a host to somebody, and what may become such a thing.
_CUT = re.compile(r"[/?#\\\x00-\x20\x7f]+")
_ODD = re.compile(r"[%/?#\\]|[^!-~]")
_NUMBERS = re.compile(r"[0-9a-fx.]+")
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
#: What browsers drop from a name (UTS 46), and zeros and dots that say nothing.
_DROPPED = re.compile(
    "[\xad\u034f\u180b-\u180d\u180f\u200b\u2060\u2064\ufe00-\ufe0f\ufeff"
    "\U0001bca0-\U0001bca3\U000e0100-\U000e01ef]+"
)
_DOTS = re.compile(r"[.\u3002]{2,}")
_ZEROS = re.compile(r"(?<![0-9A-Za-z])(0[xX]|0)0+(?=[0-9A-Fa-f])")


def split_url(url: str) -> tuple[str, str, str]:
    """Return (scheme, authority, the rest) of `url`; what it does not have is empty.

    >>> split_url('http://u:p@example.com:80/a?b')
    ('http', 'u:p@example.com:80', '/a?b')
    >>> split_url('example.com/a')
    ('', 'example.com', '/a')
    """
    if found := _URL.fullmatch(url):
        return (found[1] or found[2]).lower(), found[3], found[4]
    found = _NO_SCHEME.fullmatch(url)
    assert found is not None  # noqa: S101 - for the type checker: it matches any text
    return "", found[1], found[2]


def read_url(url: str) -> tuple[str, tuple[bytes, ...], tuple[str, ...]]:
    r"""Return the scheme of `url`, the keys of the hosts it may name, and what may follow them.

    Most URLs can be read in one way only. Of others all ways are told.

    >>> read_url('http://example.com/a')
    ('http', (b'com.example.\x00',), ('/a',))
    >>> read_url(r'http://a.example\@b.example/')
    ('http', (b'example.a.\x00', b'example.b.\x00'), ('/', '\\@b.example/'))
    """
    if found := _USUAL_URL.fullmatch(url):
        return found[1], (_usual_key(found[2]),), (found[3],)
    keys: dict[bytes, None] = {}
    rests: dict[str, None] = {}
    for text in dict.fromkeys((url, BLANKS.sub("", url))):  # browsers drop them
        scheme, authority, rest = split_url(text)
        named = keys_of_authority(authority)
        if b"" in named:
            return scheme, named, (rest,)
        keys.update(dict.fromkeys(named))
        rests[rest] = None
        undone = decoded(authority).decode("latin-1").lstrip("/\\")
        if cut := _CUT.search(undone):
            rests[undone[cut.start() :] + rest] = None
        if scheme and not _ONE_WAY.match(text):  # http:/a is a path to some
            rests["/" + text[len(scheme) + 1 :]] = None
    return scheme, tuple(keys), tuple(rests)


def host_of(authority: str) -> str:
    r"""Return the host that `authority` names, in the form in which it is looked up.

    Without user, port, brackets and final dot, in lower case and ASCII, an
    address as it is usually written. What is no host gives a text that no list
    holds.

    >>> host_of('me@WWW.Example.COM.:8080'), host_of('%65xample.com'), host_of('0x7f.1')
    ('www.example.com', 'example.com', '127.0.0.1')
    >>> host_of('[::FFFF:192.0.2.1]:80'), host_of('b\xc3\xbccher.example')
    ('192.0.2.1', 'xn--bcher-kva.example')
    """
    text = authority.rpartition("@")[2]
    if text.startswith("["):
        text = text[1:].partition("]")[0]
        return _ipv6(text) or _name(text)
    if text.count(":") > 1 and (address := _ipv6(text)):
        return address
    text = _PORT.sub("", text)
    return text if _USUAL.fullmatch(text) else _name(text)


def key_of(authority: str) -> bytes:
    r"""Return what stands for the host that `authority` names; nothing for none.

    The labels come in reverse, each with its dot, so that a domain is a prefix
    of all that is below it.

    >>> key_of('www.Example.com:80')
    b'com.example.www.\x00'
    """
    return _key(host_of(authority))


def keys_of_authority(authority: str) -> tuple[bytes, ...]:
    r"""Return what is looked up for `authority`: the keys of all hosts that it names to somebody.

    Some end it at a backslash, some undo percent signs before they look for
    its end, and some addresses are another one's on the way. One that is too
    long to be looked at has the empty key.

    >>> keys_of_authority('example.com:80'), keys_of_authority(r'a.example\b.example')
    ((b'com.example.\x00',), (b'example.a.\x00', b'example.b.\x00'))
    >>> keys_of_authority('[64:ff9b::192.0.2.1]')
    (b'64:ff9b::c000:201.\x00', b'192.0.2.1.\x00')
    """
    if len(authority) <= LONGEST_CACHED:
        return _cached_keys(authority)
    return _keys(authority) if len(authority) <= LONGEST_AUTHORITY else (b"",)


def reversed_key(host: bytes) -> bytes:
    """Return the labels of `host`, which is no address, in reverse."""
    labels = host.split(b".")
    labels.reverse()
    labels.append(b"")
    return b".".join(labels)


def _usual_key(host: str) -> bytes:
    labels = host.encode().split(b".")
    labels.reverse()
    labels.append(END)
    return b".".join(labels)


def _key(host: str) -> bytes:
    raw = host.encode("utf-8", "surrogateescape")
    if not raw:
        return b""
    if ":" in host or _IPV4.fullmatch(host):
        return raw + b"." + END
    return reversed_key(raw) + END


def _keys(authority: str) -> tuple[bytes, ...]:
    if _USUAL.fullmatch(authority):
        return (_usual_key(authority),)
    found: dict[bytes, None] = {}
    for piece in _pieces(authority):
        host = host_of(piece)
        found[_key(host)] = None
        if ":" in host:
            found[_key(_embedded(host))] = None
        if len(found) > MOST_HOSTS + 1:  # one may be empty
            break
    found.pop(b"", None)
    return tuple(found)


#: A browser asks for a few hosts again and again.
_cached_keys = lru_cache(maxsize=8192)(_keys)


def _pieces(authority: str) -> list[str]:
    """Return what may be the authority, each with user and port, to one reader or another."""
    if not _ODD.search(authority):
        return [authority]
    raw = decoded(authority)
    texts = [authority, raw.decode("latin-1")]
    with suppress(UnicodeDecodeError):
        texts.append(_normalised(raw.decode()).encode().decode("latin-1"))
    found: dict[str, None] = {}
    for text in dict.fromkeys(texts):
        for each in dict.fromkeys((text, BLANKS.sub("", text))):
            pieces = [piece for piece in _CUT.split(each) if piece]
            found.update(dict.fromkeys(pieces[:MOST_PIECES] + pieces[-MOST_PIECES:]))
    return list(found)


def host_bytes(key: bytes) -> bytes:
    r"""Return the host whose key is `key`; as `shown`, in less time.

    >>> host_bytes(b'com.example.\0'), host_bytes(b'192.0.2.1.\0')
    (b'example.com', b'192.0.2.1')
    """
    if key[:1].isdigit() or b":" in key:  # perhaps an address
        return shown(key).encode("utf-8", "replace")
    labels = key[:-2].split(b".")
    labels.reverse()
    return b".".join(labels)


def shown(key: bytes) -> str:
    r"""Return a key as people write it.

    >>> shown(b'com.example.'), shown(b'com.example.\0/a'), shown(b'192.0.2.1.\0')
    ('example.com', 'example.com/a', '192.0.2.1')
    """
    name, _, path = key.partition(END)
    host = name.decode("utf-8", "replace").rstrip(".")
    if ":" not in host and not _IPV4.fullmatch(host):
        host = ".".join(reversed(host.split(".")))
    return host + path.decode("utf-8", "replace")


def _name(text: str) -> str:
    """Return a name, or an IPv4 address in one of its odd notations, in its one form."""
    raw = decoded(text)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    if len(text) > LONGEST_HOST:
        text = _shortened(text)
    if not text.isascii():
        text = _mapped(text)[-LONGEST_HOST:]  # it may be longer now
    labels = [_ascii(label) for label in BLANKS.sub("", text).lower().split(".") if label]
    name = ".".join(labels)
    return _ipv4(name) or name


def _shortened(text: str) -> str:
    """Return a name that is too long to be one: its end, without what says nothing."""
    text = unicodedata.normalize("NFKC", _bare(text)[-LONGEST_SPELLING:])
    return _bare(text)[-LONGEST_HOST:]


def _bare(text: str) -> str:
    """Return a name without what says nothing."""
    text = _DROPPED.sub("", BLANKS.sub("", text))
    return _ZEROS.sub(r"\1", _DOTS.sub(".", text))


def _normalised(text: str) -> str:
    """Return `text` with characters that are the same made one; of a long one both ends."""
    text = _DROPPED.sub("", text)
    if len(text) > 2 * LONGEST_SPELLING:
        text = text[:LONGEST_SPELLING] + "/" + text[-LONGEST_SPELLING:]
    return unicodedata.normalize("NFKC", text)


def _mapped(text: str) -> str:
    """Return what a browser makes of a name before it is encoded (UTS 46)."""
    try:
        return idna.uts46_remap(text, std3_rules=False, transitional=False)
    except idna.IDNAError:  # browsers would refuse it; `_pieces` has other forms of it
        return text


def _ascii(label: str) -> str:
    # Not idna.encode: browsers take more than it does, such as emoji.
    if label.isascii() or len(label) > LONGEST_LABEL:
        return label
    return _encoded(label)


@lru_cache(maxsize=1024)  # a host that is written in several ways has the same labels in all
def _encoded(label: str) -> str:
    return "xn--" + label.encode("punycode").decode()


def _ipv4(name: str) -> str:
    """Return the address that `name` is as inet_aton(3) reads it; empty where it is none."""
    last = name.rpartition(".")[2]
    if not last[:1].isdigit() or not _NUMBERS.fullmatch(name):
        return ""
    try:
        return socket.inet_ntoa(socket.inet_aton(name))
    except OSError:
        return ""


def _ipv6(text: str) -> str:
    """Return an IPv6 address in its one form, without its zone; empty where it is none."""
    try:
        address = IPv6Address(text.partition("%")[0])
    except ValueError:
        return ""
    return str(address.ipv4_mapped or address)


def _embedded(host: str) -> str:
    """Return the IPv4 address to which the IPv6 address `host` leads; empty where to none.

    Through a translator (RFC 6052), by 6to4 (RFC 3056), or because it is an
    IPv4-compatible one (RFC 4291, 2.5.5.1).
    """
    try:
        address = IPv6Address(host)
    except ValueError:
        return ""
    if address.sixtofour is not None:
        return str(address.sixtofour)
    begin, last = divmod(int(address), 1 << 32)
    is_one = begin == NAT64 or (begin == 0 and last > 0xFFFF)  # noqa: PLR2004 - ::1 is none
    return str(IPv4Address(last)) if is_one else ""
