"""The lock of a screen: its table, and what time alone does."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from display_server.broker.screen_lock import (
    REASONS,
    TABLE,
    LockEvent,
    LockLimits,
    LockReason,
    LockState,
    ScreenLock,
)

LIMITS = LockLimits(after_s=600, warning_s=60, take_back_s=60)
BEGUN = ScreenLock(input_s=1000, proved_s=1000)


def test_the_table_has_every_event_in_every_state() -> None:
    assert all(TABLE[state].keys() == set(LockEvent) for state in LockState)


def test_nothing_but_the_password_unlocks() -> None:
    unlocking = {event for event in LockEvent if TABLE[LockState.LOCKED][event] is not LockState.LOCKED}
    assert unlocking == {LockEvent.PROVED}


def test_every_event_that_locks_leaves_a_reason() -> None:
    locking = {
        event
        for state in (LockState.OPEN, LockState.WARNED)
        for event, after in TABLE[state].items()
        if after is LockState.LOCKED
    }
    assert locking == REASONS.keys()


@pytest.mark.parametrize(
    ("idle_s", "state"),
    [
        (0, LockState.OPEN),
        (539.9, LockState.OPEN),
        (540, LockState.WARNED),
        (599.9, LockState.WARNED),
        (600, LockState.LOCKED),
        (1e6, LockState.LOCKED),
    ],
)
def test_warns_and_locks_without_input(idle_s: float, state: LockState) -> None:
    assert BEGUN.at(1000 + idle_s, LIMITS).state is state


def test_input_after_the_warning_starts_over() -> None:
    warned = BEGUN.at(1550, LIMITS)
    active = warned.after(LockEvent.INPUT, 1560)
    assert (active.state, active.remaining_s(1560, LIMITS)) == (LockState.OPEN, 600)


def test_input_never_unlocks() -> None:
    locked = BEGUN.at(1600, LIMITS)
    assert (locked.state, locked.reason) == (LockState.LOCKED, LockReason.IDLE)
    assert locked.after(LockEvent.INPUT, 1601) == locked


def test_the_password_unlocks_and_counts_as_input() -> None:
    open_again = BEGUN.at(1600, LIMITS).after(LockEvent.PROVED, 1700)
    assert open_again == ScreenLock(input_s=1700, proved_s=1700)


def test_the_first_reason_of_a_lock_stays() -> None:
    locked = BEGUN.after(LockEvent.DEVICE_LOST, 1100)
    assert locked.at(5000, LIMITS).reason is LockReason.MOVED


def test_older_input_does_not_shorten_the_time() -> None:
    assert BEGUN.after(LockEvent.INPUT, 900).input_s == 1000


@pytest.mark.parametrize(
    ("lost_ago_s", "proved_ago_s", "allowed"),
    [(59, 500, True), (60, 500, False), (600, 500, True), (600, 700, False)],
)
def test_a_lost_desktop_is_taken_back_soon_or_with_proof(
    lost_ago_s: float, proved_ago_s: float, allowed: bool
) -> None:
    lock = replace(BEGUN, proved_s=5000 - proved_ago_s)
    assert lock.takes_back(5000 - lost_ago_s, 5000, LIMITS) is allowed


def test_any_sequence_of_events_keeps_the_lock_consistent() -> None:
    """A lock has a reason exactly while it is locked, whatever happened."""
    for events in itertools.product(LockEvent, repeat=4):
        lock = BEGUN
        for at_s, event in enumerate(events, 1001):
            lock = lock.after(event, at_s)
            assert lock.locked == (lock.reason is not None), events
        last_proof = max((n for n, event in enumerate(events) if event is LockEvent.PROVED), default=-1)
        locks_later = any(event in REASONS for event in events[last_proof + 1 :])
        assert lock.locked == locks_later, events
