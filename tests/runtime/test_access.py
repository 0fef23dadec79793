"""An access list knows its own."""

import subprocess
import sys
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcadapt.runtime import access
from zcadapt.runtime.access import REMEMBERED, AccessList

OURS = AccessList(["192.0.2.0/24", "198.51.100.7", "2001:db8::/32"])


@pytest.mark.parametrize(
    "address", ["192.0.2.0", "192.0.2.255", "198.51.100.7", "2001:db8::1", "::ffff:192.0.2.1"]
)
def test_an_address_in_one_of_the_networks_is_in_the_list(address):
    assert address in OURS
    assert ip_address(address) in OURS


@pytest.mark.parametrize(
    "address", ["192.0.3.0", "198.51.100.8", "2001:db9::1", "::ffff:192.0.3.0", "127.0.0.1", "::1"]
)
def test_others_are_not(address):
    assert address not in OURS
    assert ip_address(address) not in OURS


@pytest.mark.parametrize("address", ["", "localhost", "192.0.2.1:80", "192.0.2", "2001:db8::g"])
def test_what_is_no_address_is_in_no_list(address):
    assert address not in OURS
    assert address not in AccessList(["0.0.0.0/0", "::/0"])


def test_a_scope_does_not_matter():
    assert "fe80::1%eth0" in AccessList(["fe80::/10"])


def test_an_empty_list_is_nobody():
    assert "127.0.0.1" not in AccessList([])


def test_two_networks_are_everybody():
    everybody = AccessList(["0.0.0.0/0", "::/0"])
    assert all(each in everybody for each in ("192.0.2.1", "2001:db8::1", "::1"))


@pytest.mark.parametrize("wrong", ["nonsense", "192.0.2.0/33", "192.0.2.1/24", "192.0.2.*", ""])
def test_what_is_no_network_is_refused_by_name(wrong):
    with pytest.raises(ValueError, match=r"does not appear|host bits") as caught:
        AccessList(["127.0.0.1", wrong])
    assert wrong in str(caught.value)


def test_the_second_answer_is_the_first():
    ours = AccessList(["192.0.2.0/24"])
    for _ in range(3):
        assert "192.0.2.1" in ours
        assert "192.0.3.1" not in ours


def test_strangers_do_not_make_it_grow():
    ours = AccessList(["192.0.2.0/24"])
    for number in range(REMEMBERED + 100):
        assert str(ip_address(number + 1)) not in ours
    assert ours.admits.cache_info().currsize == REMEMBERED


def test_it_is_recognized_in_a_log():
    assert repr(AccessList(["192.0.2.0/24"])) == "AccessList(['192.0.2.0/24'])"


@given(st.lists(st.ip_addresses()), st.ip_addresses())
def test_it_agrees_with_the_networks(hosts, address):
    networks = [ip_network((host, 20), strict=False) for host in hosts]
    mapped = getattr(address, "ipv4_mapped", None) or address
    assert (str(address) in AccessList(map(str, networks))) == any(
        mapped in network for network in networks
    )


def test_it_needs_no_event_loop():
    program = "import runpy, sys; runpy.run_path(sys.argv[1]); sys.exit('asyncio' in sys.modules)"
    command = [sys.executable, "-c", program, access.__file__]
    assert subprocess.run(command, check=False).returncode == 0
