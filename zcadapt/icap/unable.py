"""What a service raises that knows that it cannot decide."""

from zcadapt.icap.decisions import HeaderItems, Pairs, allow

__all__ = ["UnableError"]


class UnableError(Exception):
    """A service cannot decide, and says why: it raises this.

    What follows is for its ``on_error`` to say, as with any other exception. But
    this one is no fault in its code: the log has one line of it without a
    traceback, and the headers stand in the ICAP answer, be it a 500 or a block.

    >>> raise UnableError('the scanner is down', icap_headers={'X-Outcome': 'down'})
    Traceback (most recent call last):
    zcadapt.icap.unable.UnableError: the scanner is down

    Raises:
        TypeError: a header is not a str.
        ValueError: a header cannot stand in a message.
    """

    icap_headers: Pairs = ()

    def __init__(self, reason: str, *, icap_headers: HeaderItems = ()) -> None:
        super().__init__(reason)
        self.icap_headers = allow(icap_headers=icap_headers).icap_headers  # checked by it
