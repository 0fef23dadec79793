"""A policy answers whatever it is asked, with an answer."""

import asyncio
import sys
import threading

import pytest
from zope.interface import provider

from zcadapt.interfaces import IICPQueryPolicy
from zcadapt.testing import check_policy


async def waits(url):
    return "ICP_OP_MISS"


@provider(IICPQueryPolicy)
def asks_all(query):
    return "ICP_OP_DENIED" if str(query.peer) == "127.0.0.1" and query.url else None


async def forgets_a_task(url, tasks=[]):  # noqa: B006 - it is to be kept
    tasks.append(asyncio.create_task(asyncio.Event().wait()))


async def never_answers(url):
    await asyncio.Event().wait()


@pytest.mark.parametrize("policy", [lambda url: None, lambda url: "ICP_OP_HIT", waits, asks_all])
def test_policies_of_all_kinds_pass(policy):
    check_policy(policy)


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (3, "cannot be called"),
        (lambda url: "HIT", "it says 'HIT'"),
        (lambda url: url[0] and None, "IndexError"),
        (lambda url: url.encode("ascii") and None, "UnicodeEncodeError"),
        (lambda url: ["ICP_OP_HIT"], r"it says \['ICP_OP_HIT'\]"),
        (lambda url: sys.exit(3), "SystemExit"),
        (
            lambda url: threading.Event().wait(0.2) or None,
            "blocks the event loop: .*test_policies",
        ),
        (forgets_a_task, "leaves tasks behind"),
    ],
)
def test_a_broken_promise_is_named(policy, told):
    with pytest.raises(AssertionError, match=told):
        check_policy(policy)


def test_who_never_answers_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("zcadapt.testing.policies.SOON", 0.05)
    with pytest.raises(AssertionError, match="TimeoutError"):
        check_policy(never_answers)
