"""Hosts, domains, addresses and networks."""

import time
from ipaddress import IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcadapt.conditions.hosts import Hosts, Networks, host, hosts_of
from zcadapt.icap.http import HTTPMessage


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
        ("2001:db8::1", ["2001:db8::1"], ["2001:db8::11", ""]),
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
        ("cafe\u0301.example", "xn--caf-dma.example"),
        ("\uff45xample\u3002com", "example.com"),
        ("[2001:DB8:0::1]", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
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
        ("é" * 64, "^$"),
    ],
)
def test_what_is_no_host_is_refused(text, why):
    with pytest.raises(ValueError, match=why):
        host(text)


def named(target, *hosts, method="GET"):
    """Return the hosts that a request names, told in the bytes of its target and of its Host."""
    fields = b"".join(b"Host: %s\r\n" % each for each in hosts)
    head = b"%s %s HTTP/1.1\r\nAccept: */*\r\n%s\r\n" % (method.encode(), target, fields)
    return hosts_of(HTTPMessage(head, None))


@pytest.mark.parametrize(
    "written",
    [
        b"example.com",
        b"EXAMPLE.Com.",
        b"example.com:80",
        b"u:p@example.com:80",
        b"example.com..:80",
        b"ex%61mple.com",
        b"example.com%2e",
        b"example%2Ecom%2E:80",
        b"%45xample.com",
        "\uff45xample.com".encode(),
        "example\u3002com\u3002".encode(),
        b"example%E3%80%82com",
    ],
)
def test_a_host_is_the_same_however_it_is_written(written):
    assert named(b"http://%s/x" % written, b"other.example") == ("example.com",)
    assert named(b"/x", written) == ("example.com",)


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("bücher.example".encode(), "xn--bcher-kva.example"),
        ("BÜCHER.example".encode(), "xn--bcher-kva.example"),
        (b"b%C3%BCcher.example", "xn--bcher-kva.example"),
        (b"xn--BCHER-kva.example", "xn--bcher-kva.example"),
        ("à.example".encode(), "xn--0ca.example"),  # one byte of it is a space in Latin-1
        (b"192.0.2%2e1", "192.0.2.1"),
        (b"[2001:0DB8:0:0::1]:443", "2001:db8::1"),
        (b"[::ffff:192.0.2.1]", "192.0.2.1"),
        (b"[::FFFF:c000:201]:80", "192.0.2.1"),
    ],
)
def test_a_host_in_unicode_and_an_address_have_one_form_too(written, host):
    assert named(b"https://%s" % written) == (host,)
    assert named(written, b"x", method="CONNECT") == (host,)
    assert named(b"/", written) == (host,)


@pytest.mark.parametrize(
    "hosts",
    [
        [b"login.example", b"x"],
        [b"login.example:443", b"u@x."],
        [b"login.example, x"],
        [b"login.example,x"],
        [b"login.example x"],
        [b"login.example\r\n x"],
        [b"login.example", b"", b"x"],
        [b"login.example/", b"X:80", b"login.example"],
    ],
)
def test_several_hosts_are_all_named(hosts):
    assert named(b"/", *hosts) == ("login.example", "x")
    assert named(b"*", *hosts[::-1], method="OPTIONS") in {
        ("login.example", "x"),
        ("x", "login.example"),
    }


def test_of_very_many_hosts_the_first_and_the_last_are_named():
    hosts = [b"%d.example" % number for number in range(5000)]
    begin = time.process_time()
    found = named(b"/", *hosts)
    assert found[0] == "0.example"
    assert found[-1] == "4999.example"
    assert len(found) < 20
    assert time.process_time() - begin < 0.5


def test_an_absolute_target_counts_alone():
    assert named(b"http://a/", b"b", b"c") == ("a",)
    assert named(b"a:443", b"b", b"c", method="CONNECT") == ("a",)


@pytest.mark.parametrize("host", [b"", b",", b"[x:y]", b"%", b"%ff", b"\xff" * 300, b"a." * 9000])
def test_what_names_no_host_is_none_that_is_listed(host):
    has = Hosts([".example.com", "::1"]).has
    assert not any(map(has, named(b"/", host)))
    assert not any(map(has, named(b"http://%s/" % host, b"::1")))


def test_who_asks_again_is_told_the_same():
    http = HTTPMessage(b"GET http://a%2e/ HTTP/1.1\r\n\r\n", None)
    assert hosts_of(http) is hosts_of(http)


#: What Punycode takes longest for.
SLOW = "".join(chr(0x4E00 + 331 * number % 20_000) for number in range(250))


@pytest.mark.parametrize("written", ["a.", "é.", "%c3%a9.", SLOW[:50] + "."])
def test_a_host_with_very_many_labels_takes_no_time(written):
    hosts = Hosts([".example.com"])
    begin = time.process_time()
    (found,) = named(b"http://" + (written * 5000).encode() + b"example.com/")
    assert not hosts.has(found)
    assert time.process_time() - begin < 0.1


def test_nor_do_hosts_with_a_very_long_one():
    begin = time.process_time()
    assert len(named(b"/", *(SLOW[number:].encode() for number in range(8)))) == 8
    assert time.process_time() - begin < 0.03


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
        (
            "::ffff:192.0.2.0/120",
            ["192.0.2.0", "192.0.2.255", "::ffff:c000:201"],
            ["192.0.3.0", "192.0.1.255", "::192.0.2.1"],
        ),
        ("::ffff:192.0.2.7", ["192.0.2.7"], ["192.0.2.8"]),
        ("::ffff:0:0/96", ["1.2.3.4", "::ffff:1.2.3.4"], ["::1"]),
        ("::/0", ["::1"], ["1.2.3.4", "::ffff:1.2.3.4"]),
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


mapped = four.map(lambda each: IPv6Network(f"::ffff:{each[0]}/{each.prefixlen + 96}"))
MAPPED = ip_network("::ffff:0:0/96")


@given(st.lists(four | six | mapped), st.ip_addresses())
def test_networks_in_bulk_have_what_one_of_them_has(listed, address):
    plain = getattr(ip_address(address), "ipv4_mapped", None) or address
    written = ip_address(f"::ffff:{plain}") if plain.version == 4 else plain
    assert Networks(listed).has(str(address)) == any(
        plain in each or (each.version == 6 and each.subnet_of(MAPPED) and written in each)
        for each in listed
    )
