"""What can be set about ICP: where it listens, who may ask, and the bounds of what that costs."""

from dataclasses import dataclass
from typing import Final

from zcadapt.address import ADDRESS, GROUP, NETWORK
from zcadapt.fields import setting

__all__ = ["NEARBY", "ICPSettings"]

#: This machine, private networks (RFC 1918, RFC 4193) and the link.
NEARBY: Final = (
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ICPSettings:
    """The table ``[icp]``."""

    listen: tuple[str, ...] = setting(
        ("127.0.0.1:3130",), "Where to listen, each HOST:PORT.", format=ADDRESS
    )
    allow: tuple[str, ...] = setting(
        NEARBY,
        "Who may ask: addresses and networks. An empty list is nobody; "
        "0.0.0.0/0 and ::/0 are everybody.",
        format=NETWORK,
    )
    refuse: str = setting(
        "silence",
        "What others get: nothing, or ICP_OP_DENIED.",
        choices=("silence", "denied"),
    )
    multicast: tuple[str, ...] = setting(
        (),
        "Groups to join where 0.0.0.0 or [::] is listened on, each GROUP or GROUP%INTERFACE.",
        format=GROUP,
    )
    pending: int = setting(
        1000,
        "How many queries may wait for asynchronous policies; "
        "one more is told ICP_OP_MISS_NOFETCH.",
        least=1,
        most=1_000_000,
    )
    receive_buffer: int = setting(
        1 << 20,
        "How many bytes of queries the system is asked to keep while the server is busy.",
        least=1 << 12,
        most=1 << 30,
    )
