"""Whatever happens to connections, the budget counts each of them once and holds its limits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from display_server.broker_link.messages import ConnectionLimits
from display_server.gateway.connection_budget import ConnectionBudget, CountedConnection
from tests.examples import examples

LIMITS = ConnectionLimits(connections=20, reserved=13, per_address=3, per_person=5, per_device=3)
SHARED = "192.0.2.0"
ADDRESSES = st.integers(0, 3).map(lambda number: f"192.0.2.{number}")
OPEN = st.tuples(st.just("open"), ADDRESSES)
NUMBERS = st.integers(0, 15)
QUIET = st.one_of(
    OPEN,
    OPEN,
    OPEN,
    st.tuples(st.just("sign in"), NUMBERS, st.sampled_from("kl"), st.sampled_from([b"1", b"2"])),
    st.tuples(st.just("at"), NUMBERS, ADDRESSES),
    st.tuples(st.just("close"), NUMBERS),
)
BUSY = st.one_of(QUIET, QUIET, st.tuples(st.just("busy"), NUMBERS, st.booleans()))
STEPS = st.one_of(*(st.lists(step, min_size=20, max_size=60) for step in (QUIET, BUSY)))


@examples(300)
@given(STEPS)
def test_any_course_of_connections(steps: list[tuple[object, ...]]) -> None:
    budget = ConnectionBudget(LIMITS, lambda address: address == SHARED)
    opened: list[CountedConnection] = []
    gone: list[CountedConnection] = []

    def open_one(address: str) -> None:
        made: list[CountedConnection] = []
        connection = budget.open(address, lambda: gone.extend(made))
        if connection is not None:
            made.append(connection)
            opened.append(connection)

    for name, *arguments in steps:
        if name == "open":
            open_one(str(arguments[0]))
            continue
        number = arguments[0]
        assert isinstance(number, int)
        if number >= len(opened):
            continue
        connection = opened[number]
        if name == "sign in":
            budget.sign_in(connection, str(arguments[1]), bytes(arguments[2]))  # type: ignore[call-overload]
        elif name == "busy":
            connection.busy = bool(arguments[1])
        elif name == "at":
            budget.at(connection, str(arguments[1]))
        else:
            budget.close(connection)
            gone.append(connection)

        held = [one for one in opened if one not in gone]
        assert budget.signed_in == sum(one.person is not None for one in held)
        assert budget.strangers == sum(one.person is None for one in held)
        assert budget.strangers + budget.signed_in <= LIMITS.connections
        for person in "kl":
            assert sum(one.person == person for one in held) <= LIMITS.per_person
        for device in {one.device for one in held if one.device is not None}:
            assert sum(one.device == device for one in held) <= LIMITS.per_device
        # Only connections for which nobody could make room are beyond the limits of strangers.
        strangers = [one for one in held if one.person is None]
        if not any(one.busy or one.exceeded for one in opened):
            assert len(strangers) <= LIMITS.connections - LIMITS.reserved
            for address in {one.address for one in strangers} - {SHARED}:
                assert sum(one.address == address for one in strangers) <= LIMITS.per_address
