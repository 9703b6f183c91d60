"""What a host needs for desktops with a network, for `lightbox doctor`. Other desktops need none of it."""

from __future__ import annotations

import ipaddress
import shutil

from display_server.errors import DesktopError
from display_server.spawner.host import HostFact
from display_server.spawner.network import PROGRAMS, SEARCH_PATH, Host, forwards_ipv6


def examine_network(own_range: ipaddress.IPv4Network, *, ipv6: bool) -> list[HostFact]:
    """Returns everything that the networks of desktops need. `ipv6`: whether a list has IPv6 destinations."""
    facts = [_program(name, package) for name, package in PROGRAMS.items()]
    if all(fact.ok for fact in facts):
        facts.append(_range(own_range))
    if ipv6:
        found = "forwarded" if forwards_ipv6() else "not forwarded"
        hint = "Set the sysctl net.ipv6.conf.all.forwarding to 1 (docs/network.md)."
        facts.append(HostFact("IPv6", forwards_ipv6(), found, hint))
    return facts


def _program(name: str, package: str) -> HostFact:
    path = shutil.which(name, path=SEARCH_PATH)
    return HostFact(name, path is not None, path or "missing", f"apt install {package}", (package,))


def _range(own_range: ipaddress.IPv4Network) -> HostFact:
    hint = "Choose addresses that nobody uses with `isolation.network_range`."
    try:
        host = Host()
    except DesktopError as error:
        return HostFact("addresses of desktops", False, error.cause, hint)
    used = [address for address in host.addresses if ipaddress.ip_address(address) in own_range]
    found = f"{own_range}, but this host is {', '.join(used)}" if used else str(own_range)
    return HostFact("addresses of desktops", not used, found, hint)
