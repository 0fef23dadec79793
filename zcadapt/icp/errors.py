"""Datagrams that no policy is asked about, each with what its sender is told."""

__all__ = ["BadDatagramError", "BadReplyError", "MalformedQueryError", "NotAQueryError"]


class BadDatagramError(ValueError):
    """A datagram that is not what was expected; the message says why.

    `reply` is what its sender is told, ``None`` for silence. It is never
    longer than the datagram.
    """

    def __init__(self, reason: str, reply: bytes | None = None) -> None:
        super().__init__(reason)
        self.reply = reply


class NotAQueryError(BadDatagramError):
    """Too short for ICP, or with another opcode: there is nobody to answer."""


class MalformedQueryError(BadDatagramError):
    """A query that cannot be taken as it is; `reply` is an ICP_OP_ERR."""


class BadReplyError(BadDatagramError):
    """What came back is no reply."""
