r"""What is told of a scan: decisions, and the headers that ICAP clients read.

>>> dict(headers([Finding('Eicar', 'a.exe')]))['X-Infection-Found']
'Type=0; Resolution=2; Threat=Eicar;'
>>> dict(headers([Finding('Eicar', 'a.exe')]))['X-Violations-Found']
'1\r\n\ta.exe\r\n\tEicar\r\n\t0\r\n\t0'
"""

from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

from zcadapt import Allow, Request, Respond, allow, block
from zcadapt_clamav.troubles import OUTCOME, TEXTS, Trouble

__all__ = ["Finding", "allowed", "blocked", "headers", "infected", "listed"]

#: How many findings are told of; g3proxy takes heads of 8 KiB.
MOST: Final = 10
#: How long each name may be.
LONGEST: Final = 150
#: Printable, and neither space nor semicolon: such a word stands in any header.
_WORD: Final = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != ";")

#: Types in X-Infection-Found: a virus; a container that cannot be looked into.
VIRUS: Final = 0
CONTAINER: Final = 2
#: A resolution in X-Infection-Found.
BLOCKED: Final = 2


class Finding(NamedTuple):
    """What was found, and in which file; empty where that has no name."""

    threat: str
    name: str = ""

    def __str__(self) -> str:
        return f"{shown(self.threat)} in {shown(self.name)}" if self.name else shown(self.threat)


def word(text: str) -> str:
    """Return `text` as it can stand in a header: without blanks, ``%`` before the rest.

    >>> word('a b;é.exe'), word(' ')
    ('a%20b%3B%C3%A9.exe', '-')
    """
    told = ""
    for char in text.strip()[:LONGEST]:
        written = quote(char, safe=_WORD)
        if len(told) + len(written) > LONGEST:
            break
        told += written
    return told or "-"


def shown(text: str) -> str:
    r"""Return `text` as people can read it: one line, in the direction it is written in.

    >>> shown('müller brief\u202e.exe\n')
    'müller brief\ufffd.exe'
    """
    return "".join(c if c.isprintable() else "\ufffd" for c in text.strip()[:LONGEST])


def listed(findings: Sequence[Finding]) -> str:
    """Return some findings for people to read, and how many more there are."""
    more = len(findings) - MOST
    names = ", ".join(map(str, findings[:MOST]))
    return f"{names} and {more} more" if more > 0 else names


def headers(findings: Sequence[Finding], kind: int = VIRUS) -> tuple[tuple[str, str], ...]:
    """Return the headers by which clients know that something was found.

    X-Violations-Found is the number of findings and, for each, four lines:
    file, threat, problem id, resolution. The lines are folded, as c-icap
    writes and vscand reads them.
    """
    told = findings[:MOST]
    first = word(told[0].threat)
    lines = [str(len(told))]
    for each in told:
        lines += [word(each.name), word(each.threat), "0", "0"]
    return (
        ("X-Infection-Found", f"Type={kind}; Resolution={BLOCKED}; Threat={first};"),
        ("X-Virus-ID", first),
        ("X-Virus-Name", first),
        ("X-Violations-Found", "\r\n\t".join(lines)),
    )


def infected(request: Request, findings: Sequence[Finding]) -> Respond:
    """Block what has something in it."""
    told = (*headers(findings), (OUTCOME, "infected"))
    return block(request, reason=f"A virus was found: {listed(findings)}", icap_headers=told)


def blocked(request: Request, trouble: Trouble, findings: Sequence[Finding]) -> Respond:
    """Block what could not be scanned.

    It has the same headers as a virus: clients that look for those alone would
    take it for clean otherwise. Its type is that of a container.
    """
    what = [*findings, Finding(f"Unscannable.{trouble.value}")]
    told = (*headers(what[:1], CONTAINER), (OUTCOME, trouble.value))
    return block(request, reason=TEXTS[trouble], icap_headers=told)


def allowed(trouble: Trouble) -> Allow:
    """Let something pass that could not be scanned."""
    return allow(icap_headers={OUTCOME: trouble.value}, reason=f"not scanned: {trouble.value}")
