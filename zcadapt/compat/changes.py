"""From a message as a handler wants it to be to the decision that makes it so."""

from collections.abc import Iterable
from typing import Any

from zcadapt.icap.decisions import Body, Decision, Keep, modify
from zcadapt.icap.http import HTTPRequest, HTTPResponse

__all__ = ["change"]


def change(  # noqa: PLR0913 - two messages, and what follows from the body
    old: HTTPRequest | HTTPResponse,
    new: HTTPRequest | HTTPResponse,
    body: Body | Keep,
    icap_headers: Iterable[tuple[str, str]],
    *,
    framing: Iterable[str] = (),
    length: int | None = None,
) -> Decision:
    """Return what makes the message `old` the message `new`, both of the same kind.

    What is as it was is not touched: it may be something that could not be sent anew.

    Args:
        old: the head as it came.
        new: the head as it is to be.
        body: the body as it is to be.
        icap_headers: further headers of the ICAP answer.
        framing: lower-case names of headers that follow from the body, whatever `new` says.
        length: that of the body in bytes, for Content-Length; None: nothing is said of it.
    """
    had, has = old.headers, new.headers
    if isinstance(new, HTTPRequest) and isinstance(old, HTTPRequest):
        line = _request_line(old, new)
    else:
        assert isinstance(new, HTTPResponse)  # noqa: S101 - both are
        assert isinstance(old, HTTPResponse)  # noqa: S101
        line = _status_line(old, new)
    left_alone = frozenset(framing)
    changed = [
        (name, value)
        for name, value in has.pairs
        if name.lower() not in left_alone and has.get_all(name) != had.get_all(name)
    ]
    if length is not None:
        changed.append(("Content-Length", str(length)))
    return modify(
        **line,
        set_headers=changed,
        remove_headers=[name for name in had if name not in has and name not in left_alone],
        body=body,
        icap_headers=icap_headers,
    )


def _request_line(old: HTTPRequest, new: HTTPRequest) -> dict[str, Any]:
    line = {"method": new.method} if new.method != old.method else {}
    return line | ({"url": new.target} if new.target != old.target else {})


def _status_line(old: HTTPResponse, new: HTTPResponse) -> dict[str, Any]:
    line: dict[str, Any] = {"status": new.status} if new.status != old.status else {}
    # With another status there would be the phrase of that.
    if new.phrase != old.phrase or (line and new.phrase.isprintable()):
        line["phrase"] = new.phrase
    return line
