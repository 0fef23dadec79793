"""Paths in one form, however they are written; and percent signs undone.

Of each there are two forms: as it is blocked, which is the same for whatever
anybody could take for the same, and as it is allowed, which is its own.
"""

import re
from typing import Final

__all__ = ["BLANKS", "decoded", "path_of", "strict_path_of"]

#: How often percent signs are undone: whoever reads the URL later may undo them once more.
ROUNDS: Final = 4

BLANKS: Final = re.compile(r"[\x00-\x20\x7f]+")
#: What makes a path one that has to be read; a usual one is as it is, but for its case.
_ODD = re.compile(r'[^!"$&-\[\]-~]')
_STRICT = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@/?\[\]-]*")
_HEX: Final = "0123456789abcdefABCDEF"
_PAIRS = re.compile(r"%[0-9A-Fa-f]{2}")
_OCTETS = re.compile(rb"%[0-9A-Fa-f]{2}")
_UNDONE: Final = {
    f"%{high}{low}".encode(): bytes.fromhex(high + low) for high in _HEX for low in _HEX
}
#: The same where it does not matter (RFC 3986, 2.3), and in upper case where it does.
_REQUOTED: Final = {
    pair.decode(): octet.decode()
    if re.fullmatch(rb"[A-Za-z0-9._~-]", octet)
    else pair.decode().upper()
    for pair, octet in _UNDONE.items()
}
#: What each character of a path is to be written as.
_QUOTED: Final = [
    chr(code) if code == ord("%") or _STRICT.fullmatch("/" + chr(code)) else f"%{code:02X}"
    for code in range(256)
]


def path_of(rest: str) -> bytes:
    r"""Return path and query as they are looked up: decoded, in lower case, the path resolved.

    >>> path_of('/a/./b//../%43?x=%2f#top'), path_of('?x'), path_of('\\a')
    (b'/a/c?x=/', b'/?x', b'/a')
    """
    if rest[:1] == "/" and not _ODD.search(rest) and "//" not in rest and "/." not in rest:
        return rest.encode().lower()
    rest = rest.partition("#")[0]
    path, mark, query = rest.partition("?")
    raw = decoded(BLANKS.sub("", path)).replace(b"\\", b"/")
    if b"//" in raw or b"/." in raw or not raw.startswith(b"/"):
        raw = _resolved(raw)
    found = raw + b"?" + decoded(query) if mark else raw
    return found.lower() if found.isascii() else _lower(found)


def strict_path_of(rest: str) -> bytes:
    r"""Return path and query in the form in which they are allowed: as servers have to read them.

    That is RFC 3986's (6.2.2): in its own case, percent signs undone where
    they do not matter. Empty where some would take it for another path: it
    steps upwards, has backslashes, blanks or a fragment, or hides what it has.

    >>> strict_path_of('/%7Eann/B%2fc?x=%41'), strict_path_of('/a/%252e%252e/b'), strict_path_of('')
    (b'/~ann/B%2Fc?x=A', b'', b'/')
    """
    if _STRICT.fullmatch(rest) and "/.." not in rest:
        return rest.encode()
    if "#" in rest or BLANKS.search(rest):
        return b""
    raw = b"/" + decoded(rest.partition("?")[0])
    if b"\\" in raw or b"/.." in raw or _OCTETS.search(raw):
        return b""
    text = _PAIRS.sub(lambda found: _REQUOTED[found[0]], rest if rest[:1] == "/" else "/" + rest)
    return text.translate(_QUOTED).encode("ascii", "replace")


def decoded(text: str) -> bytes:
    """Return the bytes of `text` without percent signs, as often as they were put on.

    >>> decoded('%2541%zz%')
    b'A%zz%'
    """
    raw = text.encode("latin-1", "replace")
    for _ in range(ROUNDS):
        if b"%" not in raw:
            break
        # Not unquote_to_bytes: signs that stand for nothing would take it much longer.
        raw = _OCTETS.sub(lambda found: _UNDONE[found[0]], raw)
    return raw


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


def _lower(raw: bytes) -> bytes:
    return raw.decode("utf-8", "surrogateescape").lower().encode("utf-8", "surrogateescape")
