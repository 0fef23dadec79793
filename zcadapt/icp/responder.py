"""From a datagram to its reply: who may ask, what is asked, what the policies say.

No socket is known here. A reply that has to be waited for is handed out as
`Pending`, for whoever runs the event loop.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from zcadapt.icp.counters import Counters
from zcadapt.icp.datagram import build_reply, parse
from zcadapt.icp.errors import BadDatagramError, NotAQueryError
from zcadapt.icp.message import Query, SocketAddress
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
    query: Query
    won: Won

    def close(self) -> None:
        """Let go of what was to be awaited; harmless when it was."""
        awaitable = self.won.answer
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

    def respond(self, datagram: bytes, address: SocketAddress) -> bytes | Pending | None:
        """Return the reply to what came from `address`; ``None`` for silence."""
        if not self._admits(address[0]):
            return self._refuse(datagram, address)
        try:
            query = parse(datagram, address)
        except BadDatagramError as error:
            return self._note(error, address)
        self.counters.queries += 1
        candidates = iter(self._policies())
        won = consult(candidates, query)
        if won is None or isinstance(won.answer, str):
            return self._reply(query, won)
        return Pending(candidates, query, won)

    async def finish(self, pending: Pending) -> bytes:
        """Return the reply to a query when its policies have answered."""
        return self._reply(pending.query, await go_on(*pending))

    def give_up(self, pending: Pending) -> bytes:
        """Return the reply to a query that may not wait, because too many do."""
        pending.close()
        self.counters.overloaded += 1
        self.counters.answers[OVERLOADED] += 1
        return build_reply(pending.query, ANSWERS[OVERLOADED])

    def _reply(self, query: Query, won: Won | None) -> bytes:
        answer = DEFAULT_ANSWER if won is None else won.answer
        self.counters.answers[answer] += 1
        if self._observe is not None:
            self._observe("icp", None if won is None else won.candidate.name, query, answer)
        return build_reply(query, ANSWERS[answer])

    def _refuse(self, datagram: bytes, address: SocketAddress) -> bytes | None:
        self.counters.refused += 1
        if self._seldom_refused.due():
            text = "%s may not ask (%d refused so far); see the setting allow"
            log.warning(text, address[0], self.counters.refused)
        if not self._tells_refused:
            return None
        try:
            return build_reply(parse(datagram, address), ANSWERS["ICP_OP_DENIED"])
        except BadDatagramError:
            return None

    def _note(self, error: BadDatagramError, address: SocketAddress) -> bytes | None:
        if isinstance(error, NotAQueryError):
            self.counters.ignored += 1
            return None
        self.counters.malformed += 1
        if self._seldom_malformed.due():
            text = "malformed query from %s (%d so far): %s"
            log.warning(text, address[0], self.counters.malformed, error)
        return error.reply
