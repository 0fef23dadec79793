"""UDP sockets to listen on, for one host or for multicast groups too."""

import errno
import socket
import struct
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

__all__ = ["bind", "bind_all"]


def bind_all(
    addresses: Iterable[tuple[int, tuple[Any, ...]]],
    **options: Any,  # noqa: ANN401 - those of `bind`
) -> list[socket.socket]:
    """Return a socket bound to each of `addresses`, all on the port of the first.

    Each address comes with its family. One that comes twice is bound once, and
    a family that the system does not have is passed over where there is another.

    Raises:
        OSError: as `bind`, for one of them; then none stays open.
    """
    socks: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, (host, port, *rest) in dict.fromkeys(addresses):
            chosen = socks[0].getsockname()[1] if socks else port
            try:
                socks.append(bind(family, (host, chosen, *rest), **options))
            except OSError as error:
                if error.errno != errno.EAFNOSUPPORT:
                    raise
                missing = error
    except BaseException:
        for sock in socks:
            sock.close()
        raise
    if missing is not None and not socks:
        raise missing
    return socks


def bind(
    family: int,
    address: tuple[Any, ...],
    *,
    groups: Sequence[str] = (),
    receive_buffer: int = 0,
    reuse_port: bool = False,
) -> socket.socket:
    """Return a socket bound to `address` that has joined those `groups` that are of its family.

    Raises:
        OSError: it cannot be bound, or a group cannot be joined.
    """
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        _prepare(sock, receive_buffer, reuse_port=reuse_port)
        sock.bind(address)
        for group, interface in map(_group, groups):
            if (group.version == 6) == (family == socket.AF_INET6):  # noqa: PLR2004
                _join(sock, group, interface)
    except BaseException:
        sock.close()
        raise
    return sock


def _prepare(sock: socket.socket, receive_buffer: int, *, reuse_port: bool) -> None:
    sock.settimeout(0)
    if receive_buffer:  # the system takes less where it allows less
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    if reuse_port:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if sock.family == socket.AF_INET6:  # [::] beside 0.0.0.0, not in its place
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)


def _group(text: str) -> tuple[IPv4Address | IPv6Address, str]:
    host, _, interface = text.partition("%")
    try:
        group = ip_address(host)
    except ValueError as error:
        raise OSError(errno.EINVAL, f"{text!r} is no multicast group") from error
    if not group.is_multicast:
        raise OSError(errno.EINVAL, f"{text!r} is no multicast group")
    return group, interface


def _join(sock: socket.socket, group: IPv4Address | IPv6Address, interface: str) -> None:
    if not ip_address(sock.getsockname()[0]).is_unspecified:
        # The system hands a group's datagrams to no socket bound to one address.
        reason = f"the multicast group {group} needs 0.0.0.0 or [::] to be listened on"
        raise OSError(errno.EADDRNOTAVAIL, reason)
    number = socket.if_nametoindex(interface) if interface else 0
    if group.version == 6:  # noqa: PLR2004
        membership = group.packed + struct.pack("@I", number)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)
    else:
        membership = group.packed + struct.pack("@4si", b"", number)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
