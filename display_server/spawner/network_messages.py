"""The part of the spawner's requests that says what the programs of a desktop may reach.

It contains addresses alone. Names were looked up by the process that sends the request.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from display_server.errors import DesktopError

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
Port = Annotated[int, Meta(ge=1, le=65_535)]
#: Characters of addresses and networks. The longest network has 43 characters.
AddressText = Annotated[str, Meta(pattern=r"\A[0-9a-f.:/]{2,43}\Z")]
#: Names of hosts, as the list in the configuration has them.
HostName = Annotated[str, Meta(pattern=r"\A[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){0,126}\Z", max_length=253)]

#: Addresses that no packet of a desktop can reach, because they belong to the desktop itself, to one link, or
#: to many hosts.
UNREACHABLE: tuple[IpNetwork, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",
        "::ffff:0:0/96",
        "fe80::/10",
        "ff00::/8",
    )
)
#: The addresses of desktops with a network, unless the configuration names others: a part of the range that
#: RFC 6598 reserves for translation of addresses by carriers, which hospitals do not use inside.
DEFAULT_NETWORK_RANGE = ipaddress.IPv4Network("100.127.0.0/16")
_NEXT_STEP = "The administrator has to correct the list `network` of this desktop."

#: The addresses of one name.
NameAddresses = Annotated[list[AddressText], Meta(max_length=16)]


class Destination(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Addresses and ports that programs may reach."""

    protocol: Literal["tcp", "udp"]
    network: AddressText
    first_port: Port
    last_port: Port
    #: How the administrator wrote the host. An address of the host itself can be reached only where it was
    #: written as an address, never as a part of a network or because a name has it.
    written_as: Literal["address", "network", "name"]

    @property
    def parsed(self) -> IpNetwork:
        return ipaddress.ip_network(self.network)


class NetworkAccess(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that the programs of a desktop may reach; nothing by default."""

    destinations: Annotated[list[Destination], Meta(max_length=1024)] = []
    #: The addresses of names, for the desktop's own list of hosts.
    names: Annotated[dict[HostName, NameAddresses], Meta(max_length=64)] = {}

    @property
    def name_servers(self) -> list[str]:
        """The addresses of servers that programs may ask for names."""
        return [
            str(d.parsed.network_address)
            for d in self.destinations
            if d.protocol == "udp" and d.first_port == d.last_port == 53 and d.written_as == "address"
        ]

    def without_ipv6(self) -> NetworkAccess:
        """Returns the same without IPv6 addresses that belong to names."""
        return NetworkAccess(
            [d for d in self.destinations if d.written_as != "name" or d.parsed.version == 4],
            {name: [a for a in found if ":" not in a] for name, found in self.names.items()},
        )


def is_inside(network: IpNetwork, other: IpNetwork) -> bool:
    """Returns whether all addresses of `network` belong to `other` as well."""
    if isinstance(network, ipaddress.IPv4Network):
        return isinstance(other, ipaddress.IPv4Network) and network.subnet_of(other)
    return isinstance(other, ipaddress.IPv6Network) and network.subnet_of(other)


def is_reachable(network: IpNetwork) -> bool:
    """Returns whether at least one address of the network can be a destination."""
    return not any(is_inside(network, other) for other in UNREACHABLE)


def check_access(access: NetworkAccess, own_ranges: Iterable[IpNetwork]) -> None:
    """Raises DesktopError unless every destination is well formed and can be one.

    `own_ranges` have the addresses of desktops, which do not reach each other.
    """
    for destination in access.destinations:
        try:
            network = destination.parsed
        except ValueError as error:
            raise _refused(destination, str(error)) from error
        if str(network) != destination.network or destination.first_port > destination.last_port:
            raise _refused(destination, "it is not written in the usual way")
        if not is_reachable(network):
            raise _refused(destination, "desktops cannot reach it")
        # The answer of a name server is no mistake of the administrator, and the rules drop such packets.
        if destination.written_as != "name" and any(is_inside(network, own) for own in own_ranges):
            raise _refused(destination, "desktops do not reach each other")
        if destination.written_as != "network" and network.num_addresses != 1:
            raise _refused(destination, "it is not a single address")
    for address in (address for found in access.names.values() for address in found):
        try:
            ipaddress.ip_address(address)
        except ValueError as error:
            raise DesktopError(f"{address} is no address.", next_step=_NEXT_STEP) from error


def _refused(destination: Destination, reason: str) -> DesktopError:
    return DesktopError(
        f"The destination {destination.network} of this desktop is refused: {reason}.", next_step=_NEXT_STEP
    )
