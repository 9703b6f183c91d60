"""The pacer: an even stream of whole frames in a bounded queue, retransmissions first, probes on request."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.transport.webrtc.history import Probe
from display_server.agent.transport.webrtc.pacer import BURST_S, PACE, QUEUE_MAX_S, Departure, Group, Pacer

TARGET_BPS = 8e6  # 1000 bytes a ms
PACE_BYTES_PER_S = PACE * TARGET_BPS / 8


@dataclass(frozen=True, slots=True)
class Numbered:
    frame: int
    index: int
    size_bytes: int = 1000


def frame_of(number: int, packets: int, *, keyframe: bool = False) -> Group[Numbered]:
    return Group(tuple(Numbered(number, index) for index in range(packets)), keyframe)


def drain(pacer: Pacer[Numbered], now_s: float = 0.0) -> list[tuple[float, Departure[Numbered]]]:
    """Returns everything that is queued, and when it leaves if the caller is on time."""
    departures: list[tuple[float, Departure[Numbered]]] = []
    while (due_s := pacer.next_due_s) is not None:
        # A little later, because rounding may put the due time just before the exact one.
        now_s = max(now_s, due_s) + 1e-9
        departures += [(now_s, departure) for departure in pacer.take_due(now_s)]
    return departures


def order(departures: list[tuple[float, Departure[Numbered]]]) -> list[tuple[int, int]]:
    return [(d.packet.frame, d.packet.index) for _, d in departures]


def test_packets_leave_evenly() -> None:
    pacer = Pacer[Numbered](TARGET_BPS)
    assert pacer.next_due_s is None
    assert pacer.add(frame_of(0, 60), 0.0)
    departures = drain(pacer)
    assert order(departures) == [(0, index) for index in range(60)]
    times_s = [at_s for at_s, _ in departures]
    gaps_s = [after - before for before, after in pairwise(times_s)]
    assert gaps_s == pytest.approx([1000 / PACE_BYTES_PER_S] * 59, rel=1e-3)
    assert (pacer.counters.groups_sent, pacer.counters.packets_sent) == (1, 60)
    assert pacer.counters.bytes_sent == 60_000
    assert pacer.queue_bytes == 0
    assert pacer.next_due_s is None


def test_a_late_timer_is_made_up_for_within_limits() -> None:
    pacer = Pacer[Numbered](TARGET_BPS)
    pacer.add(frame_of(0, 100), 0.0)
    assert len(pacer.take_due(0.0)) == 1
    assert len(pacer.take_due(1.0)) == int(BURST_S * PACE_BYTES_PER_S / 1000) + 1


def test_retransmissions_go_first_and_within_the_budget() -> None:
    pacer = Pacer[Numbered](TARGET_BPS)
    pacer.add(frame_of(0, 4), 0.0)
    first = pacer.take_due(0.0)
    pacer.retransmit(Numbered(9, 0), 0.0)
    departures = drain(pacer)
    assert order([(0.0, d) for d in first] + departures) == [(0, 0), (9, 0), (0, 1), (0, 2), (0, 3)]
    assert [d.retransmission for _, d in departures] == [True, False, False, False]
    assert pacer.counters.retransmissions_sent == 1


def test_too_many_retransmissions_lose_the_oldest() -> None:
    pacer = Pacer[Numbered](TARGET_BPS)
    room = int(QUEUE_MAX_S * TARGET_BPS / 8 / 1000)
    for index in range(room + 5):
        pacer.retransmit(Numbered(9, index), 0.0)
    assert pacer.counters.retransmissions_dropped == 5
    assert order(drain(pacer))[0] == (9, 5)


def test_an_overflow_drops_waiting_frames_and_requests_a_keyframe() -> None:
    pacer = Pacer[Numbered](TARGET_BPS)
    assert pacer.add(frame_of(0, 100), 0.0)
    pacer.take_due(0.0)
    assert pacer.add(frame_of(1, 100), 0.0)
    assert not pacer.add(frame_of(2, 100), 0.0)
    assert pacer.keyframe_wanted
    assert not pacer.add(frame_of(3, 1), 0.0), "it depends on a dropped frame"
    assert pacer.counters.groups_dropped == 3
    assert pacer.add(frame_of(4, 50, keyframe=True), 0.0)
    assert not pacer.keyframe_wanted
    assert pacer.add(frame_of(5, 1), 0.0)
    sent = order(drain(pacer))
    assert [number for number, index in sent if index == 0] == [4, 5]
    assert sent[:99] == [(0, index) for index in range(1, 100)], "a frame that has begun is finished"


def test_a_keyframe_displaces_older_frames() -> None:
    pacer = Pacer[Numbered](TARGET_BPS)
    pacer.add(frame_of(0, 150), 0.0)
    pacer.add(frame_of(1, 50), 0.0)
    assert pacer.add(frame_of(2, 150, keyframe=True), 0.0)
    assert not pacer.keyframe_wanted
    assert {number for number, _ in order(drain(pacer))} == {2}


def test_a_frame_larger_than_the_bound_is_sent() -> None:
    pacer = Pacer[Numbered](TARGET_BPS)
    assert pacer.add(frame_of(0, 900, keyframe=True), 0.0)
    assert len(drain(pacer)) == 900
    assert not pacer.keyframe_wanted


def test_a_fallen_target_shortens_the_queue() -> None:
    pacer = Pacer[Numbered](TARGET_BPS)
    for number in range(4):
        pacer.add(frame_of(number, 50), 0.0)
    pacer.take_due(0.0)
    assert pacer.queue_s == pytest.approx(0.199)
    pacer.retarget(TARGET_BPS / 10, 0.001)
    assert pacer.keyframe_wanted
    assert pacer.counters.groups_dropped == 3
    assert order(drain(pacer, 0.001)) == [(0, index) for index in range(1, 50)]


def test_a_rate_and_packets_are_required() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Pacer[Numbered](TARGET_BPS).retarget(0, 0.0)
    with pytest.raises(ValueError, match="no packets"):
        Pacer[Numbered](TARGET_BPS).add(Group(()), 0.0)


# Probes.

PROBE = Probe(number=1, rate_bps=2 * TARGET_BPS, size_bytes=20_000, least_packets=5)


def test_a_probe_leaves_at_its_own_rate() -> None:
    pacer = Pacer[Numbered](TARGET_BPS)
    pacer.retarget(TARGET_BPS, 0.0, PROBE)
    pacer.add(frame_of(0, 40), 0.0)
    departures = drain(pacer)
    assert [d.probe for _, d in departures] == [1] * 20 + [None] * 20
    assert departures[19][0] - departures[0][0] == pytest.approx(19_000 * 8 / PROBE.rate_bps, rel=1e-3)
    assert departures[39][0] - departures[20][0] == pytest.approx(19_000 / PACE_BYTES_PER_S, rel=1e-3)
    assert pacer.counters.probes == 1
    pacer.add(frame_of(1, 40), 1.0)
    assert {d.probe for _, d in drain(pacer, 1.0)} == {None}, "a probe runs once"


def test_a_probe_waits_for_a_large_frame() -> None:
    pacer = Pacer[Numbered](TARGET_BPS)
    pacer.retarget(TARGET_BPS, 0.0, PROBE)
    pacer.add(frame_of(0, 4), 0.0)
    assert {d.probe for _, d in drain(pacer)} == {None}
    pacer.add(frame_of(1, 5), 1.0)
    assert {d.probe for _, d in drain(pacer, 1.0)} == {1}


def test_a_probe_ends_with_its_request_and_with_the_queue() -> None:
    pacer = Pacer[Numbered](TARGET_BPS)
    pacer.retarget(TARGET_BPS, 0.0, PROBE)
    pacer.add(frame_of(0, 40), 0.0)
    assert [d.probe for d in pacer.take_due(0.0)] == [1]
    pacer.retarget(TARGET_BPS, 0.001, None)
    assert {d.probe for _, d in drain(pacer, 0.001)} == {None}
    pacer.retarget(TARGET_BPS, 1.0, Probe(2, 2 * TARGET_BPS, 20_000))
    pacer.add(frame_of(1, 6), 1.0)
    drain(pacer, 1.0)
    pacer.add(frame_of(2, 6), 1.1)
    assert {d.probe for _, d in drain(pacer, 1.1)} == {None}


# Whatever happens.

actions = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "take_due", "take_due", "retransmit", "retarget", "probe"]),
        st.floats(0, 0.05),
        st.integers(1, 60),
        st.booleans(),
    ),
    max_size=80,
)


@given(actions)
def test_the_budget_and_the_order_are_always_kept(
    acted: list[tuple[str, float, int, bool]],
) -> None:
    pacer = Pacer[Numbered](TARGET_BPS)
    now_s, added, repeats, probes = 0.0, 0, 0, 0
    earned_bytes = burst_bytes = 0.0
    departures: list[Departure[Numbered]] = []
    whole: dict[int, int] = {}
    for action, elapsed_s, count, flag in acted:
        earned_bytes += elapsed_s * pacer.rate_bps / 8
        burst_bytes = max(burst_bytes, BURST_S * pacer.rate_bps / 8)
        now_s += elapsed_s
        if action == "add":
            group = frame_of(added, count, keyframe=flag)
            whole[added] = count
            added += 1
            pacer.add(group, now_s)
        elif action == "retransmit":
            pacer.retransmit(Numbered(-1, repeats), now_s)
            repeats += 1
        elif action == "due":
            departures += pacer.take_due(now_s)
        else:
            probes += action == "probe"
            probe = Probe(probes, 40e6, 1000 * count) if action == "probe" else None
            pacer.retarget(count * 0.3e6, now_s, probe)
            # A rate that rose within `take_due` counts from then on.
        sent_bytes = sum(d.packet.size_bytes for d in departures)
        assert sent_bytes <= earned_bytes + burst_bytes + 1000
        bound_bytes = QUEUE_MAX_S * pacer.rate_bps / 8
        assert pacer.queue_bytes <= 2 * bound_bytes + 2 * 60_000
    departures += [d for _, d in drain(pacer, now_s)]

    once = [(d.packet.frame, d.packet.index) for d in departures if not d.retransmission]
    assert once == sorted(once), "in order"
    begun = {number for number, _ in once}
    assert all(sum(1 for number, _ in once if number == n) == whole[n] for n in begun), (
        "a frame is sent completely or not at all"
    )
    counters = pacer.counters
    assert counters.groups_added == added == counters.groups_sent + counters.groups_dropped
    assert counters.retransmissions_sent + counters.retransmissions_dropped == repeats
    again = [d.packet.index for d in departures if d.retransmission]
    assert again == sorted(again)
