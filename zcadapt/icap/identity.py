"""Who is behind a request, as the client's headers tell it.

The headers are those in use (X-Client-IP, X-Authenticated-User and -Groups,
X-Client-Username, X-Subscriber-ID), plain or in base64.
"""

import base64
import binascii

from zcadapt.icap.headers import Headers

__all__ = ["client_ip", "groups", "user"]


def client_ip(headers: Headers) -> str | None:
    """Return the address of the HTTP client, or None where it is not told."""
    return headers.get("x-client-ip", "").strip() or None


def user(headers: Headers) -> str | None:
    r"""Return the name of the user, without scheme, or None where it is not told.

    >>> user(Headers(b'X-Authenticated-User: TG9jYWw6Ly9hbm4=\r\n'))
    'ann'
    >>> user(Headers(b'X-Client-Username: ann\r\n'))
    'ann'
    """
    for name in ("x-authenticated-user", "x-client-username", "x-subscriber-id"):
        if value := headers.get(name, "").strip():
            return _without_scheme(_plain(value))
    return None


def groups(headers: Headers) -> tuple[str, ...]:
    """Return the names of the user's groups, without scheme."""
    value = headers.get("x-authenticated-groups", "")
    names = (_plain(word.strip()) for word in value.split(","))
    # A whole list may be encoded as one: it is split again.
    split = (part.strip() for name in names for part in _list(name))
    return tuple(_without_scheme(name) for name in split if name)


def _list(names: str) -> list[str]:
    """Split at commas, but not inside a distinguished name (``LDAP://host/cn=a,ou=b``)."""
    if names.count("://") <= 1 and "=" in names:
        return [names]
    return names.split(",")


def _plain(text: str) -> str:
    """Return `text`, decoded if it is base64 of something printable.

    A plain name is hardly ever base64 of printable UTF-8; where it is, the
    client had better encode its names.
    """
    try:
        decoded = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return text
    return decoded if decoded and decoded.isprintable() else text


def _without_scheme(name: str) -> str:
    return name.partition("://")[2] or name
