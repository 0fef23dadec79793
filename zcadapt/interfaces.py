"""The contract between the server and those who write for it.

Utilities that provide these interfaces are registered under a name. For each
question the server asks them in the order of their names, plain ``sorted()``
on ``str``, the empty name first, and follows the first answer that is not
``None``. Nothing else decides.
"""

from typing import TYPE_CHECKING

from zope.interface import Attribute, Interface

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from zcadapt.blockpage import Blocked
    from zcadapt.icap.decisions import Decision, Respond
    from zcadapt.icap.request import Request
    from zcadapt.icp import Query

    Answer = str | Awaitable[str | None] | None

__all__ = ["IBlockPage", "IICAPService", "IICAPServiceDetails", "IICPPolicy", "IICPQueryPolicy"]


class IICPPolicy(Interface):
    """A policy: it says whether this server wants a URL (RFC 2186)."""

    def __call__(url: str) -> "Answer":
        """Return the answer to a query for `url`, or ``None`` for no opinion.

        `url` is a `str`, the URL as the peer sent it, each byte one character
        (latin-1), without the NUL that ends it on the wire.

        The answer is one of ``'ICP_OP_HIT'``, ``'ICP_OP_MISS'``,
        ``'ICP_OP_MISS_NOFETCH'``, ``'ICP_OP_DENIED'`` and ``'ICP_OP_ERR'``
        (RFC 2186, 2). A coroutine function is awaited. Where every policy has
        no opinion the answer is ``'ICP_OP_MISS'``.
        """


class IICPQueryPolicy(IICPPolicy):
    """A policy that needs to know who asks."""

    def __call__(query: "Query") -> "Answer":  # type: ignore[override]  # as the docstring says
        """Return the answer to `query`, a `zcadapt.icp.Query`, or ``None``.

        The answers are those of `IICPPolicy`.
        """


class IICAPService(Interface):
    """A service: it says what an HTTP message may become (RFC 3507)."""

    methods = Attribute(
        """The methods it answers: a sequence of ``'REQMOD'``, ``'RESPMOD'``, or both."""
    )

    preview = Attribute(
        """How many bytes of the body it wants to see before it decides, an `int`.

        0: the headers are enough. The client is asked for the largest number
        among the services of an endpoint (RFC 3507, 4.5).
        """
    )

    def adapt(request: "Request") -> "Decision | Awaitable[Decision | None] | None":
        """Return a decision about `request`, or ``None`` for no opinion.

        `request` is a `zcadapt.Request`. A plain function is called in place
        and must not block; a coroutine function is awaited; one marked
        `zcadapt.blocking` runs in a thread.

        The decisions are made by `zcadapt.allow`, `zcadapt.modify`,
        `zcadapt.respond` and `zcadapt.block`. Where every service has no
        opinion the message stays as it is.
        """


class IICAPServiceDetails(IICAPService):
    """What a service may say of itself beside the necessary; all of it optional.

    The server looks at each attribute by itself: nobody needs to provide this
    interface, nor all of it.
    """

    version = Attribute("""A `str`; part of what makes the ISTag (RFC 3507, 4.7).""")

    state = Attribute(
        """A `str` that changes when the service would decide otherwise than before.

        The version of its data, say. It is part of the ISTag and is read for
        every answer, so it must be cheap.
        """
    )

    on_error = Attribute(
        """What follows when the service fails, a `str`.

        ``'error'``: the client is told, with 500, and decides itself;
        ``'skip'``: the next service is asked; ``'block'``: the user gets the
        block page. Without it, ``'error'``. The settings come before it.
        """
    )

    timeout = Attribute(
        """Seconds that an asynchronous answer may take, a `float` above 0.

        One that is marked `zcadapt.blocking` is asynchronous, too. What is
        spent waiting for the client does not count. Without it, 30. The
        settings come before it.
        """
    )

    transfer_ignore = Attribute(
        """Extensions of files that the client need not send (RFC 3507, 4.10.2).

        A sequence of `str`, such as ``('jpg', 'png')``. The client is told
        those on which all services of an endpoint agree.
        """
    )

    transfer_complete = Attribute(
        """Extensions of files that the client sends without preview (RFC 3507, 4.10.2).

        A sequence of `str`. One service of an endpoint is enough.
        """
    )


class IBlockPage(Interface):
    """A page: what a user gets in the place of what a service has blocked."""

    def __call__(blocked: "Blocked") -> "Respond | None":
        """Return the response about `blocked`, or ``None`` for no opinion.

        `blocked` is a `zcadapt.Blocked`, the response one that `zcadapt.respond`
        makes, with `bytes` for a body. Where every page has no opinion, or
        fails, it is that of zcadapt. It is a plain function, called in place,
        and must not block.

        The server adds the number of the decision and ``Cache-Control:
        no-store``. The ICAP headers are those of the decision. What comes from
        outside (the reason, the URL, the user) has to be escaped.
        """
