"""What real clients send can be had, whole up to the body."""

import pytest

from zcadapt.icap.connection import Connection
from zcadapt.icap.events import RequestHead
from zcadapt.icap.limits import Limits
from zcadapt.testing import TRANSCRIPTS, transcript


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_each_is_a_request_that_the_server_reads(name):
    connection = Connection(Limits())
    connection.receive_data(transcript(name, size=5, endpoint="mine"))
    event = connection.next_event()
    assert isinstance(event, RequestHead)
    asks = name.partition("-")[2]
    assert event.line.method == {"mcafee": "RESPMOD"}.get(asks, asks.upper())
    assert event.line.path == "/mine"


def test_there_are_many_of_them():
    clients = {name.partition("-")[0] for name in TRANSCRIPTS}
    assert {"squid", "nextcloud", "owncloud", "ocis", "rspamd", "f5", "proxysg"} <= clients


def test_the_length_of_the_body_is_put_in():
    assert b"\r\nContent-Length: 12345\r\n" in transcript("ocis-reqmod", size=12345)


def test_another_name_is_told_with_those_there_are():
    with pytest.raises(KeyError, match=r"no 'squid'; there are .*squid-options"):
        transcript("squid")
