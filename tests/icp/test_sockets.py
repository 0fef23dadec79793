"""Sockets are bound as told, or closed again."""

import contextlib
import errno
import socket

import pytest

from zcadapt.icp.sockets import bind, bind_all

EVERYWHERE = ("0.0.0.0", 0)
LOOPBACK = ("127.0.0.1", 0)


FOUR = (socket.AF_INET, LOOPBACK)
SIX = (socket.AF_INET6, ("::1", 0, 0, 0))
UNKNOWN = (socket.AF_UNSPEC, LOOPBACK)  # of which there are no sockets


def refusal(*address, **options):
    with pytest.raises(OSError, match=r".") as caught:
        bind(*address, **options)
    return caught.value


def test_a_socket_never_blocks():
    with bind(socket.AF_INET, LOOPBACK) as sock:
        assert sock.getsockname()[1] > 0
        with pytest.raises(BlockingIOError):
            sock.recv(1)


def test_an_address_that_is_taken_is_refused_and_nothing_stays_open():
    with bind(socket.AF_INET, LOOPBACK) as sock:
        assert refusal(socket.AF_INET, sock.getsockname()).errno == errno.EADDRINUSE


def test_a_port_can_be_shared():
    with (
        bind(socket.AF_INET, LOOPBACK, reuse_port=True) as one,
        bind(socket.AF_INET, one.getsockname(), reuse_port=True) as other,
    ):
        assert one.getsockname() == other.getsockname()


def test_the_receive_buffer_is_asked_for():
    with bind(socket.AF_INET, LOOPBACK, receive_buffer=1 << 14) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) >= 1 << 14


def test_ipv6_leaves_room_for_ipv4():
    with (
        bind(socket.AF_INET6, ("::", 0)) as six,
        bind(socket.AF_INET, ("0.0.0.0", six.getsockname()[1])) as four,
    ):
        assert four.getsockname()[1] == six.getsockname()[1]


def test_a_group_is_joined():
    with (
        bind(socket.AF_INET, EVERYWHERE, groups=["239.255.77.1%lo"]) as sock,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        sender.sendto(b"hello", ("239.255.77.1", sock.getsockname()[1]))
        assert sock.recv(100) == b"hello"


def test_an_ipv6_group_is_joined():
    with bind(socket.AF_INET6, ("::", 0), groups=["ff01::77:1%lo"]) as sock:
        assert sock.getsockname()[1] > 0


def test_a_group_of_the_other_family_is_for_another_socket():
    with bind(socket.AF_INET, LOOPBACK, groups=["ff02::77:1%lo"]) as sock:
        assert sock.getsockname()[1] > 0


def test_a_group_needs_a_socket_that_listens_everywhere():
    error = refusal(socket.AF_INET, LOOPBACK, groups=["239.255.77.1"])
    assert error.errno == errno.EADDRNOTAVAIL
    assert "needs 0.0.0.0 or [::]" in error.strerror


@pytest.mark.parametrize("group", ["nonsense", "192.0.2.1", "", "239.255.77"])
def test_what_is_no_group_is_refused_by_name(group):
    assert refusal(socket.AF_INET, EVERYWHERE, groups=[group]).strerror == (
        f"{group!r} is no multicast group"
    )


def test_an_interface_that_is_not_there_is_refused():
    refusal(socket.AF_INET, EVERYWHERE, groups=["239.255.77.1%none9"])


# Several addresses


@pytest.fixture
def bound():
    """Bind to all of some addresses, and close the sockets at the end."""
    with contextlib.ExitStack() as stack:

        def bound(*addresses, **options):
            return [stack.enter_context(each) for each in bind_all(addresses, **options)]

        yield bound


@pytest.mark.parametrize("addresses", [(FOUR, SIX), (SIX, FOUR)])
def test_the_port_that_the_system_chooses_is_the_same_for_all(bound, addresses):
    one, other = bound(*addresses)
    assert (one.family, other.family) == tuple(family for family, _ in addresses)
    assert one.getsockname()[1] == other.getsockname()[1] > 0


def test_what_is_asked_for_goes_for_all(bound):
    for sock in bound(FOUR, SIX, receive_buffer=1 << 14, reuse_port=True):
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) >= 1 << 14


def test_an_address_that_comes_twice_is_bound_once(bound):
    assert [sock.family for sock in bound(FOUR, SIX, FOUR)] == [FOUR[0], SIX[0]]


def test_where_one_is_taken_none_stays_open(bound):
    (taken,) = bound(SIX)
    port = taken.getsockname()[1]
    wanted = [(socket.AF_INET, ("127.0.0.1", port)), (socket.AF_INET6, ("::1", port, 0, 0))]
    with pytest.raises(OSError, match="in use") as caught:
        bind_all(wanted)
    assert caught.value.errno == errno.EADDRINUSE
    assert bound(wanted[0])[0].getsockname()[1] == port


@pytest.mark.parametrize("addresses", [(UNKNOWN, FOUR), (FOUR, UNKNOWN)])
def test_a_family_that_the_system_does_not_have_is_passed_over(bound, addresses):
    (sock,) = bound(*addresses)
    assert sock.family == socket.AF_INET


def test_where_there_is_no_other_family_it_is_told():
    with pytest.raises(OSError, match="not supported") as caught:
        bind_all([UNKNOWN])
    assert caught.value.errno == errno.EAFNOSUPPORT
