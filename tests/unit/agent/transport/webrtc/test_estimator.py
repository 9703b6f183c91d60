"""The estimator on simulated links: what it finds, how soon, and what it must not be misled by.

All times are simulated: the figures are the same on every host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.transport.webrtc.estimator import BandwidthEstimator
from display_server.agent.transport.webrtc.feedback import CLOCK_PERIOD_S, Arrival, Feedback
from display_server.agent.transport.webrtc.history import PACKETS_MAX, Delays, History, Rate
from display_server.agent.transport.webrtc.rate_phases import TRANSITIONS, Phase
from display_server.agent.transport.webrtc.trendline import Burst, Trendline, Usage
from tests.examples import examples
from tests.unit.agent.transport.webrtc.simulated_link import Moment, Session, SimulatedLink

pytestmark = pytest.mark.slow

M = 1e6


def mean(values: Iterable[float]) -> float:
    values = list(values)
    return sum(values) / len(values)


def after(moments: list[Moment], since_s: float, until_s: float = 1e9) -> list[Moment]:
    return [moment for moment in moments if since_s <= moment.at_s < until_s]


def steps(*changes: tuple[float, float]) -> Callable[[float], float]:
    """Returns a capacity that changes at these times to these rates, bit/s."""
    return lambda now_s: [bps for since_s, bps in changes if since_s <= now_s][-1]


def steady(bps: float, fps: float = 60.0) -> Callable[[float, float], int]:
    """Returns a source that sends at this rate, whatever the target is."""
    return lambda now_s, target_bps: int(bps / 8 / fps)


# Finding the capacity.


@pytest.mark.parametrize("capacity_bps", [1 * M, 3 * M, 10 * M, 30 * M, 100 * M])
def test_finds_the_capacity(capacity_bps: float) -> None:
    moments = Session(SimulatedLink(capacity_bps)).run(6.0)
    late = after(moments, 4.0)
    assert mean(m.target_bps for m in late) >= 0.8 * capacity_bps
    assert mean(m.sent_bps for m in late) <= capacity_bps
    assert max(m.queueing_s for m in late) < 0.1


@examples(12)
@given(
    capacity_bps=st.floats(1 * M, 25 * M),
    delay_s=st.floats(0.001, 0.08),
    fps=st.sampled_from([24.0, 30.0, 60.0]),
    jitter_s=st.floats(0, 0.004),
    seed=st.integers(0, 2**16),
)
def test_fills_any_link_without_overfilling_it(
    capacity_bps: float, delay_s: float, fps: float, jitter_s: float, seed: int
) -> None:
    link = SimulatedLink(capacity_bps, delay_s=delay_s, jitter_s=jitter_s, seed=seed)
    moments = Session(link, fps=fps).run(10.0)
    late = after(moments, 5.0)
    assert mean(m.target_bps for m in late) >= 0.8 * capacity_bps
    for start in range(len(late) - 20):
        second = late[start : start + 20]
        assert mean(m.sent_bps for m in second) <= 1.08 * capacity_bps
        assert min(m.queueing_s for m in second) < 0.05


@pytest.mark.parametrize(("bunch_s", "stall_s"), [(0.01, 0.0), (0.03, 0.0), (0.0, 0.05), (0.005, 0.1)])
@pytest.mark.parametrize("capacity_bps", [2 * M, 20 * M])
def test_wifi_is_not_taken_for_congestion(capacity_bps: float, bunch_s: float, stall_s: float) -> None:
    link = SimulatedLink(capacity_bps, bunch_s=bunch_s, stall_s=stall_s)
    late = after(Session(link).run(12.0), 6.0)
    assert mean(m.target_bps for m in late) >= 0.75 * capacity_bps
    assert max(m.queueing_s for m in late) < 0.1


def test_stays_below_the_limit_of_the_policy() -> None:
    session = Session(SimulatedLink(50 * M), max_bps=8 * M)
    assert max(m.target_bps for m in session.run(4.0)) == 8 * M


def test_impossible_limits_are_refused() -> None:
    with pytest.raises(ValueError, match="0 < min"):
        BandwidthEstimator(max_bps=1e6, min_bps=2e6)


def test_a_tiny_link_gets_the_least_rate() -> None:
    session = Session(SimulatedLink(50e3, queue_bytes=20_000))
    assert min(m.target_bps for m in session.run(20.0)) == session.estimator.min_bps


# Idle screens and small sources.


def test_two_idle_minutes_change_nothing() -> None:
    session = Session(SimulatedLink(40 * M))
    session.run(5.0)
    fill, session.source = session.source, lambda now_s, target_bps: 0
    session.run(1.0)
    before_bps = session.estimator.estimate_bps
    session.run(120.0)
    assert session.estimator.estimate_bps == before_bps
    assert session.estimator.target_bps == before_bps
    session.source = fill
    resumed = session.run(2.0)
    assert mean(m.target_bps for m in resumed) > 0.8 * before_bps
    assert max(m.queueing_s for m in resumed) < 0.1


@pytest.mark.parametrize("jitter_s", [0.0, 0.02])
@pytest.mark.parametrize("loss", [0.0, 0.15])
def test_a_caret_does_not_lower_the_estimate(loss: float, jitter_s: float) -> None:
    session = Session(SimulatedLink(40 * M))
    session.run(4.0)
    session.source = lambda now_s, target_bps: 3000
    session.run(1.0)
    before_bps = session.estimator.estimate_bps
    session.link.loss, session.link.jitter_s = loss, jitter_s
    session.run(20.0)
    assert session.estimator.estimate_bps == before_bps


@examples(8)
@given(bps=st.floats(0.3 * M, 8 * M), seed=st.integers(0, 2**16))
def test_a_small_source_does_not_raise_the_estimate_far(bps: float, seed: int) -> None:
    session = Session(SimulatedLink(100 * M, seed=seed), source=steady(bps), start_bps=0.2 * M)
    moments = session.run(8.0)
    # At first the pacer holds back what the target does not allow, and delivers it later.
    delivered_bps = max(mean(m.sent_bps for m in moments[n : n + 6]) for n in range(len(moments) - 6))
    assert max(m.estimate_bps for m in moments) <= 2.2 * delivered_bps
    assert moments[-1].estimate_bps >= 1.3 * bps


def test_a_small_source_on_a_link_too_small_for_it_is_noticed() -> None:
    session = Session(SimulatedLink(steps((0, 40 * M), (4, 1 * M))))
    session.run(4.0)
    session.source = steady(3 * M)
    assert session.run(4.0)[-1].estimate_bps < 1.2 * M


# Loss.


def test_two_percent_loss_costs_nothing() -> None:
    clean = Session(SimulatedLink(20 * M)).run(10.0)
    lossy = Session(SimulatedLink(20 * M, loss=0.02, delay_s=0.03)).run(10.0)
    assert mean(m.loss_ratio for m in after(lossy, 2.0)) == pytest.approx(0.02, abs=0.005)
    for since_s in (3.0, 6.0):
        assert mean(m.target_bps for m in after(lossy, since_s)) >= 0.7 * 20 * M
    assert mean(m.target_bps for m in after(lossy, 4.0)) >= 0.9 * mean(
        m.target_bps for m in after(clean, 4.0)
    )


def test_heavy_loss_lowers_the_estimate() -> None:
    session = Session(SimulatedLink(20 * M))
    before_bps = session.run(4.0)[-1].estimate_bps
    session.link.loss = 0.3
    assert session.run(3.0)[-1].estimate_bps < 0.5 * before_bps


def test_a_link_with_a_very_short_queue() -> None:
    moments = Session(SimulatedLink(10 * M, queue_bytes=20_000)).run(12.0)
    late = after(moments, 4.0)
    assert mean(m.target_bps for m in late) >= 0.7 * 10 * M
    assert mean(m.loss_ratio for m in late) < 0.12


# Changes.


@pytest.mark.parametrize("at_s", [6.0, 6.013, 6.027, 6.041])
@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_follows_a_fall_from_50_to_5_mbit_and_back(at_s: float, fps: float) -> None:
    link = SimulatedLink(steps((0, 50 * M), (at_s, 5 * M), (at_s + 8, 50 * M)), queue_bytes=4_000_000)
    moments = Session(link, fps=fps).run(at_s + 14)
    dropped = after(moments, at_s, at_s + 8)
    # The sender cannot know of the fall before the first report on it, so it goes on with 50 Mbit/s until
    # then.
    assert max(m.queueing_s for m in dropped) < 0.9
    assert max(m.estimate_bps for m in after(dropped, at_s + 0.25)) <= 6 * M
    assert max(m.queueing_s for m in after(dropped, at_s + 1)) <= 0.2
    assert max(m.queueing_s for m in after(dropped, at_s + 2)) <= 0.1
    assert mean(m.target_bps for m in after(dropped, at_s + 3)) >= 0.75 * 5 * M
    assert mean(m.target_bps for m in after(dropped, at_s + 3)) <= 1.02 * 5 * M
    # It is back at nine tenths of the former rate within 5 s, and stays there.
    had_bps = mean(m.target_bps for m in after(moments, at_s - 2, at_s))
    assert mean(m.target_bps for m in after(moments, at_s + 12)) >= 0.9 * had_bps
    assert any(m.target_bps >= 0.9 * had_bps for m in after(moments, at_s + 8, at_s + 13))


@pytest.mark.parametrize("at_s", [6.0, 6.013, 6.041])
def test_a_deep_fall_on_a_long_link(at_s: float) -> None:
    """The first report may show half of the fall; the estimator reacts to the next one at once."""
    link = SimulatedLink(steps((0, 50 * M), (at_s, 5 * M)), delay_s=0.04, queue_bytes=4_000_000)
    moments = Session(link).run(at_s + 4)
    assert max(m.estimate_bps for m in after(moments, at_s + 0.25)) <= 6 * M
    assert max(m.queueing_s for m in after(moments, at_s + 1.5)) <= 0.2
    assert mean(m.target_bps for m in after(moments, at_s + 2.5)) >= 0.75 * 5 * M


def test_recovers_where_frames_are_too_small_to_probe() -> None:
    """At 1 Mbit/s and 60 frames a second a frame has two packets."""
    link = SimulatedLink(steps((0, 20 * M), (4, 1 * M), (9, 20 * M)))
    moments = Session(link).run(24.0)
    assert mean(m.target_bps for m in after(moments, 22.0)) >= 0.8 * 20 * M


def test_recovers_where_arrivals_give_no_rate() -> None:
    """The packets of a frame arrive in one or two bunches, so that no probe can be measured."""
    link = SimulatedLink(steps((0, 10 * M), (6, 30 * M)), bunch_s=0.02)
    moments = Session(link).run(26.0)
    assert mean(m.target_bps for m in after(moments, 4.0, 6.0)) >= 0.75 * 10 * M
    assert mean(m.target_bps for m in after(moments, 22.0)) >= 0.75 * 30 * M


def test_a_longer_route_is_not_taken_for_a_queue_for_long() -> None:
    session = Session(SimulatedLink(10 * M))
    session.run(5.0)
    session.link.delay_s += 0.3
    session.run(12.0)
    assert mean(m.target_bps for m in session.run(4.0)) >= 0.8 * 10 * M


def test_silence_leaves_a_trickle() -> None:
    session = Session(SimulatedLink(20 * M))
    before_bps = session.run(4.0)[-1].target_bps
    session.link.mute = True
    silent = session.run(3.0)
    assert mean(m.sent_bps for m in silent[20:]) <= 0.15 * before_bps
    session.link.mute = False
    assert session.run(3.0)[-1].target_bps >= 0.8 * before_bps


def test_figures_match_the_link() -> None:
    session = Session(SimulatedLink(10 * M, delay_s=0.04), source=steady(4 * M))
    session.run(5.0)
    estimator = session.estimator
    assert estimator.acked_bps == pytest.approx(4 * M, rel=0.1)
    assert 0.08 <= estimator.round_trip_s <= 0.11
    assert estimator.loss_ratio == 0
    assert estimator.queueing_s < 0.01


def test_the_receivers_clock_wraps() -> None:
    """Its reference time becomes negative half a period after 0."""
    moments = Session(SimulatedLink(10 * M, clock_s=CLOCK_PERIOD_S / 2 - 3)).run(8.0)
    assert mean(m.target_bps for m in after(moments, 4.0)) >= 0.8 * 10 * M
    assert max(m.seen_s for m in after(moments, 1.0)) < 0.1


# Parts.


def test_every_phase_has_a_transition_for_every_usage() -> None:
    assert set(TRANSITIONS) == {(phase, usage) for phase in Phase for usage in Usage}
    assert all(TRANSITIONS[phase, Usage.OVERUSE] is Phase.DECREASE for phase in Phase)


@pytest.mark.parametrize(
    ("growth", "usage"), [(0.0, Usage.NORMAL), (0.2, Usage.OVERUSE), (-0.2, Usage.UNDERUSE)]
)
def test_trend(growth: float, usage: Usage) -> None:
    """The delay grows by this fraction of the time that passes."""
    trend = Trendline()
    for n in range(400):
        sent_s = n * 0.008
        trend.add(sent_s, 77.0 + sent_s * (1 + growth))
    assert trend.usage is usage


def test_trend_forgets_over_a_pause() -> None:
    trend = Trendline()
    for n in range(400):
        trend.add(n * 0.008, n * 0.01)
    trend.add(60.0, 60.0)
    trend.add(60.1, 60.1)
    assert trend.usage is Usage.NORMAL


def test_packets_that_the_network_bunched_are_one_burst() -> None:
    burst = Burst(first_sent_s=0.0, last_sent_s=0.0, first_arrival_s=9.0, last_arrival_s=9.0)
    assert burst.takes(0.004, 9.02), "sent together"
    assert burst.takes(0.02, 9.001), "arrived together, though sent apart"
    assert not burst.takes(0.02, 9.006)
    assert not burst.takes(0.006, 9.006), "arrived as far apart as they were sent"
    burst.last_sent_s, burst.last_arrival_s = 0.1, 9.1
    assert not burst.takes(0.11, 9.101), "a bunch has a longest duration"


def test_arrivals_are_monotone() -> None:
    history = History()
    for n in range(3):
        history.sent(n, 100, 1.0, None)
    reports = (Arrival(0, CLOCK_PERIOD_S / 2 - 1), Arrival(1, 1 - CLOCK_PERIOD_S / 2))
    (_, first_s), (_, second_s) = history.match(Feedback(0, reports)).received
    assert second_s - first_s == pytest.approx(2)


def test_history_is_bounded_and_unwraps() -> None:
    history = History()
    for n in range(65_000, 65_000 + 3 * PACKETS_MAX):
        history.sent(n & 0xFFFF, 100, 1.0, None)
    assert len(history) == PACKETS_MAX
    newest = 65_000 + 3 * PACKETS_MAX - 1
    report = history.match(Feedback(0, (Arrival((newest - 1) & 0xFFFF, 5.0), Arrival(newest & 0xFFFF, None))))
    assert [packet.sequence for packet, _ in report.received] == [newest - 1]
    assert [packet.sequence for packet in report.lost] == [newest]
    history.sent((newest + 1) & 0xFFFF, 100, 100.0, None)
    assert len(history) == 1


def test_a_late_packet_does_not_count_as_lost() -> None:
    history = History()
    for n in range(3):
        history.sent(n, 100, 1.0, None)
    missing = Feedback(0, (Arrival(0, 5.0), Arrival(1, None), Arrival(2, 5.1)))
    late = Feedback(1, (Arrival(1, 5.2), Arrival(2, 5.1)))
    assert len(history.match(missing).lost) == 1
    assert history.match(missing).lost == []
    report = history.match(late)
    assert report.found == 1
    assert len(report.received) == 1


def test_rates() -> None:
    rate, busy = Rate(1.0), Rate(0.1, at_least=3)
    for n in range(30):
        rate.add(n * 0.1, 1000)
        busy.add(n * 0.1, 1000)
    assert rate.bps == pytest.approx(80_000)
    assert busy.busy_bps == pytest.approx(80_000)


def test_baseline_is_forgotten() -> None:
    delays = Delays()
    assert delays.newest_s == 0
    for n in range(300):
        delays.add(n * 0.1, n * 0.1 + (0.02 if n < 100 else 0.05))
        if n == 103:
            assert delays.newest_s == pytest.approx(0.03)
    assert delays.newest_s == pytest.approx(0)


events = st.lists(
    st.tuples(
        st.integers(0, 40),  # packets sent before
        st.integers(0, 0xFFFF),
        st.lists(st.none() | st.floats(-1e7, 1e7), min_size=1, max_size=30),
        st.floats(0, 3.0),
    ),
    max_size=25,
)


@given(events)
def test_no_feedback_breaks_the_estimator(reports: list[tuple[int, int, list[float | None], float]]) -> None:
    """The reports may be on packets that were never sent, from any clock, in any order."""
    estimator = BandwidthEstimator(max_bps=20 * M)
    now_s, sequence = 100.0, 65_500
    for count, base, fates, elapsed_s in reports:
        for _ in range(count):
            estimator.on_packet_sent(sequence, 1200, now_s)
            sequence = (sequence + 1) & 0xFFFF
        now_s += elapsed_s
        near = (sequence - base % 64) & 0xFFFF
        packets = tuple(Arrival((near + n) & 0xFFFF, fate) for n, fate in enumerate(fates))
        estimator.on_feedback(Feedback(near, packets), now_s)
        assert estimator.min_bps <= estimator.target_bps <= estimator.max_bps
        assert 0 <= estimator.loss_ratio <= 1
        assert estimator.queueing_s >= 0
