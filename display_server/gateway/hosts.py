"""The host names and addresses by which browsers may reach the gateway."""

from __future__ import annotations

import ipaddress
import socket

import psutil

from display_server.errors import ConfigurationError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Private networks that are larger than these prefixes are not taken as a whole (IPv4, IPv6).
PREFIX_MIN = {4: 16, 6: 48}
#: Names and addresses by which a browser on this host can always reach the gateway.
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def is_loopback(host: str) -> bool:
    """Returns whether this address, or the name `localhost`, can be reached from this host only."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if address.version == 6 and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def names_in_use(host: str, configured: list[str]) -> list[str]:
    """Returns every host name and address, in lower case, that a browser may use to reach the gateway.

    `host` is the address to listen on. The result goes into the local authority's certificate, and requests
    with any other `Host` header are rejected.
    """
    names = [*configured, *LOOPBACK]
    if not is_loopback(host):
        names += _own_addresses(host) if is_wildcard(host) else [host]
        names += [socket.gethostname(), f"{socket.gethostname()}.local"]
    return [name for name in dict.fromkeys(name.lower() for name in names) if _valid(name)]


def is_wildcard(host: str) -> bool:
    """Returns whether this address stands for all addresses of the host, as 0.0.0.0 and :: do."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _own_addresses(host: str) -> list[str]:
    """Returns the addresses of all interfaces; only the IPv4 ones when `host` is 0.0.0.0.

    Link-local IPv6 addresses are left out because a URL cannot contain them.
    """
    families = {socket.AF_INET} if "." in host else {socket.AF_INET, socket.AF_INET6}
    return [
        address.address
        for interface in psutil.net_if_addrs().values()
        for address in interface
        if address.family in families and "%" not in address.address
    ]


def own_networks() -> list[Network]:
    """Returns the private networks of all interfaces. Large ones and public addresses are left out."""
    networks = []
    for interface in psutil.net_if_addrs().values():
        for address in interface:
            if address.family in {socket.AF_INET, socket.AF_INET6} and address.netmask:
                own = _network_of(address.address.partition("%")[0], address.netmask)
                if own.is_private and own.prefixlen >= PREFIX_MIN[own.version]:
                    networks.append(own)
    return networks


def _network_of(address: str, netmask: str) -> Network:
    if ":" in netmask:
        prefix = int(ipaddress.IPv6Address(netmask)).bit_count()
        return ipaddress.IPv6Network((address, prefix), strict=False)
    return ipaddress.IPv4Network((address, netmask), strict=False)


def _valid(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return bool(name) and all(
            part
            and len(part) <= 63
            and all(letter.isascii() and (letter.isalnum() or letter == "-") for letter in part)
            for part in name.split(".")
        )
    return True


def check_name(name: str) -> None:
    """Raises ConfigurationError when `name` is neither a host name nor an IP address."""
    if not _valid(name.lower()):
        raise ConfigurationError(
            f"{name!r} is neither a host name nor an IP address.",
            hint="Write it without https:// and without a port. Write names with other letters than a-z in "
            "their xn-- form.",
        )


def split_host(header: str) -> tuple[str, str]:
    """Splits the header `Host: name:port` into the name, in lower case and without brackets, and the port.

    The port is empty when the header has none.
    """
    if header.startswith("["):
        name, _, port = header[1:].partition("]")
        return name.lower(), port.removeprefix(":")
    name, _, port = header.partition(":")
    return name.lower(), port


def origin_allowed(
    origin: str, host_header: str, names: frozenset[str], public_origin: str | None = None
) -> bool:
    """Returns whether a page of `origin` belongs to this gateway, reached under the name in `host_header`.

    It does if its origin is the requested address, or the public one that the operator configured. Browsers
    leave the port 443 out of the origin; some proxies add it to the host.
    """
    requested = f"https://{host_header.lower().removesuffix(':443')}"
    return split_host(host_header)[0] in names and origin.lower() in {requested, public_origin}


def url_of(host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"https://{shown}:{port}" if port != 443 else f"https://{shown}"
