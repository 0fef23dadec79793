"""What a policy answers to Squid's ICP query is how Squid chooses where to fetch from."""

import pytest
from programs import free_port

from .browser import Browser
from .origin import Origin, content

ICP = """\
icp_port {own}
icp_query_timeout 1000
minimum_direct_rtt 0
prefer_direct on
acl walled urlpath_regex walled
never_direct allow walled
cache_peer 127.0.0.1 {kind} {http} {icp} name=peer no-digest no-netdb-exchange
server_persistent_connections off
"""
# minimum_direct_rtt: of origins that are near nobody is asked. prefer_direct: a parent that offers
# nothing is passed over. The last line: a connection used again is logged as it was first chosen.

CHOICES = {
    "parent": {
        "HIT": ("peer", "PARENT_HIT"),
        "MISS": ("peer", "FIRST_PARENT_MISS"),
        "MISS_NOFETCH": ("origin", "HIER_DIRECT"),
        "DENIED": ("origin", "TIMEOUT_HIER_DIRECT"),
        "ERR": ("origin", "TIMEOUT_HIER_DIRECT"),
    },
    "sibling": {
        "HIT": ("peer", "SIBLING_HIT"),
        "MISS": ("origin", "HIER_DIRECT"),
        "MISS_NOFETCH": ("origin", "HIER_DIRECT"),
        "DENIED": ("origin", "TIMEOUT_HIER_DIRECT"),
        "ERR": ("origin", "TIMEOUT_HIER_DIRECT"),
    },
}


@pytest.fixture(scope="module", params=CHOICES)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def squid(kind, server, new_squid):
    """A Squid with one peer, whose ICP port is ours and whose HTTP port is another origin's."""
    if server.icp_port is None:
        pytest.skip("c-icap answers no ICP")
    with Origin("peer").running() as peer:
        lines = ICP.format(own=free_port(), kind=kind, http=peer.port(), icp=server.icp_port)
        with new_squid(kind, lines) as squid:
            yield squid


@pytest.fixture
def choice(squid, origin):
    """How to fetch, and be told who served it and how Squid chose."""

    def choice_for(path):
        url = origin.url(path)
        with squid.content():
            answer = Browser(squid).fetch(url)
            assert answer.body == content(1000)
            return answer.headers["X-Served-By"], squid.accesses(url)[0].hierarchy

    return choice_for


@pytest.mark.parametrize("answer", CHOICES["parent"])
def test_squid_fetches_where_the_answer_sends_it(choice, kind, answer):
    assert choice(f"/bytes/1000?icp={answer}") == CHOICES[kind][answer]


def test_without_an_opinion_the_answer_is_miss(choice, kind):
    assert choice("/bytes/1000") == CHOICES[kind]["MISS"]


@pytest.mark.parametrize(
    ("answer", "hierarchy"),
    [
        ("MISS", "FIRST_PARENT_MISS"),
        ("MISS_NOFETCH", "FIRSTUP_PARENT"),
        ("DENIED", "TIMEOUT_FIRSTUP_PARENT"),
    ],
)
def test_a_parent_is_used_all_the_same_where_there_is_no_other_way(choice, kind, answer, hierarchy):
    if kind == "parent":
        assert choice(f"/bytes/1000?walled&icp={answer}") == ("peer", hierarchy)
