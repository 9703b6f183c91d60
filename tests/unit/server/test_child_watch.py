"""When a child of the server counts as hung."""

from __future__ import annotations

import pytest

from display_server.gateway.broker_link import WITHOUT_BROKER_S
from display_server.server.child_watch import (
    HUNG_AFTER_S,
    HUNG_AT_START_AFTER_S,
    SUSPECT_AFTER_S,
    ChildState,
    ChildWatch,
)


class Looks:
    """Looks at a child once per second."""

    def __init__(self, patience: float = 1.0) -> None:
        self.watch = ChildWatch(0, 0, patience)
        self.now_s = 0
        self.beats = 0

    def after(self, seconds: float, *, beating: bool = False) -> list[ChildState]:
        """Returns the states that the child had, one after the other."""
        changes = []
        for _ in range(round(seconds)):
            self.now_s += 1
            self.beats += beating
            changes.append(self.watch.look(self.now_s, self.beats))
        return [state for state in changes if state is not None]


def test_a_child_that_beats_works() -> None:
    looks = Looks()
    assert looks.after(1000, beating=True) == [ChildState.WORKING]


def test_a_child_that_stops_beating_is_suspected_and_then_hangs() -> None:
    looks = Looks()
    looks.after(1, beating=True)
    assert looks.after(SUSPECT_AFTER_S - 1) == []
    assert looks.after(1) == [ChildState.SUSPECTED]
    assert looks.after(HUNG_AFTER_S - SUSPECT_AFTER_S - 1) == []
    assert looks.after(1) == [ChildState.HUNG]
    assert looks.after(1000) == [], "it is killed once"
    assert looks.watch.silent_s > HUNG_AFTER_S


def test_a_child_that_beats_again_works_again() -> None:
    looks = Looks()
    looks.after(1, beating=True)
    looks.after(HUNG_AFTER_S - 1)
    assert looks.after(1, beating=True) == [ChildState.WORKING]
    assert looks.after(SUSPECT_AFTER_S - 1) == []


def test_a_child_may_load_its_code_for_longer() -> None:
    looks = Looks()
    assert looks.after(HUNG_AT_START_AFTER_S - 1) == []
    assert looks.after(1) == [ChildState.HUNG]


def test_patience_multiplies_the_limits() -> None:
    looks = Looks(patience=4)
    looks.after(1, beating=True)
    assert looks.after(4 * SUSPECT_AFTER_S - 1) == []
    assert looks.after(4 * HUNG_AFTER_S) == [ChildState.SUSPECTED, ChildState.HUNG]


def test_a_child_whose_beats_were_not_watched_for_a_while_is_not_blamed() -> None:
    watch = ChildWatch(0, 0)
    assert watch.look(1, 1) is ChildState.WORKING
    assert watch.look(10_000, 1) is None


@pytest.mark.parametrize("limit_s", [SUSPECT_AFTER_S, HUNG_AFTER_S])
def test_another_broker_is_there_before_viewers_are_disconnected(limit_s: float) -> None:
    assert limit_s < WITHOUT_BROKER_S / 2
