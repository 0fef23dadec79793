"""What Squid keeps does not keep what services decide from its users."""

import pytest

from .browser import Browser
from .squid import Settings

pytestmark = pytest.mark.usefixtures("ours")


@pytest.fixture(scope="module")
def caching(server, new_squid):
    """A Squid that keeps what it may."""
    lines = Settings().lines(server).replace("cache deny all\n", "cache_mem 8 MB\n")
    with new_squid("caching", lines) as squid:
        yield squid


def test_what_is_refused_is_not_answered_from_an_older_copy(caching, origin):
    browser = Browser(caching)
    url = origin.url("/bytes/2000?respmod=refuse_some")
    with caching.content():
        assert browser.fetch(url).status == 200
        again = {"Cache_Control": "max-age=0", "X_Refuse": "now"}
        assert browser.fetch(url, **again).status == 403
        (_, refused) = caching.accesses(url, 2)
        assert refused.outcome == "TCP_REFRESH_MODIFIED", "there was an older copy"
