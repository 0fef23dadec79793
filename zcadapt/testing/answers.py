"""What goes out for a decision, as the server would make it."""

from collections.abc import Callable

from zcadapt.blockpage import Blocked, BlockPage, new_id, numbered
from zcadapt.icap.decisions import Block, Respond
from zcadapt.icap.request import Request

__all__ = ["block_page"]


def block_page(
    decision: Block,
    request: Request,
    *,
    service: str = "tested",
    page: Callable[[Blocked], Respond | None] | None = None,
) -> Block:
    """Return what a user gets who is told `decision`: with the page, its number and all headers.

    Args:
        decision: what a service decided.
        request: what it was asked about; its Accept and Accept-Language count.
        service: the name of the service.
        page: an `zcadapt.interfaces.IBlockPage` that is to be tried. Without,
            or where it has no opinion, the page is that of zcadapt.

    Raises:
        Exception: what `page` raises.
    """
    blocked = Blocked(id=new_id(), service=service, request=request, decision=decision)
    found = page(blocked) if page is not None else None
    return numbered(blocked, BlockPage()(blocked) if found is None else found)
