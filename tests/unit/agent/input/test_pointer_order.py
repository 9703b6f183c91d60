"""Motions by two ways, one of which loses and delays them: the pointer never goes back, and ends where it
should.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.input.pointer_order import PointerOrder


@dataclass(frozen=True)
class Event:
    """Of a hand, the `number`th. `beside`: as a datagram. It arrives at `at`, by the WebSocket in order."""

    number: int
    turn: int
    step: int
    beside: bool
    press: bool
    at: int


class Page:
    """What PROTOCOL.md §11 asks of a viewer, with ways that take any time."""

    def __init__(self) -> None:
        self.turn = self.step = self.number = 0
        self.clock = self.socket_free = 0
        self.sent: list[Event] = []
        self.unsure: Event | None = None

    def press(self, delay: int) -> None:
        self.turn, self.step, self.unsure = self.turn + 1, 0, None
        self._by_socket(Event(self._next(), self.turn, 0, False, True, 0), delay)

    def move(self, delay: int | None) -> None:
        """None: it gets lost."""
        self.step += 1
        event = Event(self._next(), self.turn, self.step, True, False, self.clock + (delay or 0))
        self.unsure = event
        if delay is not None:
            self.sent.append(event)

    def repeat(self, delay: int) -> None:
        if self.unsure is not None:
            again = Event(self.unsure.number, self.unsure.turn, self.unsure.step, False, False, 0)
            self.unsure = None
            self._by_socket(again, delay)

    def _next(self) -> int:
        self.clock += 1
        self.number += 1
        return self.number

    def _by_socket(self, event: Event, delay: int) -> None:
        self.socket_free = max(self.socket_free, self.clock + delay)
        self.sent.append(replace(event, at=self.socket_free))


acts = st.one_of(
    st.tuples(st.just("press"), st.integers(0, 30)),
    st.tuples(st.just("move"), st.integers(0, 30) | st.none()),
    st.tuples(st.just("repeat"), st.integers(0, 30)),
)


@given(st.lists(acts, max_size=60))
def test_never_back_and_never_lost(hand: list[tuple[str, int | None]]) -> None:
    page = Page()
    page.press(0)
    for act, delay in hand:
        if act == "move":
            page.move(delay)
        else:
            getattr(page, act)(delay or 0)
    page.repeat(5)
    order, applied = PointerOrder(), []
    for event in sorted(page.sent, key=lambda event: event.at):
        counts = order.beside if event.beside else order.in_line
        if counts(event.turn, event.step):
            applied.append(event)
    numbers = [event.number for event in applied]
    assert numbers == sorted(set(numbers)), "back, or twice"
    assert [event for event in applied if event.press] == [event for event in page.sent if event.press]
    assert numbers[-1] == page.number, "the pointer is where the hand left it"


def test_who_does_not_count_is_always_followed() -> None:
    order = PointerOrder()
    assert all(order.in_line(0, 0) for _ in range(3))
    assert not order.beside(0, 1)
    assert order.in_line(7, 0)
    assert order.beside(7, 1)
    assert order.in_line(0, 0)
    assert not order.beside(7, 2), "a turn that ended"
