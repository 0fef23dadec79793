"""From a datagram to its reply: who may ask, what is asked, what the policies say.

No socket is known here. A reply that has to be waited for is handed out as
`Pending`, for whoever runs the event loop.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from zcadapt.icp.counters import Counters
from zcadapt.icp.datagram import read, reply_to
from zcadapt.icp.errors import BadDatagramError, NotAQueryError
from zcadapt.icp.message import Asked, Query, SocketAddress
from zcadapt.icp.opcodes import ANSWERS, DEFAULT_ANSWER
from zcadapt.icp.seldom import Seldom
from zcadapt.icp.settings import ICPSettings
from zcadapt.rule import Candidate, Won, consult, go_on
from zcadapt.runtime.access import AccessList

__all__ = ["Observe", "Pending", "Responder"]

log = logging.getLogger("zcadapt.icp")

#: Called with 'icp', the name of the policy that answered if any, the query, the answer.
Observe = Callable[[str, str | None, object, object], None]

#: What a query is told that comes when too many are waiting: we are up, but ask
#: another. A MISS would invite, a DENIED or an ERR would be waited out.
OVERLOADED: Final = "ICP_OP_MISS_NOFETCH"


class Pending(NamedTuple):
    """A query that waits for an asynchronous policy."""

    candidates: Iterator[Candidate]
    asked: Asked
    won: Won

    def close(self) -> None:
        """Let go of what was to be awaited; harmless when it was."""
        awaitable = self.won.answer
        with suppress(Exception):  # whoever made it may have it raise anything
            end = getattr(awaitable, "close", None) or getattr(awaitable, "cancel", None)
            if end is not None:
                end()


class Responder:
    """Answers datagrams as the policies want, within `settings`.

    `policies` returns the candidates as they are now. `observe` is told of
    each decision.
    """

    def __init__(
        self,
        policies: Callable[[], Sequence[Candidate]],
        settings: ICPSettings,
        observe: Observe | None = None,
    ) -> None:
        self.counters: Final = Counters()
        self._policies = policies
        self._admits = AccessList(settings.allow).admits
        self._tells_refused = settings.refuse == "denied"
        self._observe = observe
        self._seldom_refused = Seldom()
        self._seldom_malformed = Seldom()
        self._seldom_failed = Seldom()
        self._seldom_unobserved = Seldom()

    def respond(self, datagram: bytes, address: SocketAddress) -> bytes | Pending | None:
        """Return the reply to what came from `address`; ``None`` for silence."""
        if not self._admits(address[0]):
            return self._refuse(datagram, address)
        try:
            asked = read(datagram, address)
        except BadDatagramError as error:
            return self._note(error, address)
        self.counters.queries += 1
        candidates = iter(self._policies())
        won = consult(candidates, asked)
        if won is None or isinstance(won.answer, str):
            return self._reply(asked, won)
        return Pending(candidates, asked, won)

    async def finish(self, pending: Pending) -> bytes:
        """Return the reply to a query when its policies have answered."""
        return self._reply(pending.asked, await go_on(*pending))

    def give_up(self, pending: Pending) -> bytes:
        """Return the reply to a query that may not wait, because too many do."""
        pending.close()
        self.counters.overloaded += 1
        self.counters.answers[OVERLOADED] += 1
        datagram, _, _ = pending.asked
        return reply_to(datagram, ANSWERS[OVERLOADED])

    def failed(self, datagram: bytes, address: SocketAddress, error: BaseException) -> bytes | None:
        """Log an error of our own over a datagram, and return the reply to that all the same.

        A query gets ICP_OP_ERR, all else is met with silence.
        """
        self.counters.failed += 1
        if self._seldom_failed.due():
            text = "an error of the server over a datagram from %s (%d so far): %s: %s"
            told = (address[0], self.counters.failed, type(error).__name__, error)
            log.error(text, *told, exc_info=error)
        return self._reply_if_query(datagram, address, "ICP_OP_ERR")

    def _reply(self, asked: Asked, won: Won | None) -> bytes:
        answer = DEFAULT_ANSWER if won is None else won.answer
        self.counters.answers[answer] += 1
        if self._observe is not None:
            try:
                name = None if won is None else won.candidate.name
                self._observe("icp", name, Query(*asked), answer)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
                self._note_unobserved(error)
        return reply_to(asked[0], ANSWERS[answer])

    def _note_unobserved(self, error: BaseException) -> None:
        if self._seldom_unobserved.due():
            text = "who observes decisions failed: %s: %s"
            log.error(text, type(error).__name__, error, exc_info=error)

    def _refuse(self, datagram: bytes, address: SocketAddress) -> bytes | None:
        self.counters.refused += 1
        if self._seldom_refused.due():
            text = "%s may not ask (%d refused so far); see the setting allow"
            log.warning(text, address[0], self.counters.refused)
        if not self._tells_refused:
            return None
        return self._reply_if_query(datagram, address, "ICP_OP_DENIED")

    def _reply_if_query(self, datagram: bytes, address: SocketAddress, answer: str) -> bytes | None:
        try:
            read(datagram, address)
        except BadDatagramError:
            return None
        return reply_to(datagram, ANSWERS[answer])

    def _note(self, error: BadDatagramError, address: SocketAddress) -> bytes | None:
        if isinstance(error, NotAQueryError):
            self.counters.ignored += 1
            return None
        self.counters.malformed += 1
        if self._seldom_malformed.due():
            text = "malformed query from %s (%d so far): %s"
            log.warning(text, address[0], self.counters.malformed, error)
        return error.reply
