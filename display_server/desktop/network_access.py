"""What the programs of an isolated desktop may reach: the list that an administrator writes. Pure.

An entry is `[udp:|tcp:]HOST:PORT` or `…:FIRST-LAST`. HOST is a name, an IPv4 address or network, or an IPv6
address or network in brackets: "10.2.0.5:104", "emr.hospital.example:443", "10.2.1.0/24:11112-11119",
"[2001:db8::5]:443", "udp:10.2.0.53:53".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from display_server.spawner.network_messages import IpNetwork, is_reachable

Protocol = Literal["tcp", "udp"]

#: Entries of one desktop. Packets are compared with one after the other.
ENTRIES_MAX = 64
#: Longest name of a host, characters.
NAME_MAX = 253
EXAMPLES = '"10.2.0.5:104", "emr.hospital.example:443", "[2001:db8::5]:443" or "udp:10.2.0.53:53"'

_ENTRY = re.compile(r"(?:(tcp|udp):)?(?:\[([^\[\]]*)\]|([^\[\]:]*)):(\d{1,5})(?:-(\d{1,5}))?")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
#: Names that mean the desktop itself.
_LOCAL_NAMES = frozenset({"localhost", "ip6-localhost", "ip6-loopback"})


@dataclass(frozen=True, slots=True)
class AccessEntry:
    """One entry of the list: a protocol, a host or network, and a range of ports."""

    protocol: Protocol
    host: str | IpNetwork  # a name in lower case, or a network; an address is a network of one address
    first_port: int
    last_port: int


def parse_entry(text: str) -> AccessEntry:
    """Raises ValueError, which says what is wrong with the entry."""
    match = _ENTRY.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"{text!r} is not a destination with a port, such as {EXAMPLES}")
    protocol, bracketed, plain, first, last = match.groups()
    first_port, last_port = int(first), int(last or first)
    if not 1 <= first_port <= last_port <= 65_535:
        raise ValueError(f"{text!r}: ports are from 1 to 65535, and a range begins with the smaller one")
    if bracketed is not None:
        host: str | IpNetwork = _network(text, bracketed, 6)
    elif "/" in plain or re.fullmatch(r"[0-9.]*", plain):
        host = _network(text, plain, 4)
    else:
        host = _name(text, plain)
    return AccessEntry("udp" if protocol == "udp" else "tcp", host, first_port, last_port)


def parse_entries(texts: Sequence[str]) -> tuple[AccessEntry, ...]:
    """Raises ValueError."""
    if len(texts) > ENTRIES_MAX:
        raise ValueError(f"there are {len(texts)} entries, and at most {ENTRIES_MAX} are possible")
    return tuple(dict.fromkeys(parse_entry(text) for text in texts))


def host_names(entries: Iterable[AccessEntry]) -> list[str]:
    """Returns the names whose addresses have to be looked up, each once."""
    return list(dict.fromkeys(entry.host for entry in entries if isinstance(entry.host, str)))


def _network(text: str, host: str, version: int) -> IpNetwork:
    try:
        network = ipaddress.ip_network(host, strict=True)
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from None
    if network.version != version:
        raise ValueError(f"{text!r}: only IPv6 addresses are in brackets, and all of them are")
    if not is_reachable(network):
        raise ValueError(f"{text!r}: a desktop cannot reach {host} over a network")
    return network


def _name(text: str, name: str) -> str:
    labels = name.removesuffix(".").split(".")
    if len(name) > NAME_MAX or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{text!r}: {name!r} is neither an address nor the name of a host")
    if labels[-1].isdigit() or name in _LOCAL_NAMES:
        raise ValueError(f"{text!r}: {name!r} cannot be the name of another host")
    return ".".join(labels)
