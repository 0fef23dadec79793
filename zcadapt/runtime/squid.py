"""The lines for squid.conf that belong to what the server listens on."""

from collections.abc import Iterator, Sequence

from zcadapt.config import Address

__all__ = ["squid_conf"]

ANYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


def squid_conf(icap: Sequence[Address], icp: Sequence[Address]) -> str:
    """Return what makes a Squid on the same machine ask this server."""
    return "\n".join([*_icap_lines(icap[:1]), *_icp_lines(icp[:1])])


def _icap_lines(addresses: Sequence[Address]) -> Iterator[str]:
    for address in map(_reachable, addresses):
        yield "icap_enable on"
        yield "icap_preview_enable on"
        yield "icap_206_enable on"
        yield "adaptation_send_client_ip on"
        yield "adaptation_send_username on"
        for path in ("reqmod", "respmod"):
            yield f"icap_service zcadapt_{path} {path}_precache icap://{address}/{path} bypass=off"
            yield f"adaptation_access zcadapt_{path} allow all"
        yield "# Uploads with Expect: 100-continue stall without it:"
        yield "force_request_body_continuation allow all"
        yield "# What is blocked in the middle of a download is broken off, which is no failure:"
        yield "icap_service_failure_limit -1"
        yield "# Seconds after which a Squid that found no server asks again; it takes no less:"
        yield "icap_service_revival_delay 30"


def _icp_lines(addresses: Sequence[Address]) -> Iterator[str]:
    for address in map(_reachable, addresses):
        yield "# ICP: 8080 stands for the HTTP port of the server that the policies speak for,"
        yield "# 3131 for a UDP port of Squid's own:"
        yield "# icp_port 3131"
        yield "# icp_query_timeout 2000"
        yield "# minimum_direct_rtt 0"
        yield "# prefer_direct on"
        yield f"# cache_peer {address.host} parent 8080 {address.port} no-digest no-netdb-exchange"


def _reachable(address: Address) -> Address:
    """Return an address that one can connect to."""
    if address.host not in ANYWHERE:
        return address
    return Address("::1" if ":" in address.host else "127.0.0.1", address.port)
