"""How browsers reach the gateway: its names, its public address, and reverse proxies. Pure: there is no I/O.

A proxy's headers are believed only if the proxy's own address is listed in `trusted_proxies`. Anybody else
could send the same headers to look like another client.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from display_server.broker_link.cookies import CookieScope
from display_server.errors import ConfigurationError
from display_server.gateway.hosts import Network, check_name, origin_allowed, split_host
from display_server.gateway.page_policy import PagePolicy

#: Headers that only requests through a proxy have.
FORWARDING_HEADERS = frozenset(
    {
        b"forwarded",
        b"via",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"x-real-ip",
    }
)
#: The only TLS version that the gateway accepts from everybody. Trusted proxies may use TLS 1.2 as well.
NEWEST_TLS = "TLSv1.3"


class Networks:
    """A set of addresses and networks."""

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        self._networks = tuple(networks)

    @classmethod
    def parse(cls, texts: Iterable[str], *, key: str = "trusted_proxies") -> Self:
        """Reads addresses and networks in CIDR notation, the value of `key` in the configuration.

        Raises ConfigurationError.
        """
        return cls(_network(text, key) for text in texts)

    def __contains__(self, address: object) -> bool:
        if not isinstance(address, str):
            return False
        try:
            parsed = _plain(ipaddress.ip_address(address.partition("%")[0]))
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)


class TrustedProxies(Networks):
    """The addresses of reverse proxies whose headers are believed."""

    def client_of(self, peer: str, forwarded_for: Sequence[str]) -> str:
        """Returns the address of the client behind the proxies.

        `peer` is the address that connected, `forwarded_for` the values of all headers X-Forwarded-For in
        their order. Each proxy appends the address that connected to it, so the values are read from the end
        as long as trusted proxies wrote them. What an unknown address wrote is never read. Of a malformed
        value nothing is taken: the client is then the last address that is certain.
        """
        client = peer
        entries = [entry for value in forwarded_for for entry in value.split(",")]
        while client in self and entries:
            address = _address_in(entries.pop().strip())
            if address is None:
                break
            client = address
        return client


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """The address that browsers use, as the operator configured it (`public_url`)."""

    origin: str  # https://NAME, or https://NAME:PORT
    host: str  # its name, in lower case and without brackets
    prefix: str  # path without a slash at the end; empty for the root

    @classmethod
    def parse(cls, text: str) -> PublicAddress:
        """Reads an address such as https://lightbox.hospital.example/lightbox/. Raises ConfigurationError."""
        hint = "Write it as browsers show it, for example https://lightbox.hospital.example/lightbox/."
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise ConfigurationError(f"`public_url`: {text!r} is not a URL: {error}.", hint=hint) from error
        if parts.scheme != "https":
            raise ConfigurationError(
                f"`public_url`: {text!r} does not begin with https://.",
                hint="Browsers show desktops only over HTTPS. " + hint,
            )
        if parts.query or parts.fragment or parts.username is not None or parts.hostname is None:
            raise ConfigurationError(
                f"`public_url`: {text!r} must consist of https://, a name and at most a port and a path.",
                hint=hint,
            )
        prefix = parts.path.rstrip("/")
        if not all(letter.isascii() and (letter.isalnum() or letter in "/-._~") for letter in prefix) or (
            "//" in prefix or "/." in prefix
        ):
            raise ConfigurationError(
                f"`public_url`: {parts.path!r} cannot be a path prefix.",
                hint="Use letters, digits and the characters - _ . ~ between slashes.",
            )
        check_name(parts.hostname)
        shown = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        port_text = "" if port in {None, 443} else f":{port}"
        return cls(f"https://{shown}{port_text}", parts.hostname, prefix)

    @property
    def url(self) -> str:
        return f"{self.origin}{self.prefix}/"


@dataclass(frozen=True, slots=True)
class PublicAccess:
    """The names, the public address and the proxies through which browsers reach the gateway."""

    names: frozenset[str]
    public: PublicAddress | None = None
    proxies: TrustedProxies = field(default_factory=TrustedProxies)
    #: Networks whose addresses many people share, for example behind network address translation.
    shared_networks: Networks = field(default_factory=Networks)
    page: PagePolicy = field(default_factory=PagePolicy)
    #: Whether browsers send the cookies when a page of another site shows this one in a frame.
    cross_site_cookies: bool = False

    @property
    def prefix(self) -> str:
        """The path prefix that a proxy may leave in requests, without a slash at the end."""
        return self.public.prefix if self.public else ""

    def path_of(self, path: str) -> str:
        """Returns the path of a request without the public address's prefix."""
        if path == self.prefix or path.startswith(self.prefix + "/"):
            return path[len(self.prefix) :] or "/"
        return path

    def cookie_scope(self, peer: str, path: str, forwarded_prefix: str | None) -> CookieScope:
        """Returns where the cookies of this request's browser belong.

        Below a path prefix, other applications of the same host must not get them. A proxy that removes the
        prefix names it in X-Forwarded-Prefix, which only trusted proxies may set. Otherwise the browser may
        have used no prefix, and would not send a cookie of that path back.
        """
        left = path == self.prefix or path.startswith(self.prefix + "/")
        named = forwarded_prefix is not None and forwarded_prefix.rstrip("/") == self.prefix
        prefixed = left or (named and peer in self.proxies)
        return CookieScope(self.prefix if prefixed else "", self.cross_site_cookies)

    def is_shared(self, address: str) -> bool:
        """Returns whether many people have this address: limits per address must not stop them all."""
        return address in self.shared_networks or address in self.proxies

    def host_of(self, peer: str, host: str, forwarded_host: str | None) -> str:
        """Returns the header Host that the browser sent.

        `forwarded_host` is X-Forwarded-Host, which only trusted proxies may set. The last of several values
        is the one that the proxy itself added.
        """
        if forwarded_host is None or peer not in self.proxies:
            return host
        return forwarded_host.rpartition(",")[2].strip()

    def accepts_host(self, host: str) -> bool:
        return split_host(host)[0] in self.names

    def origin_allowed(self, origin: str, host: str) -> bool:
        """Returns whether a page of `origin` belongs to this gateway, which was reached as `host`."""
        return origin_allowed(origin, host, self.names, self.public.origin if self.public else None)

    def tls_allowed(self, peer: str, version: str | None) -> bool:
        """Returns whether this address may use this TLS version. None stands for no network at all."""
        return version is None or version == NEWEST_TLS or peer in self.proxies


def _network(text: str, key: str) -> Network:
    hint = "Write addresses or networks, for example 127.0.0.1 or 10.0.3.0/24. Names are not possible."
    try:
        network = ipaddress.ip_network(text.strip())
    except ValueError as error:
        raise ConfigurationError(f"`{key}`: {error}.", hint=hint) from error
    if network.prefixlen == 0:
        raise ConfigurationError(
            f"`{key}`: {text!r} covers every address.", hint="Name only the addresses that are meant."
        )
    return network


def _address_in(entry: str) -> str | None:
    """Returns the address of an entry of X-Forwarded-For, to which some proxies add a port."""
    if entry.startswith("["):
        entry = entry[1:].partition("]")[0]
    elif entry.count(":") == 1:
        entry = entry.partition(":")[0]
    try:
        return str(_plain(ipaddress.ip_address(entry)))
    except ValueError:
        return None


def _plain(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Returns the IPv4 address that an IPv6 address such as ::ffff:192.0.2.1 stands for."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
