"""The answer to OPTIONS (RFC 3507, 4.10) and the ISTag (4.7)."""

import hashlib
from collections.abc import Iterable
from email.utils import formatdate
from typing import Final

from zcadapt.icap.answer import field

__all__ = ["http_date", "istag", "options_fields"]

ISTAG_LENGTH: Final = 30  # 32 with its quotes, for who counts them


def istag(parts: Iterable[str]) -> str:
    """Return the tag, without quotes, of what would change decisions."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(encoded) + encoded)
    return digest.hexdigest()[:ISTAG_LENGTH]


def http_date(timestamp: float) -> str:
    """Return a date as HTTP writes it, from seconds since the epoch."""
    return formatdate(timestamp, usegmt=True)


def options_fields(  # noqa: PLR0913 - an OPTIONS answer has these
    *,
    methods: Iterable[str],
    service: str,
    service_id: str,
    connections: int,
    ttl: int,
    preview: int,
    ignore: Iterable[str] = (),
    complete: Iterable[str] = (),
    trailers: bool = False,
) -> bytes:
    """Return the header lines of an OPTIONS answer, but for ISTag, Date and Encapsulated.

    `trailers` is offered only to who asks for it: some clients take nothing
    but numbers in Allow.
    """
    pairs = [
        ("Methods", ", ".join(methods)),
        ("Service", service),
        ("Service-ID", service_id),
        ("Max-Connections", str(connections)),
        ("Options-TTL", str(ttl)),
        ("Allow", "204, 206, trailers" if trailers else "204, 206"),
        ("Preview", str(preview)),
        ("Transfer-Preview", "*"),
        ("Transfer-Ignore", ", ".join(ignore)),
        ("Transfer-Complete", ", ".join(complete)),
    ]
    return b"".join(field(name, value) for name, value in pairs if value)
