"""By which names and addresses browsers may reach this door."""

from __future__ import annotations

import ipaddress
import socket

import psutil

from display_server.errors import ConfigurationError

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def is_loopback(host: str) -> bool:
    """Whether this address (or `localhost`) can be reached from this host only."""
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
    """Everything a browser may have in its address bar: for the certificate, and for the check of `Host`.
    Lower case.
    """
    names = [*configured, *LOOPBACK]
    if not is_loopback(host):
        names += _own_addresses(host) if is_wildcard(host) else [host]
        names += [socket.gethostname(), f"{socket.gethostname()}.local"]
    return [name for name in dict.fromkeys(name.lower() for name in names) if _valid(name)]


def is_wildcard(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _own_addresses(host: str) -> list[str]:
    """Of every interface; `0.0.0.0` listens on IPv4 only. Link-local IPv6 addresses cannot stand in a URL."""
    families = {socket.AF_INET} if "." in host else {socket.AF_INET, socket.AF_INET6}
    return [
        address.address
        for interface in psutil.net_if_addrs().values()
        for address in interface
        if address.family in families and "%" not in address.address
    ]


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
    """Raises ConfigurationError when it can be neither a host name nor an address."""
    if not _valid(name.lower()):
        raise ConfigurationError(
            f"{name!r} is neither a host name nor an address.",
            hint="Write it without https:// and port; names beyond ASCII in their xn-- form.",
        )


def split_host(header: str) -> tuple[str, str]:
    """`Host: name:port` → (name in lower case without brackets, port or ``)."""
    if header.startswith("["):
        name, _, port = header[1:].partition("]")
        return name.lower(), port.removeprefix(":")
    name, _, port = header.partition(":")
    return name.lower(), port


def origin_allowed(origin: str, host_header: str, names: frozenset[str]) -> bool:
    """Whether a page of `origin` is a page of this door, reached as `host_header`."""
    return split_host(host_header)[0] in names and origin.lower() == f"https://{host_header.lower()}"


def url_of(host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"https://{shown}:{port}" if port != 443 else f"https://{shown}"
