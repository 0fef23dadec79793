"""Hosts, domains, addresses and networks."""

import time
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcadapt.conditions.hosts import Hosts, Networks, host


@pytest.mark.parametrize(
    ("listed", "among", "others"),
    [
        ("example.com", ["example.com"], ["www.example.com", "com", "", "xample.com"]),
        (
            ".example.com",
            ["example.com", "www.example.com", "a.b.c.example.com"],
            ["anexample.com", "com", "", "example.com.evil.example", ".example.org"],
        ),
        ("192.0.2.1", ["192.0.2.1"], ["192.0.2.10", "1.192.0.2.1"]),
        ("2001:db8::1", ["2001:db8::1", "2001:0db8:0:0::1"], ["2001:db8::11", "1:2:x"]),
    ],
)
def test_a_dot_in_front_means_all_below_too_as_in_dstdomain(listed, among, others):
    hosts = Hosts([host(listed), host(".other.example")])
    assert [each for each in [*among, *others] if hosts.has(each)] == among


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Example.COM.", "example.com"),
        (".Example.COM", ".example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("[2001:DB8:0::1]", "2001:db8::1"),
        ("localhost", "localhost"),
        ("under_score.example", "under_score.example"),
    ],
)
def test_a_host_is_told_as_urls_have_it(text, meant):
    assert host(text) == meant


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "^$"),
        (".", "^$"),
        ("a..b", "^$"),
        ("a b", "^$"),
        ("a/b", "^$"),
        ("*.example.com", 'is ".example.com"'),
        ("http://example.com", "without scheme"),
        ("example.com:443", "without scheme and port"),
        ("x" * 64, "^$"),
        ("x." * 127 + "x", "^$"),
    ],
)
def test_what_is_no_host_is_refused(text, why):
    with pytest.raises(ValueError, match=why):
        host(text)


def test_a_host_with_very_many_labels_takes_no_time():
    hosts = Hosts([".example.com"])
    begin = time.process_time()
    assert not hosts.has("a." * 30_000 + "example.org")
    assert time.process_time() - begin < 0.1


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [
        (
            "192.0.2.0/24",
            ["192.0.2.0", "192.0.2.255", "::ffff:192.0.2.1"],
            ["192.0.3.0", "192.0.1.255"],
        ),
        ("192.0.2.7", ["192.0.2.7"], ["192.0.2.8", "192.0.2.6", "::192.0.2.7"]),
        (
            "2001:db8::/32",
            ["2001:db8::", "2001:db8:ffff::1%eth0"],
            ["2001:db9::", "2001:db7::", "32.1.13.184"],
        ),
        ("0.0.0.0/0", ["1.2.3.4"], ["::1"]),
    ],
)
def test_an_address_is_inside_a_network(network, inside, outside):
    networks = Networks([ip_network(network)])
    assert [each for each in [*inside, *outside] if networks.has(each)] == inside


@pytest.mark.parametrize(
    "text", ["", "x", "192.0.2", "192.0.2.7:80", "\0", "é", "::ffff:x", "1" * 999]
)
def test_what_is_no_address_is_nowhere(text):
    networks = Networks([ip_network("0.0.0.0/0"), ip_network("::/0")])
    assert not networks.has(text)


four = st.builds(
    lambda ip, bits: ip_network((ip, bits), strict=False), st.ip_addresses(v=4), st.integers(0, 32)
)
six = st.builds(
    lambda ip, bits: ip_network((ip, bits), strict=False), st.ip_addresses(v=6), st.integers(0, 128)
)


@given(st.lists(four | six), st.ip_addresses())
def test_networks_in_bulk_have_what_one_of_them_has(listed, address):
    plain = getattr(ip_address(address), "ipv4_mapped", None) or address
    assert Networks(listed).has(str(address)) == any(plain in each for each in listed)
