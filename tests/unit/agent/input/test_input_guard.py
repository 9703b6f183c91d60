"""Which input of a viewer has an effect when it is late, or after a gap."""

from __future__ import annotations

import pytest

from display_server.agent.input.input_guard import ANNOUNCE_INTERVAL_S, INPUT_MAX_AGE_S, SILENCE_S, InputGuard
from display_server.protocol import messages as m

NOW_S = 1000.0
FRESH_MS = (NOW_S - INPUT_MAX_AGE_S / 2) * 1000
LATE_MS = (NOW_S - INPUT_MAX_AGE_S - 0.1) * 1000
X = 0x78


def key(*, down: bool, repeat: bool = False, t: float | None = FRESH_MS) -> m.Key:
    return m.Key(X, "KeyX", down=down, repeat=repeat, t=t)


@pytest.mark.parametrize(
    "message", [m.Text("a", t=LATE_MS), m.Wheel(1, 2, 0, 120, t=LATE_MS), key(down=True, t=LATE_MS)]
)
def test_late_input_is_dropped_and_announced_once(message: m.InputMessage) -> None:
    guard = InputGuard()
    assert guard.admit(message, NOW_S) is None
    assert guard.loss_to_announce(NOW_S)
    assert guard.admit(message, NOW_S) is None
    assert not guard.loss_to_announce(NOW_S)
    assert guard.loss_to_announce(NOW_S + ANNOUNCE_INTERVAL_S)


def test_input_in_time_and_input_without_a_time_has_its_effect() -> None:
    guard = InputGuard()
    for message in (m.Text("a", t=FRESH_MS), m.Text("a"), key(down=True)):
        assert guard.admit(message, NOW_S) == message
    assert not guard.loss_to_announce(NOW_S)


def test_a_late_release_of_a_key_has_its_effect() -> None:
    guard = InputGuard()
    guard.admit(key(down=True), NOW_S)
    release = key(down=False, t=LATE_MS)
    assert guard.admit(release, NOW_S) == release


def test_a_late_press_of_a_button_has_none_until_it_is_released_and_pressed_again() -> None:
    guard = InputGuard()
    assert guard.admit(m.Pointer(1, 1, 1, t=LATE_MS), NOW_S) is None
    assert guard.admit(m.Pointer(2, 2, 1, t=FRESH_MS), NOW_S) == m.Pointer(2, 2, 0, t=FRESH_MS)
    guard.admit(m.Pointer(2, 2, 0, t=FRESH_MS), NOW_S)
    assert guard.admit(m.Pointer(2, 2, 1, t=FRESH_MS), NOW_S) == m.Pointer(2, 2, 1, t=FRESH_MS)


def test_a_late_release_of_a_button_releases_it_where_the_pointer_is() -> None:
    guard = InputGuard()
    guard.admit(m.Pointer(1, 1, 1), NOW_S)
    assert guard.admit(m.Pointer(50, 50, 1, t=LATE_MS), NOW_S) is None
    assert guard.admit(m.Pointer(90, 90, 0, t=LATE_MS), NOW_S) == m.Release()


def test_what_a_silent_viewer_holds_is_released_once() -> None:
    guard = InputGuard()
    guard.on_heard(NOW_S)
    guard.admit(key(down=True), NOW_S)
    guard.admit(m.Pointer(1, 1, 1), NOW_S)
    assert not guard.release_due(NOW_S + SILENCE_S - 0.1)
    assert guard.release_due(NOW_S + SILENCE_S)
    assert not guard.release_due(NOW_S + SILENCE_S + 1)


def test_patience_multiplies_both_limits() -> None:
    guard = InputGuard(patience=10)
    guard.on_heard(NOW_S)
    assert guard.admit(key(down=True, t=LATE_MS), NOW_S) is not None
    assert not guard.release_due(NOW_S + 10 * SILENCE_S - 0.1)
    assert guard.release_due(NOW_S + 10 * SILENCE_S)


def test_a_repeat_has_no_effect_after_the_key_was_released_in_silence() -> None:
    guard = InputGuard()
    guard.on_heard(NOW_S)
    guard.admit(key(down=True), NOW_S)
    assert guard.admit(key(down=True, repeat=True), NOW_S) is not None
    assert guard.release_due(NOW_S + SILENCE_S)
    assert guard.admit(key(down=True, repeat=True), NOW_S) is None
    assert guard.admit(key(down=True), NOW_S) is not None


CONTROL = 0xFFE3


def control(*, down: bool, t: float | None = FRESH_MS) -> m.Key:
    return m.Key(CONTROL, "ControlLeft", down=down, t=t)


def test_a_key_has_no_effect_without_the_modifier_that_came_too_late() -> None:
    guard = InputGuard()
    assert guard.admit(control(down=True, t=LATE_MS), NOW_S) is None
    assert guard.admit(key(down=True), NOW_S) is None, "it would type a letter instead"
    assert guard.loss_to_announce(NOW_S)
    guard.admit(control(down=False), NOW_S)
    assert guard.admit(key(down=True), NOW_S) is not None


@pytest.mark.parametrize("again", [control(down=True), control(down=False), m.Release()])
def test_a_key_has_no_effect_without_the_modifier_that_was_released_in_silence(again: m.InputMessage) -> None:
    guard = InputGuard()
    guard.on_heard(NOW_S)
    guard.admit(control(down=True), NOW_S)
    assert guard.release_due(NOW_S + SILENCE_S)
    assert guard.admit(key(down=True, t=None), NOW_S + SILENCE_S) is None
    assert guard.admit(again, NOW_S) is not None
    assert guard.admit(key(down=True), NOW_S) is not None


def test_a_drag_does_not_press_again_after_the_button_was_released_in_silence() -> None:
    guard = InputGuard()
    guard.on_heard(NOW_S)
    guard.admit(m.Pointer(1, 1, 1), NOW_S)
    assert guard.release_due(NOW_S + SILENCE_S)
    assert guard.admit(m.Pointer(9, 9, 1), NOW_S) == m.Pointer(9, 9, 0)


def test_a_release_message_names_the_buttons_that_are_still_pressed() -> None:
    guard = InputGuard()
    guard.admit(m.Release(buttons=1), NOW_S)
    assert guard.admit(m.Pointer(9, 9, 1), NOW_S) == m.Pointer(9, 9, 0)
    guard.admit(m.Pointer(9, 9, 0), NOW_S)
    assert guard.admit(m.Pointer(9, 9, 1), NOW_S) == m.Pointer(9, 9, 1)


def test_the_key_that_pastes_may_be_as_late_as_the_upload_before_it() -> None:
    guard = InputGuard()
    for tenth in range(50):
        guard.on_upload(NOW_S + tenth / 10)
    ended_s = NOW_S + 4.9
    assert guard.admit(m.Text("v", t=NOW_S * 1000), ended_s + 0.1) is not None
    assert guard.admit(m.Text("v", t=NOW_S * 1000), ended_s + INPUT_MAX_AGE_S + 0.1) is None
