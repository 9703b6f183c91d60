"""The budget of connections: who may have how many, and which one makes room for another. Pure.

A connection begins as a stranger's, because nothing is known of it but its address. It belongs to a person
and a device as soon as a request on it carries the cookie of a web session. Two limits concern strangers:

- All of them together leave `reserved` connections to people who are signed in.
- One address has at most `per_address` of them, unless many people share the address.

A stranger beyond a limit is not refused, because it may be a person who is about to show their cookie.
Instead it replaces the oldest stranger, so that whoever holds connections without using them loses those.
Connections whose request is complete are never closed in favour of others.

Limits per address alone were rejected: a whole ward may sit behind one address, and one attacker there would
keep all of it out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from display_server.broker_link.client_network import network_of
from display_server.broker_link.messages import ConnectionLimits

T = TypeVar("T")

#: Connections that people who are signed in cannot take: whoever comes needs one to sign in.
FOR_STRANGERS = 16


class LimitReached(Enum):
    """Which limit a connection exceeded. The values appear in metrics and logs."""

    SERVER = "server"
    STRANGERS = "strangers"
    ADDRESS = "address"
    PERSON = "person"
    DEVICE = "device"


@dataclass(eq=False, slots=True)
class CountedConnection:
    """One connection, as the budget knows it.

    `evict` closes it, and is replaced by whoever handles the connection at the moment. It must not call the
    budget.
    """

    evict: Callable[[], None]
    address: str
    person: str | None = None
    device: bytes | None = None  # hash of the web session
    busy: bool = False  # a complete request is being processed
    exceeded: LimitReached | None = None  # no stranger made room for this one: only a person gets an answer


@dataclass
class ConnectionBudget:
    """Counts connections. `is_shared` returns whether many people share an address."""

    limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    is_shared: Callable[[str], bool] = lambda _address: False
    evicted: Counter[LimitReached] = field(default_factory=Counter)
    refused: Counter[LimitReached] = field(default_factory=Counter)
    # By address, and the oldest first.
    _strangers: dict[str, dict[CountedConnection, None]] = field(default_factory=dict)
    _persons: Counter[str] = field(default_factory=Counter)
    _devices: Counter[bytes] = field(default_factory=Counter)

    @property
    def strangers(self) -> int:
        return sum(map(len, self._strangers.values()))

    @property
    def signed_in(self) -> int:
        return self._persons.total()

    def open(self, address: str, evict: Callable[[], None]) -> CountedConnection | None:
        """Counts a new connection. Returns None when it must be closed at once: no other can make room."""
        if self.strangers + self.signed_in >= self.limits.connections and not self._make_room(
            LimitReached.SERVER
        ):
            self.refused[LimitReached.SERVER] += 1
            return None
        connection = CountedConnection(evict, network_of(address))
        self._add_stranger(connection, shared=self.is_shared(address))
        return connection

    def at(self, connection: CountedConnection, address: str) -> None:
        """Says which address a stranger really has, behind a reverse proxy."""
        group = network_of(address)
        if connection.person is None and group != connection.address and self._holds(connection):
            self.close(connection)
            connection.address = group
            self._add_stranger(connection, shared=self.is_shared(address))

    def sign_in(self, connection: CountedConnection, person: str, device: bytes) -> LimitReached | None:
        """Says whose connection it is. Returns the limit that this exceeds, if any: then nothing changes."""
        if (connection.person, connection.device) == (person, device):
            return None
        limits = self.limits
        same_person = int(connection.person == person)
        exceeded = None
        if self._devices[device] >= limits.per_device:
            exceeded = LimitReached.DEVICE
        elif self._persons[person] - same_person >= limits.per_person:
            exceeded = LimitReached.PERSON
        elif connection.person is None and self.signed_in >= limits.connections - FOR_STRANGERS:
            exceeded = LimitReached.SERVER
        if exceeded is not None:
            self.refused[exceeded] += 1
            return exceeded
        if not self._holds(connection):  # it has just been closed in favour of another one
            return None
        self.close(connection)
        connection.person, connection.device, connection.exceeded = person, device, None
        self._persons[person] += 1
        self._devices[device] += 1
        return None

    def close(self, connection: CountedConnection) -> None:
        """Forgets a connection, which is closed. Nothing happens if that was done before."""
        if not self._holds(connection):
            return
        if connection.person is not None and connection.device is not None:
            _decrement(self._persons, connection.person)
            _decrement(self._devices, connection.device)
            connection.person = connection.device = None
            return
        group = self._strangers[connection.address]
        del group[connection]
        if not group:
            del self._strangers[connection.address]

    def _holds(self, connection: CountedConnection) -> bool:
        return connection.person is not None or connection in self._strangers.get(connection.address, ())

    def _add_stranger(self, connection: CountedConnection, *, shared: bool) -> None:
        group = self._strangers.setdefault(connection.address, {})
        group[connection] = None
        connection.exceeded = None
        if not shared and len(group) > self.limits.per_address:
            exceeded, made = LimitReached.ADDRESS, self._evict_from(group, connection, LimitReached.ADDRESS)
        elif self.strangers > self.limits.connections - self.limits.reserved:
            exceeded, made = LimitReached.STRANGERS, self._make_room(LimitReached.STRANGERS, connection)
        else:
            return
        if not made:
            connection.exceeded = exceeded

    def _make_room(self, reason: LimitReached, newcomer: CountedConnection | None = None) -> bool:
        """Evicts a stranger of the address that has most of them, if one can be evicted."""
        groups = sorted(self._strangers.values(), key=len, reverse=True)
        return any(self._evict_from(group, newcomer, reason) for group in groups)

    def _evict_from(
        self,
        group: dict[CountedConnection, None],
        newcomer: CountedConnection | None,
        reason: LimitReached,
    ) -> bool:
        for connection in group:
            if connection is not newcomer and not connection.busy:
                self.close(connection)
                self.evicted[reason] += 1
                connection.evict()
                return True
        return False


def _decrement(counter: Counter[T], key: T) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
