"""Hosts and URLs in one form, however they are written.

What lists hold and what clients ask for both go through here, so that no
spelling of a listed URL is another URL: the form is that of Safe Browsing, a
little stricter. Text is as it was on the wire, each byte one character.
"""

import re
import socket
import unicodedata
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Final
from urllib.parse import unquote_to_bytes

import idna

__all__ = ["END", "host_of", "key_of", "path_of", "reversed_key", "shown", "split_url"]

#: Ends the host in a key: what follows is a path, and what is listed up to here is this very host.
END: Final = b"\0"

#: How often percent signs are undone: whoever reads the URL later may undo them once more.
ROUNDS: Final = 4
#: A host can have 253 bytes (RFC 1035); percent signs and Unicode make them more.
LONGEST_HOST: Final = 2048
LONGEST_LABEL: Final = 63
LONGEST_CACHED: Final = 255

# Each byte is one character: what Unicode takes for a blank is part of another one.
_USUAL = re.compile(r"(?:[a-z0-9_-]+\.)*[a-z][a-z0-9-]*")
_PORT = re.compile(r":.*", re.DOTALL)
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/{2,}([^/?#\s]*)(.*)", re.DOTALL | re.ASCII)
_NO_SCHEME = re.compile(r"([^/?#\s]*)(.*)", re.DOTALL | re.ASCII)
_BLANKS = re.compile(r"[\x00-\x20\x7f]+")
_NUMBERS = re.compile(r"[0-9a-fx.]+")
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")


def split_url(url: str) -> tuple[str, str, str]:
    """Return (scheme, authority, the rest) of `url`; what it does not have is empty.

    >>> split_url('http://u:p@example.com:80/a?b')
    ('http', 'u:p@example.com:80', '/a?b')
    >>> split_url('example.com/a')
    ('', 'example.com', '/a')
    """
    if found := _URL.fullmatch(url):
        return found[1].lower(), found[2], found[3]
    found = _NO_SCHEME.fullmatch(url)
    assert found is not None  # noqa: S101 - for the type checker: it matches any text
    return "", found[1], found[2]


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
    r"""Return what is looked up for the host that `authority` names; nothing for none.

    The labels come in reverse, each with its dot, so that a domain is a prefix
    of all that is below it.

    >>> key_of('www.Example.com:80')
    b'com.example.www.\x00'
    """
    if len(authority) <= LONGEST_CACHED:
        return _cached_key(authority)
    return _key(authority)


def reversed_key(host: bytes) -> bytes:
    """Return the labels of `host`, which is no address, in reverse."""
    labels = host.split(b".")
    labels.reverse()
    labels.append(b"")
    return b".".join(labels)


def _key(authority: str) -> bytes:
    host = host_of(authority).encode("utf-8", "surrogateescape")
    if not host:
        return b""
    if b":" in host or _IPV4.fullmatch(host.decode("latin-1")):
        return host + b"." + END
    return reversed_key(host) + END


#: A browser asks for a few hosts again and again.
_cached_key = lru_cache(maxsize=8192)(_key)


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


def path_of(rest: str) -> bytes:
    r"""Return path and query as they are looked up: decoded, in lower case, the path resolved.

    >>> path_of('/a/./b//../%43?x=%2f#top'), path_of('?x'), path_of('\\a')
    (b'/a/c?x=/', b'/?x', b'/a')
    """
    rest = rest.partition("#")[0]
    path, mark, query = rest.partition("?")
    raw = _decoded(_BLANKS.sub("", path)).replace(b"\\", b"/")
    if b"//" in raw or b"/." in raw or not raw.startswith(b"/"):
        raw = _resolved(raw)
    found = raw + b"?" + _decoded(query) if mark else raw
    return found.lower() if found.isascii() else _lower(found)


def _resolved(path: bytes) -> bytes:
    """Return `path` without doubled slashes and steps that lead nowhere."""
    steps: list[bytes] = []
    *folders, last = path.split(b"/")
    if last in {b".", b".."}:
        folders, last = [*folders, last], b""
    for step in folders:
        if step == b"..":
            del steps[-1:]
        elif step not in {b"", b"."}:
            steps.append(step)
    return b"/" + b"".join(step + b"/" for step in steps) + last


def _decoded(text: str) -> bytes:
    """Return the bytes of `text` without percent signs, as often as they were put on."""
    raw = text.encode("latin-1", "replace")
    for _ in range(ROUNDS):
        if b"%" not in raw:
            break
        raw = unquote_to_bytes(raw)
    return raw


def _lower(raw: bytes) -> bytes:
    return raw.decode("utf-8", "surrogateescape").lower().encode("utf-8", "surrogateescape")


def _name(text: str) -> str:
    """Return a name, or an IPv4 address in one of its odd notations, in its one form."""
    if len(text) > LONGEST_HOST:
        return ""
    raw = _decoded(text)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    text = _BLANKS.sub("", text if text.isascii() else _mapped(text)).lower()
    labels = [_ascii(label) for label in text.split(".") if label]
    name = ".".join(labels)
    return _ipv4(name) or name


def _mapped(text: str) -> str:
    """Return what a browser makes of a name before it is encoded (UTS 46)."""
    try:
        return idna.uts46_remap(text, std3_rules=False, transitional=False)
    except idna.IDNAError:  # browsers would refuse it
        return unicodedata.normalize("NFKC", text).lower()


def _ascii(label: str) -> str:
    # Not idna.encode: browsers take more than it does, such as emoji.
    if label.isascii() or len(label) > LONGEST_LABEL:
        return label
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
