"""What the programs of one isolated desktop may reach, as addresses.

The broker looks names up, when the desktop starts and again at intervals. The spawner, which is privileged,
gets addresses alone.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

import structlog

from display_server.broker.launchers.spawner_client import SpawnerClient
from display_server.desktop.network_access import AccessEntry, host_names, parse_entries
from display_server.errors import DesktopError
from display_server.spawner.messages import SetNetwork
from display_server.spawner.network_messages import Destination, NetworkAccess, is_reachable

log = structlog.get_logger(__name__)

#: Interval at which names are looked up again, s.
LOOK_UP_INTERVAL_S = 60.0
#: The same while a name has no address, or while the spawner does not answer, s.
RETRY_INTERVAL_S = 10.0
#: How long a start of a desktop waits for addresses, s. It goes on without those that are missing.
LOOK_UP_TIMEOUT_S = 5.0
#: How long an address stays reachable after the name has others, s. Connections to it may be open, and the
#: addresses of large services are handed out in turns.
KEPT_S = 3600.0
#: Addresses of one name at the same time; the latest ones count.
ADDRESSES_MAX = 16

#: Returns the addresses of a name. Raises OSError when it has none, or nobody answers.
LookUp = Callable[[str], Awaitable[Sequence[str]]]


async def look_up(name: str) -> Sequence[str]:
    """Asks the host, as its programs do (/etc/hosts, DNS)."""
    found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class NameAddresses:
    """Remembers the addresses of names. Pure."""

    def __init__(self) -> None:
        self._seen_s: dict[str, dict[str, float]] = {}  # by name and address, the latest first

    def add(self, name: str, found: Iterable[str], now_s: float) -> None:
        """Adds an answer. Addresses that are nobody else's, such as 127.0.0.1, are left out."""
        usable = [text for text in dict.fromkeys(found) if _is_usable(text)]
        kept = {
            address: seen_s
            for address, seen_s in self._seen_s.get(name, {}).items()
            if address not in usable and now_s - seen_s <= KEPT_S
        }
        latest = dict.fromkeys(usable, now_s) | kept
        self._seen_s[name] = dict(list(latest.items())[:ADDRESSES_MAX])

    def of(self, name: str) -> list[str]:
        """Returns what programs may reach."""
        return list(self._seen_s.get(name, ()))

    def latest(self, name: str) -> list[str]:
        """Returns the latest answer, for the list of hosts."""
        seen_s = self._seen_s.get(name, {})
        newest_s = max(seen_s.values(), default=0.0)
        return [address for address, at_s in seen_s.items() if at_s == newest_s]


def _is_usable(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:  # a link-local address with its interface
        return False
    return is_reachable(ipaddress.ip_network(address))


def access_of(entries: Iterable[AccessEntry], addresses: NameAddresses) -> NetworkAccess:
    """Returns the list of a desktop with the addresses of its names."""
    destinations: list[Destination] = []
    names: dict[str, list[str]] = {}
    for entry in entries:
        ports = (entry.first_port, entry.last_port)
        if isinstance(entry.host, str):
            names[entry.host] = addresses.latest(entry.host)
            networks = [str(ipaddress.ip_network(address)) for address in addresses.of(entry.host)]
            destinations += [Destination(entry.protocol, network, *ports, "name") for network in networks]
        else:
            one = entry.host.num_addresses == 1
            network = str(entry.host)
            destinations.append(Destination(entry.protocol, network, *ports, "address" if one else "network"))
    # The order of addresses says nothing, and must not look like a change.
    return NetworkAccess(sorted(destinations, key=_order), names)


def _order(destination: Destination) -> tuple[str, str, int]:
    return destination.network, destination.protocol, destination.first_port


class DesktopNetwork:
    """The network of one desktop. `texts` is the administrator's list. Raises DesktopError if it is wrong."""

    def __init__(
        self,
        texts: Sequence[str],
        *,
        look_up: LookUp = look_up,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        try:
            self._entries = parse_entries(texts)
        except ValueError as error:
            raise DesktopError(
                f"The list `network` of this desktop is wrong: {error}.",
                next_step="The administrator has to correct it.",
            ) from error
        self._names = host_names(self._entries)
        self._look_up = look_up
        self._monotonic_s = monotonic_s
        self._addresses = NameAddresses()
        self._missing: set[str] = set()
        self._sent: NetworkAccess | None = None

    async def first_access(self) -> NetworkAccess:
        """Returns what programs may reach when the desktop starts."""
        self._sent = await self._access()
        return self._sent

    async def follow(self, session: str, spawner: SpawnerClient) -> None:
        """Looks the names up again until it is cancelled, and orders the spawner to allow what has changed.

        A desktop that an earlier process started gets its addresses at once.
        """
        pause_s = 0.0 if self._sent is None else LOOK_UP_INTERVAL_S
        while self._names:
            await asyncio.sleep(pause_s)
            answered = await self._send_changes(session, spawner)
            pause_s = LOOK_UP_INTERVAL_S if answered and not self._missing else RETRY_INTERVAL_S

    async def _send_changes(self, session: str, spawner: SpawnerClient) -> bool:
        access = await self._access()
        if access == self._sent:
            return True
        try:
            await spawner.send(SetNetwork(session, access))
        except DesktopError as error:
            log.warning("network of a desktop not changed", session=session, error=error.in_one_line())
            return False
        self._sent = access
        log.info("network of a desktop changed", session=session, names=self._names)
        return True

    async def _access(self) -> NetworkAccess:
        missing = [name for name in await asyncio.gather(*map(self._refresh, self._names)) if name]
        for name in set(missing) - self._missing:
            log.warning("name has no address, and programs cannot reach it", name=name)
        self._missing = {name for name in missing if not self._addresses.of(name)}
        return access_of(self._entries, self._addresses)

    async def _refresh(self, name: str) -> str | None:
        """Looks a name up. Returns the name if there was no answer; its former addresses then stay."""
        try:
            async with asyncio.timeout(LOOK_UP_TIMEOUT_S):
                found = await self._look_up(name)
        except OSError:  # TimeoutError is one
            return name
        self._addresses.add(name, found, self._monotonic_s())
        return None
