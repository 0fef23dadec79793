"""Addresses are HOST:PORT, networks and groups what they say, and what is none says why."""

import pytest

from zcadapt.address import ADDRESS, GROUP, NETWORK, Address, multicast_group, parse_address


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
    ("text", "why"),
    [
        ("", "the port is missing"),
        ("host", "the port is missing"),
        ("[::1]", "the port is missing"),
        ("host:", "the port is no number"),
        ("h:-1", "the port is no number"),
        ("h:1x", "the port is no number"),
        ("h:1\n", "the port is no number"),
        ("h:\u0661", "the port is no number"),
        ("h:65536", "the highest port is 65535"),
        ("h:" + "9" * 5000, "the highest port is 65535"),
        (":1", "the host is missing"),
        ("h :1", "a host has no blanks"),
        ("::1:80", "an IPv6 host stands in brackets"),
    ],
)
def test_what_is_no_address_is_refused_and_told_why(text, why):
    with pytest.raises(ValueError, match=f"^{why}$"):
        parse_address(text)
    with pytest.raises(ValueError, match=why):
        ADDRESS.check(text)


@pytest.mark.parametrize("text", ["10.0.0.0/8", "192.0.2.1", "::1", "2001:db8::/32"])
def test_a_network_may_be_an_address(text):
    NETWORK.check(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("10.0.0.1/8", "^the network is 10.0.0.0/8$"),
        ("2001:db8::1/32", "^the network is 2001:db8::/32$"),
        ("here", "^$"),
        ("10.0.0.0/33", "^$"),
        ("", "^$"),
    ],
)
def test_what_is_no_network_is_refused_with_the_one_that_is_meant(text, why):
    with pytest.raises(ValueError, match=why):
        NETWORK.check(text)


@pytest.mark.parametrize("text", ["224.9.9.9", "239.1.1.1%eth0", "ff02::1%2"])
def test_a_group_may_have_an_interface(text):
    assert multicast_group(text) == text


@pytest.mark.parametrize("text", ["192.0.2.1", "group", "", "%eth0"])
def test_what_is_no_group_is_refused_and_told_which_are(text):
    with pytest.raises(ValueError, match=r"224\.0\.0\.0/4 and ff00::/8"):
        GROUP.check(text)
