"""Pointer events over two transports of which one loses and delays datagrams."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.input.pointer_order import PointerOrder


@dataclass(frozen=True)
class Event:
    """The `number`th event of a viewer; it arrives at time `at`. Events on the WebSocket arrive in order."""

    number: int
    turn: int
    step: int
    datagram: bool
    press: bool
    at: int


class ViewerModel:
    """A viewer that follows PROTOCOL.md §11, over transports with any delay."""

    def __init__(self) -> None:
        self.turn = self.step = self.number = 0
        self.clock = self.socket_free = 0
        self.sent: list[Event] = []
        self.unconfirmed: Event | None = None

    def press(self, delay: int) -> None:
        self.turn, self.step, self.unconfirmed = self.turn + 1, 0, None
        self._by_socket(Event(self._next(), self.turn, 0, False, True, 0), delay)

    def move(self, delay: int | None) -> None:
        """Sends a motion as a datagram; without a delay the datagram is lost."""
        self.step += 1
        event = Event(self._next(), self.turn, self.step, True, False, self.clock + (delay or 0))
        self.unconfirmed = event
        if delay is not None:
            self.sent.append(event)

    def repeat(self, delay: int) -> None:
        if self.unconfirmed is not None:
            again = Event(
                self.unconfirmed.number, self.unconfirmed.turn, self.unconfirmed.step, False, False, 0
            )
            self.unconfirmed = None
            self._by_socket(again, delay)

    def _next(self) -> int:
        self.clock += 1
        self.number += 1
        return self.number

    def _by_socket(self, event: Event, delay: int) -> None:
        self.socket_free = max(self.socket_free, self.clock + delay)
        self.sent.append(replace(event, at=self.socket_free))


actions = st.one_of(
    st.tuples(st.just("press"), st.integers(0, 30)),
    st.tuples(st.just("move"), st.integers(0, 30) | st.none()),
    st.tuples(st.just("repeat"), st.integers(0, 30)),
)


@given(st.lists(actions, max_size=60))
def test_the_pointer_never_goes_back_and_ends_where_it_was_moved(
    script: list[tuple[str, int | None]],
) -> None:
    viewer = ViewerModel()
    viewer.press(0)
    for action, delay in script:
        if action == "move":
            viewer.move(delay)
        else:
            getattr(viewer, action)(delay or 0)
    viewer.repeat(5)
    order, applied = PointerOrder(), []
    for event in sorted(viewer.sent, key=lambda event: event.at):
        accept = order.accept_datagram if event.datagram else order.accept_message
        if accept(event.turn, event.step):
            applied.append(event)
    numbers = [event.number for event in applied]
    assert numbers == sorted(set(numbers)), "went back, or an event was applied twice"
    assert [event for event in applied if event.press] == [event for event in viewer.sent if event.press]
    assert numbers[-1] == viewer.number, "the pointer is not at the last position"


def test_turn_0_is_always_accepted() -> None:
    order = PointerOrder()
    assert all(order.accept_message(0, 0) for _ in range(3))
    assert not order.accept_datagram(0, 1)
    assert order.accept_message(7, 0)
    assert order.accept_datagram(7, 1)
    assert order.accept_message(0, 0)
    assert not order.accept_datagram(7, 2), "the turn has ended"
