"""The rules that limit the network of a desktop, as scripts for `nft` and `ip`. Pure.

A desktop has a pair of interfaces: `lbox-…` on the host and `net0` in its container. What programs may reach
is limited three times, so that no single mistake and no `nft flush ruleset` on the host opens anything:

- the container has routes to the listed destinations alone;
- rules in the container's network namespace, which no program of the host flushes, and in which no process of
  the desktop has the capability to change anything;
- rules for everything that arrives from the desktop, in tables of the host that belong to Lightbox alone.

The interfaces use no ARP and no neighbour discovery, and the host has no address on its one.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from display_server.spawner.network_messages import (
    UNREACHABLE,
    Destination,
    IpNetwork,
    NetworkAccess,
    is_inside,
)

#: Beginning of the names of interfaces on the host, which hexadecimal digits of the IPv4 address follow.
PREFIX = "lbox-"
#: The interface inside the container.
INSIDE = "net0"
#: The table in the container's network namespace.
INSIDE_TABLE = "lightbox"
#: Desktops with IPv6 destinations have an address of this private range, with their IPv4 address at its end.
IPV6_RANGE = ipaddress.IPv6Network("fd6c:6967:6874:626f::/96")
#: No options of IPv4, and no routing header of IPv6: both may name further hosts as the true destination, and
#: programs may set both without a privilege.
NO_DETOURS = "ip hdrlength != 5 drop; exthdr rt exists drop"
#: Connections of one desktop at the same time. The table of connections belongs to the whole host.
CONNECTIONS_MAX = 2048
#: Desktops whose connections are counted.
DESKTOPS_MAX = 65_536


@dataclass(frozen=True, slots=True)
class DesktopAddress:
    """The addresses of one desktop, and what is named after them."""

    ipv4: ipaddress.IPv4Address

    @property
    def ipv6(self) -> ipaddress.IPv6Address:
        return IPV6_RANGE.network_address + int(self.ipv4)

    @property
    def interface(self) -> str:
        """The interface on the host, and the table of its rules."""
        return f"{PREFIX}{int(self.ipv4):08x}"

    @property
    def mac(self) -> str:
        """Both interfaces have the same one, so that no neighbour has to be asked for it."""
        return ":".join(f"{byte:02x}" for byte in (0x02, 0x4C, *self.ipv4.packed))


def interfaces_script(address: DesktopAddress, namespace: str) -> str:
    """Returns commands for `ip` that create both interfaces, which are down. `namespace` is a path."""
    name, mac = address.interface, address.mac
    return (
        f"link add {name} address {mac} type veth peer name {INSIDE} address {mac} netns {namespace}\n"
        f"link set {name} arp off addrgenmode none\n"
    )


def host_up_script(address: DesktopAddress, access: NetworkAccess) -> str:
    """Returns commands for `ip` on the host, once all rules are in place."""
    lines = [
        f"link set {address.interface} up",
        f"route replace {address.ipv4}/32 dev {address.interface}",
    ]
    if has_ipv6(access):
        lines.append(f"route replace {address.ipv6}/128 dev {address.interface}")
    return "\n".join([*lines, ""])


def inside_up_script(address: DesktopAddress, access: NetworkAccess, before: NetworkAccess | None) -> str:
    """Returns commands for `ip` in the container. `before` is what its routes were made for."""
    lines = []
    if before is None:
        lines += [
            f"link set {INSIDE} arp off addrgenmode none",
            f"link set {INSIDE} up",
            f"address replace {address.ipv4}/32 dev {INSIDE}",
        ]
    if has_ipv6(access) and (before is None or not has_ipv6(before)):
        lines.append(f"address replace {address.ipv6}/128 dev {INSIDE} nodad")
    wanted = _networks(access)
    lines += [f"{_route('replace', network)} src {_source(address, network)}" for network in wanted]
    if before is not None:
        lines += [_route("delete", network) for network in _networks(before) if network not in wanted]
    return "\n".join([*lines, ""])


def has_ipv6(access: NetworkAccess) -> bool:
    return any(destination.parsed.version == 6 for destination in access.destinations)


def inside_rules(address: DesktopAddress, access: NetworkAccess, forbidden: Iterable[IpNetwork]) -> str:
    """Returns the table of the container's network namespace. Programs that try more fail at once."""
    allowed = _allowed(access.destinations, forbidden, "reject with icmpx type admin-prohibited")
    return f"""
add table inet {INSIDE_TABLE}
delete table inet {INSIDE_TABLE}
table inet {INSIDE_TABLE} {{
  chain input {{
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    ct state established,related accept
  }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
  }}
  chain output {{
    type filter hook output priority filter; policy drop;
    oifname "lo" accept
    ip saddr != {address.ipv4} drop
    ip6 saddr != {address.ipv6} drop
    {NO_DETOURS}
{allowed}
    reject with icmpx type admin-prohibited
  }}
}}
"""


