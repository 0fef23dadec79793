"""Squid speaks ICAP as its settings tell it, and is answered as they allow."""

import re

import pytest

from zcadapt.config import Address
from zcadapt.runtime.squid import squid_conf

from .origin import content
from .squid import understands


def test_the_lines_that_are_printed_are_understood(tmp_path):
    lines = squid_conf([Address("127.0.0.1", 1344)], [Address("127.0.0.1", 3130)])
    told = understands(tmp_path, re.sub(r"(?m)^# (?=[a-z]+_)", "", lines))
    assert told.returncode == 0, told.stderr
    assert "ERROR" not in told.stderr


@pytest.fixture(params=[1000, 100_000])
def size(request):
    return request.param


@pytest.fixture
def adaptations(squid, browser, origin, size):
    """How to send a body to and fro, and see what the icap log says of REQMOD and RESPMOD."""

    def exchange(query=""):
        url = origin.url(f"/echo?{query}")
        assert browser.fetch(url, "POST", content(size)).body == content(size)
        return squid.adaptations(url)

    return exchange


@pytest.fixture
def kept(settings, size):
    """Whether Squid keeps the body, so that it need not come back: a preview, or a small one."""
    return settings.preview or size < 64 * 1024


def test_connections_persist_or_not(adaptations, settings):
    connection = "-" if settings.persistent else "close"
    assert {each.connection for each in adaptations()} == {connection}


def test_a_preview_is_sent_or_not(adaptations, settings, size):
    reqmod, respmod = adaptations()
    assert reqmod.preview == (str(min(size, 1024)) if settings.preview else "-")
    assert (respmod.preview != "-") == settings.preview


def test_what_is_untouched_comes_back_only_where_squid_has_not_kept_it(ours, adaptations, kept):
    assert {each.status for each in adaptations()} == {"204" if kept else "200"}


@pytest.mark.parametrize("method", ["REQMOD", "RESPMOD"])
def test_new_headers_go_without_the_body_where_squid_takes_it(
    ours, adaptations, settings, kept, method
):
    by_method = {each.method: each for each in adaptations(f"{method.lower()}=headers")}
    assert by_method[method].status == ("206" if settings.partial and kept else "200")
