"""Networks that the configuration names, as `networks.wards = ["10.1.0.0/16"]`. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence

from display_server.errors import ConfigurationError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Allowed names of networks.
NETWORK_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
#: The words that policies use for all networks and for none; no network has them as its name.
RESERVED_NAMES = frozenset({"anywhere", "nowhere"})


class NamedNetworks:
    """The networks that the operator has named. A name may stand for several, and several may overlap."""

    def __init__(self, networks: Mapping[str, Sequence[Network]] | None = None) -> None:
        self._networks = {name: tuple(found) for name, found in (networks or {}).items()}

    @classmethod
    def parse(cls, named: Mapping[str, Sequence[str]]) -> NamedNetworks:
        """Reads addresses and networks in CIDR notation, by name. Raises ConfigurationError."""
        return cls({name: list(_parsed(name, texts)) for name, texts in named.items()})

    def __iter__(self) -> Iterator[str]:
        return iter(self._networks)

    def __contains__(self, name: object) -> bool:
        return name in self._networks

    def of(self, address: str) -> dict[str, int]:
        """Returns the names of the networks that have this address, with their number of fixed bits.

        The more fixed bits, the smaller the network. Those of IPv4 count from the length of IPv6 addresses
        back, so that a single address has 128. An address that is unknown belongs to no network.
        """
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return {}
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        missing = 128 - parsed.max_prefixlen
        found: dict[str, int] = {}
        for name, networks in self._networks.items():
            lengths = [network.prefixlen + missing for network in networks if parsed in network]
            if lengths:
                found[name] = max(lengths)
        return found


def _parsed(name: str, texts: Sequence[str]) -> Iterator[Network]:
    if NETWORK_NAME.fullmatch(name) is None or name in RESERVED_NAMES:
        raise ConfigurationError(
            f"`networks`: {name!r} cannot be the name of a network.",
            hint="Use lower-case letters, digits and hyphens, at most 40, and none of the words "
            f"{' and '.join(sorted(RESERVED_NAMES))}.",
        )
    if not texts:
        raise ConfigurationError(
            f"`networks.{name}` has no addresses.",
            hint=f'List at least one: networks.{name} = ["10.1.0.0/16"], or leave the name out.',
        )
    for text in texts:
        try:
            yield ipaddress.ip_network(text)
        except ValueError as error:
            raise ConfigurationError(
                f"`networks.{name}`: {text!r} is neither an address nor a network.",
                hint="Write an address such as 10.1.2.3, or a network such as 10.1.0.0/16.",
            ) from error
