"""Who is behind a request, as the client's headers tell it.

The headers are those in use (X-Client-IP, X-Authenticated-User and -Groups,
X-Client-Username, X-Subscriber-ID), plain or in base64.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final

__all__ = ["client_ip", "groups", "user"]

#: The fields of an ICAP head by lower-case name, as the parser has them.
Fields = Mapping[str, bytes]

#: Headers that name the user; the first that is there counts.
USER: Final = ("x-authenticated-user", "x-client-username")

_PLAIN_NAME = re.compile(r"[A-Z]?[a-z]+[0-9]*|[A-Z]+[0-9]*|[0-9]+")
_DISTINGUISHED = re.compile(r"(?:^|[,/])[ \t]*[A-Za-z][A-Za-z0-9-]*=[^=,]")
_BEFORE_SCHEME = re.compile(r",(?=[ \t]*[A-Za-z][A-Za-z0-9+.-]*://)")


def client_ip(fields: Fields) -> str | None:
    """Return the address of the HTTP client, or None where it is not told."""
    return _value(fields, "x-client-ip") or None


def user(fields: Fields) -> str | None:
    """Return the name of the user, without scheme, or None where it is not told.

    >>> user({'x-authenticated-user': b'TG9jYWw6Ly9hbm4='})
    'ann'
    >>> user({'x-client-username': b'ann'})
    'ann'
    """
    for name in USER:
        if value := _value(fields, name):
            return _without_scheme(_plain(value))
    return _text(_value(fields, "x-subscriber-id")) or None


def groups(fields: Fields) -> tuple[str, ...]:
    """Return the names of the user's groups, without scheme.

    >>> groups({'x-authenticated-groups': b'TG9jYWw6Ly9zdGFmZg==, guests'})
    ('staff', 'guests')
    """
    value = _value(fields, "x-authenticated-groups")
    # A whole list may be encoded as one: it is split again.
    names = (name for word in _list(_text(value)) for name in _list(_plain(word)))
    return tuple(_without_scheme(name) for name in names)


def _value(fields: Fields, name: str) -> str:
    return fields.get(name, b"").decode("latin-1")


def _list(names: str) -> list[str]:
    """Split at commas, but not inside a distinguished name (``LDAP://host/cn=a,ou=b``)."""
    if _DISTINGUISHED.search(names) is None:
        words = names.split(",")
    elif "://" in names:
        words = _BEFORE_SCHEME.split(names)
    else:
        words = [names]
    return [word.strip() for word in words if word.strip()]


def _plain(text: str) -> str:
    """Return `text`, decoded if it is base64 of something printable.

    Some plain names are base64 as well: 'bill' would be 'n)e'. What looks like
    a name is one; encoded names hardly ever do, and never where they have a
    scheme, as X-Authenticated-User should.
    """
    if _PLAIN_NAME.fullmatch(text):
        return text
    try:
        decoded = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return _text(text)
    return decoded if decoded and decoded.isprintable() else text


def _text(value: str) -> str:
    """Return the value of a header as UTF-8, which names are sent in, if it is."""
    try:
        return value.encode("latin-1").decode()
    except ValueError:
        return value


def _without_scheme(name: str) -> str:
    return name.partition("://")[2] or name
