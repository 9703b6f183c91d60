"""The budget of connections, without any connection."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from display_server.broker_link.messages import ConnectionLimits
from display_server.gateway.connection_budget import (
    FOR_STRANGERS,
    ConnectionBudget,
    CountedConnection,
    LimitReached,
)

DEVICE = b"device"


class Connections:
    """Opens connections of a budget, and knows by their number which of them were evicted."""

    def __init__(
        self, limits: ConnectionLimits, *, is_shared: Callable[[str], bool] = lambda _: False
    ) -> None:
        self.budget = ConnectionBudget(limits, is_shared)
        self.evicted: list[int] = []
        self._opened = 0

    def open(self, address: str = "192.0.2.1") -> CountedConnection | None:
        number = self._opened
        self._opened += 1
        return self.budget.open(address, lambda: self.evicted.append(number))

    def must_open(self, address: str = "192.0.2.1") -> CountedConnection:
        connection = self.open(address)
        assert connection is not None
        return connection


def test_a_stranger_beyond_the_limit_replaces_the_oldest_of_the_same_address() -> None:
    connections = Connections(ConnectionLimits(per_address=3))
    connections.must_open("192.0.2.9")
    for _ in range(5):
        connections.must_open()
    assert connections.evicted == [1, 2]
    assert connections.budget.strangers == 4
    assert connections.budget.evicted == {LimitReached.ADDRESS: 2}


def test_addresses_of_one_ipv6_network_count_as_one() -> None:
    connections = Connections(ConnectionLimits(per_address=1))
    connections.must_open("2001:db8::1")
    connections.must_open("2001:db8::2")
    assert connections.evicted == [0]


def test_a_shared_address_has_no_limit_of_its_own() -> None:
    connections = Connections(ConnectionLimits(per_address=3), is_shared=lambda address: True)
    for _ in range(200):
        connections.must_open()
    assert connections.evicted == []


def test_strangers_leave_the_reserve_to_people_who_are_signed_in() -> None:
    connections = Connections(ConnectionLimits(connections=20, reserved=15))
    for host in range(8):
        connections.must_open(f"192.0.2.{host}")
    assert connections.budget.strangers == 5
    assert connections.budget.evicted == {LimitReached.STRANGERS: 3}


def test_the_address_with_the_most_connections_makes_room() -> None:
    connections = Connections(ConnectionLimits(connections=10, reserved=4))
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.2", "192.0.2.3", "192.0.2.4"):
        connections.must_open(address)
    connections.must_open("192.0.2.5")
    assert connections.evicted == [1]


def test_a_person_is_not_evicted_and_frees_their_place_among_strangers() -> None:
    connections = Connections(ConnectionLimits(per_address=1))
    first = connections.must_open()
    assert connections.budget.sign_in(first, "kim", DEVICE) is None
    connections.must_open()
    assert connections.evicted == []
    assert (connections.budget.signed_in, connections.budget.strangers) == (1, 1)


def test_a_request_that_is_processed_is_not_interrupted() -> None:
    connections = Connections(ConnectionLimits(per_address=2))
    first = connections.must_open()
    first.busy = True
    connections.must_open()
    connections.must_open()
    assert connections.evicted == [1]


def test_a_stranger_for_whom_nobody_makes_room_may_still_sign_in() -> None:
    connections = Connections(ConnectionLimits(per_address=1))
    connections.must_open().busy = True
    newcomer = connections.must_open()
    assert newcomer.exceeded is LimitReached.ADDRESS
    assert connections.budget.sign_in(newcomer, "kim", DEVICE) is None
    assert newcomer.exceeded is None


def test_a_full_server_closes_a_stranger_for_a_newcomer() -> None:
    connections = Connections(ConnectionLimits(connections=4, reserved=0, per_address=9))
    for _ in range(5):
        connections.must_open()
    assert connections.evicted == [0]
    assert connections.budget.evicted == {LimitReached.SERVER: 1}


def test_a_full_server_refuses_when_nobody_can_make_room() -> None:
    connections = Connections(ConnectionLimits(connections=2, reserved=0))
    for _ in range(2):
        connections.must_open().busy = True
    assert connections.open() is None
    assert connections.budget.refused == {LimitReached.SERVER: 1}


@pytest.mark.parametrize(
    ("limits", "exceeded"),
    [
        (ConnectionLimits(per_person=2), LimitReached.PERSON),
        (ConnectionLimits(per_device=2), LimitReached.DEVICE),
        (ConnectionLimits(connections=FOR_STRANGERS + 2), LimitReached.SERVER),
    ],
)
def test_limits_of_people_who_are_signed_in(limits: ConnectionLimits, exceeded: LimitReached) -> None:
    connections = Connections(limits)
    for _ in range(2):
        assert connections.budget.sign_in(connections.must_open(), "kim", DEVICE) is None
    third = connections.must_open()
    assert connections.budget.sign_in(third, "kim", DEVICE) is exceeded
    assert third.person is None
    assert connections.budget.refused == {exceeded: 1}


def test_another_person_and_another_device_have_limits_of_their_own() -> None:
    connections = Connections(ConnectionLimits(per_person=2, per_device=1))
    assert connections.budget.sign_in(connections.must_open(), "kim", b"1") is None
    assert connections.budget.sign_in(connections.must_open(), "kim", b"2") is None
    assert connections.budget.sign_in(connections.must_open(), "lee", b"3") is None


def test_signing_in_again_moves_a_connection_to_the_new_web_session() -> None:
    connections = Connections(ConnectionLimits(per_person=1))
    connection = connections.must_open()
    assert connections.budget.sign_in(connection, "kim", b"1") is None
    assert connections.budget.sign_in(connection, "kim", b"2") is None
    assert connections.budget.sign_in(connections.must_open(), "lee", b"1") is None
    assert connections.budget.signed_in == 2


def test_a_proxy_shows_the_address_behind_it() -> None:
    connections = Connections(
        ConnectionLimits(per_address=1), is_shared=lambda address: address == "192.0.2.1"
    )
    for _ in range(2):
        connections.budget.at(connections.must_open(), "198.51.100.7")
    assert connections.evicted == [0]


def test_closing_twice_counts_once() -> None:
    connections = Connections(ConnectionLimits())
    for person in (None, "kim"):
        connection = connections.must_open()
        if person:
            connections.budget.sign_in(connection, person, DEVICE)
        connections.budget.close(connection)
        connections.budget.close(connection)
    assert (connections.budget.signed_in, connections.budget.strangers) == (0, 0)


def test_an_evicted_connection_cannot_sign_in_any_more() -> None:
    connections = Connections(ConnectionLimits(per_address=1))
    first = connections.must_open()
    connections.must_open()
    assert connections.budget.sign_in(first, "kim", DEVICE) is None
    assert connections.budget.signed_in == 0
