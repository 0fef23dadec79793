"""From a decision to block to the response that goes out."""

import inspect
import logging
import re
from base64 import b32encode
from os import urandom
from typing import Any, Final

from zope.interface.interfaces import IComponents

from zcadapt.blockpage.blocked import Blocked
from zcadapt.blockpage.page import BlockPage, shown
from zcadapt.icap.decisions import Block, Respond
from zcadapt.icap.request import Request
from zcadapt.interfaces import IBlockPage
from zcadapt.registry import Utilities
from zcadapt.rule import Candidate, Won, consult

__all__ = ["ID", "Pages", "new_id", "numbered"]

logger = logging.getLogger("zcadapt.block")

#: The header with the number of the decision, in the HTTP response and in the ICAP answer.
ID: Final = "X-Decision-ID"
NO_STORE: Final = ("Cache-Control", "no-store")
#: What only the server says of a page.
OURS: Final = frozenset({"cache-control", ID.lower()})

TEXT: Final = "blocked %s: client %s, user %r, %s %r, service %r, reason %r"
#: Characters of an address with a zone; what a client says is cut there, or at its first blank.
LONGEST_ADDRESS: Final = 64
_WORD_END: Final = re.compile(r"[\s,]")

#: Somebody will ask for just this one.
EACH: Final = {"each": True}


class Pages:
    """What makes a page of a block: utilities, asked in the order of their names.

    Args:
        components: the registry; a registration counts from the next block.
        page: what is asked when no other has an opinion.
    """

    def __init__(self, components: IComponents, page: BlockPage | None = None) -> None:
        self._page = BlockPage() if page is None else page
        self._others = Utilities(components, IBlockPage, _candidate)

    def made(self, request: Request, won: Won) -> Won:
        """Return `won`, who blocks `request`, with a number and a page, and log it."""
        decision: Block = won.answer
        if decision.id:
            return won  # it comes by a second time
        name = won.candidate.name
        blocked = Blocked(id=new_id(), service=name, request=request, decision=decision)
        found = consult(iter(self._others()), blocked)
        page: Respond = self._page(blocked) if found is None else found.answer
        if logger.isEnabledFor(logging.INFO):
            logger.info(TEXT, *_told(blocked), extra=EACH)
        return Won(won.candidate, numbered(blocked, page))


def new_id() -> str:
    """Return 60 random bits as 12 letters and digits: never 0 and 1, to be read aloud."""
    return b32encode(urandom(8))[:12].decode("ascii").lower()


def numbered(blocked: Blocked, page: Respond) -> Block:
    """Return `page` as it goes out about `blocked`, with its number and everything."""
    decision, number = blocked.decision, (ID, blocked.id)
    return Block(
        status=page.status,
        phrase=page.phrase,
        headers=(*(pair for pair in page.headers if pair[0].lower() not in OURS), NO_STORE, number),
        body=page.body,
        icap_headers=(*decision.icap_headers, number),
        reason=decision.reason,
        id=blocked.id,
    )


def _told(blocked: Blocked) -> tuple[str, ...]:
    """Return what the log says of a block; nothing of it is longer than it needs to be."""
    request = blocked.request
    return (
        blocked.id,
        _WORD_END.split(request.client_ip or request.peer[0], maxsplit=1)[0][:LONGEST_ADDRESS],
        shown(request.user or "", 100),
        _WORD_END.split(request.http.request.method, maxsplit=1)[0][:20],
        shown(request.http.shown_url, 500),
        blocked.service,
        shown(blocked.decision.reason, 500),
    )


def _candidate(name: str, page: Any) -> Candidate:  # noqa: ANN401 - IBlockPage
    def ask(blocked: Blocked) -> object:
        answer = page(blocked)
        if inspect.iscoroutine(answer):
            answer.close()
            raise TypeError("a page is made by a plain function, which cannot be awaited")
        return answer

    return Candidate(name, page, ask, valid=_is_page, on_failure=_skip)


def _is_page(answer: object) -> bool:
    return isinstance(answer, Respond) and isinstance(answer.body, bytes)


def _skip(candidate: Candidate, blocked: Blocked, error: BaseException) -> None:
    logger.error("block page %r failed for %r", candidate.name, blocked.request, exc_info=error)
