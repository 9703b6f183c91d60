from __future__ import annotations

import msgspec

from display_server.broker.pools.breaker import PAUSE_MAX_S, PAUSE_S, Breaker, BreakerState


def fail(breaker: Breaker, *times_s: float, most: int = 3, within_s: float = 600) -> Breaker:
    for now_s in times_s:
        breaker = breaker.failed(now_s, "Xvfb is missing.", most=most, within_s=within_s)
    return breaker


def test_some_failures_restrain_a_pool_only_if_they_are_close_together() -> None:
    assert fail(Breaker(), 0, 300).state is BreakerState.NORMAL
    assert fail(Breaker(), 0, 300, 599).state is BreakerState.RESTRAINED
    assert fail(Breaker(), 0, 300, 600).state is BreakerState.NORMAL
    assert fail(Breaker(), 0, 300, 600, 601).state is BreakerState.RESTRAINED
    assert fail(Breaker(), 5, most=1).state is BreakerState.RESTRAINED


def test_successes_between_failures_do_not_hide_them() -> None:
    breaker = fail(Breaker(), 0, 10).started()
    assert fail(breaker, 20).state is BreakerState.RESTRAINED


def test_a_restrained_pool_starts_one_probe_after_a_pause() -> None:
    breaker = fail(Breaker(), 0, 1, 2)
    assert breaker.starts_allowed(2 + PAUSE_S - 0.1) == 0
    assert breaker.starts_allowed(2 + PAUSE_S) == 1
    assert breaker.probing().starts_allowed(2 + PAUSE_S) == 0
    assert Breaker().starts_allowed(0) is None


def test_a_probe_that_works_ends_the_restraint() -> None:
    assert fail(Breaker(), 0, 1, 2).probing().started() == Breaker()


def test_each_failed_probe_doubles_the_pause_up_to_a_limit() -> None:
    breaker, now_s, pauses_s = fail(Breaker(), 0, 1, 2), 2.0, []
    for _ in range(8):
        assert breaker.probe_s is not None
        pauses_s.append(breaker.probe_s - now_s)
        now_s = breaker.probe_s
        breaker = fail(breaker.probing(), now_s)
    assert pauses_s[:4] == [PAUSE_S, 2 * PAUSE_S, 4 * PAUSE_S, 8 * PAUSE_S]
    assert pauses_s[-1] == PAUSE_MAX_S
    assert breaker.since_s == 2


def test_starts_that_fail_after_the_restraint_began_do_not_prolong_it() -> None:
    breaker = fail(Breaker(), 0, 1, 2)
    assert fail(breaker, 3).probe_s == breaker.probe_s


def test_a_desktop_that_is_ready_late_does_not_end_a_restraint() -> None:
    breaker = fail(Breaker(), 0, 1, 2)
    assert breaker.started() == breaker


def test_a_probe_that_was_abandoned_is_repeated_at_once() -> None:
    breaker = fail(Breaker(), 0, 1, 2).probing().abandoned(50)
    assert breaker.starts_allowed(50) == 1
    assert Breaker().abandoned(50) == Breaker()


def test_the_error_is_kept_for_the_operator_and_bounded() -> None:
    assert fail(Breaker(), 0).error == "Xvfb is missing."
    long = Breaker().failed(0, "x" * 5000, most=1, within_s=1)
    assert long.error == "x" * 500


def test_a_breaker_survives_the_store() -> None:
    breaker = fail(Breaker(), 0, 1, 2)
    assert msgspec.json.decode(msgspec.json.encode(breaker), type=Breaker) == breaker
    assert msgspec.json.decode("{}", type=Breaker) == Breaker()
