"""For how long another process is silent, as an observer counts it that may itself be stopped."""

from __future__ import annotations

from display_server.broker_link.silence import INTERVAL_S, LOOK_MAX_S, SILENT_AFTER_S, Silence


def test_silence_lasts_from_the_last_sign_of_life() -> None:
    silence = Silence(100)
    assert silence.look(101) == 1
    silence.heard(101.5)
    assert silence.look(102) == 0.5
    assert silence.look(103) == 1.5


def test_time_in_which_the_observer_did_not_run_does_not_count() -> None:
    silence = Silence(0)
    assert silence.look(1) == 1
    assert silence.look(1 + 3600) == 1 + LOOK_MAX_S < SILENT_AFTER_S
    silence.heard(3601)
    assert silence.look(3601 + 7200) == LOOK_MAX_S


def test_an_observer_that_is_late_with_each_look_notices_in_the_end() -> None:
    silence = Silence(0)
    looks = [silence.look(INTERVAL_S * 10 * number) for number in range(1, 5)]
    assert looks[-1] >= SILENT_AFTER_S
