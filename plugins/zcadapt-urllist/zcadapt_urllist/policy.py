"""The lists of a service as a policy: what it blocks nobody needs to fetch here."""

from zope.interface import implementer

from zcadapt.icp import Query
from zcadapt.interfaces import IICPPolicy, IICPQueryPolicy
from zcadapt_urllist.service import URLList

__all__ = ["URLListPolicy", "URLListQueryPolicy", "policy_of"]


@implementer(IICPPolicy)
class URLListPolicy:
    """Answers queries from lists that are for everybody."""

    def __init__(self, lists: URLList) -> None:
        self.lists = lists

    def __call__(self, url: str) -> str | None:
        """Return the answer to a query for `url`."""
        return self.lists.answer(url)


@implementer(IICPQueryPolicy)
class URLListQueryPolicy:
    """Answers queries from lists of which some are for certain clients or times."""

    def __init__(self, lists: URLList) -> None:
        self.lists = lists

    def __call__(self, query: Query) -> str | None:
        """Return the answer to `query`."""
        return self.lists.answer(query.url, query)


def policy_of(lists: URLList) -> URLListPolicy | URLListQueryPolicy:
    """Return the policy that answers from `lists`; to be asked with a URL alone is cheaper."""
    return URLListQueryPolicy(lists) if lists.needs_query else URLListPolicy(lists)
