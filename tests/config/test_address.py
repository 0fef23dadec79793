"""Addresses are HOST:PORT, and nothing else is."""

import pytest

from zcadapt.config import Address, parse_address
from zcadapt.config.address import multicast_group


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:1344", Address("127.0.0.1", 1344)),
        ("localhost:0", Address("localhost", 0)),
        ("[::1]:65535", Address("::1", 65535)),
        ("[fe80::1%eth0]:1", Address("fe80::1%eth0", 1)),
    ],
)
def test_an_address_is_host_and_port(text, address):
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "host",
        "host:",
        ":1",
        "::1:80",
        "[::1]",
        "h:65536",
        "h:-1",
        "h:1x",
        "h:\u0661",
        "h :1",
        "h:1\n",
    ],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValueError, match="is not HOST:PORT"):
        parse_address(text)


@pytest.mark.parametrize("text", ["224.9.9.9", "239.1.1.1%eth0", "ff02::1%2"])
def test_a_group_may_have_an_interface(text):
    assert multicast_group(text) == text


@pytest.mark.parametrize("text", ["192.0.2.1", "group", "", "%eth0"])
def test_what_is_no_group_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - only that it is one
        multicast_group(text)
