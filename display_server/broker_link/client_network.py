"""Which addresses count as one client. Pure."""

from __future__ import annotations

import ipaddress


def network_of(address: str) -> str:
    """Returns the network that counts as one address: an IPv4 address itself, or the /64 of an IPv6 address.

    A single host usually owns its whole IPv6 /64. Text that is no IP address is returned unchanged.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 6:
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