def desktop_rules(address: DesktopAddress, access: NetworkAccess, forbidden: Iterable[IpNetwork]) -> str:
    """Returns the table on the host for everything that arrives from one desktop.

    It sees packets before anything else does, of every protocol.
    """
    name = address.interface
    own = "fib daddr type { local, broadcast, multicast, anycast } drop"  # also addresses that change later
    allowed = _allowed(access.destinations, forbidden, "drop", own)
    return f"""
add table netdev {name}
delete table netdev {name}
table netdev {name} {{
  chain arriving {{
    type filter hook ingress device "{name}" priority 0; policy drop;
    ip saddr != {address.ipv4} drop
    ip6 saddr != {address.ipv6} drop
    {NO_DETOURS}
{allowed}
  }}
}}
"""


def shared_rules(table: str, own_range: ipaddress.IPv4Network, uplinks: Iterable[str]) -> str:
    """Returns the table on the host that all desktops share: nothing inwards, and translated outwards.

    `uplinks` are interfaces on which Lightbox turned forwarding on. The host goes on to forward nothing else
    from there.
    """
    chains = {
        "forward": "type filter hook forward priority filter;",
        "output": "type filter hook output priority filter;",
        "postrouting": "type nat hook postrouting priority srcnat;",
    }
    rules = [
        f'forward oifname "{PREFIX}*" ct state established,related accept',
        f'forward oifname "{PREFIX}*" drop',
        f'forward iifname "{PREFIX}*" ct state invalid drop',
        f'forward iifname "{PREFIX}*" ct state new add @connections '
        f"{{ iifname ct count over {CONNECTIONS_MAX} }} drop",
        *(f'forward iifname "{uplink}" drop' for uplink in uplinks),
        f'output oifname "{PREFIX}*" ct state != {{ established, related }} drop',
        f'postrouting ip saddr {own_range} oifname != "{PREFIX}*" masquerade',
        f'postrouting ip6 saddr {IPV6_RANGE} oifname != "{PREFIX}*" masquerade',
    ]
    return "\n".join(
        [
            f"add table inet {table}",
            f"add set inet {table} connections {{ type ifname; flags dynamic; size {DESKTOPS_MAX}; }}",
            *(
                f"add chain inet {table} {chain} {{ {hook} policy accept; }}"
                for chain, hook in chains.items()
            ),
            *(f"flush chain inet {table} {chain}" for chain in chains),
            *(f"add rule inet {table} {rule}" for rule in rules),
            "",
        ]
    )


def list_of_hosts(base: str, names: Mapping[str, Iterable[str]]) -> str:
    """Returns the content of the container's /etc/hosts."""
    return base + "".join(f"{address} {name}\n" for name, found in names.items() for address in found)


def resolver_configuration(name_servers: Iterable[str]) -> str:
    """Returns the content of /etc/resolv.conf. The C library reads at most three servers."""
    lines = [f"nameserver {server}\n" for server in list(dict.fromkeys(name_servers))[:3]]
    return "".join(lines) or "# No server for names is listed for this desktop.\n"


def uplinks_of(access: NetworkAccess, routes: Iterable[tuple[IpNetwork, str]], own: set[str]) -> set[str]:
    """Returns the interfaces through which the host reaches the IPv4 destinations.

    `routes` are destinations and interfaces of the host. `own` has the host's own addresses.
    """
    known = [(network, device) for network, device in routes if not device.startswith(PREFIX)]
    found: set[str] = set()
    for network in _networks(access):
        if network.version == 6 or str(network.network_address) in own:
            continue
        around = [route for route, _ in known if is_inside(network, route)]
        nearest = max(around, key=lambda route: route.prefixlen, default=None)
        found |= {device for route, device in known if route == nearest or is_inside(route, network)}
    return found


def _allowed(
    destinations: Iterable[Destination], forbidden: Iterable[IpNetwork], otherwise: str, *more: str
) -> str:
    """Returns rules for what the list allows. Packets that match none of them go on to the next rule.

    What is written as an address comes first: only that can be one of `forbidden`, which are the host's own.
    """
    explicit = [d for d in destinations if d.written_as == "address"]
    others = [d for d in destinations if d.written_as != "address"]
    lines = [_accept(d) for d in explicit]
    lines += [f"{_family(network)} daddr {network} {otherwise}" for network in (*UNREACHABLE, *forbidden)]
    lines += [*more, *(_accept(d) for d in others)]
    return "\n".join(f"    {line}" for line in lines)


def _accept(destination: Destination) -> str:
    network = destination.parsed
    ports = f"{destination.first_port}-{destination.last_port}"
    if destination.first_port == destination.last_port:
        ports = str(destination.first_port)
    return f"{_family(network)} daddr {network} {destination.protocol} dport {ports} accept"


def _family(network: IpNetwork) -> str:
    return "ip" if network.version == 4 else "ip6"


def _networks(access: NetworkAccess) -> list[IpNetwork]:
    return list(dict.fromkeys(destination.parsed for destination in access.destinations))


def _route(verb: str, network: IpNetwork) -> str:
    return f"route {verb} {network} dev {INSIDE}"


def _source(address: DesktopAddress, network: IpNetwork) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return address.ipv4 if network.version == 4 else address.ipv6
