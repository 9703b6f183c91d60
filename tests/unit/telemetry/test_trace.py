"""The times of frames, and the offset between the two clocks."""

from __future__ import annotations

import pytest

from display_server.telemetry.trace import FRAMES_MAX, PERIOD_S, ClockOffset, FrameTimes, FrameTraces

TIMES = FrameTimes(10.0, 10.001, 10.002)


def _send(traces: FrameTraces, epoch: int, sent_s: float) -> None:
    traces.on_sent(epoch, TIMES, encoded_s=sent_s - 0.001, sent_s=sent_s, tiles=3, size_bytes=99)


def test_the_offset_is_the_middle_of_the_bounds_of_both_directions() -> None:
    clock = ClockOffset()
    assert clock.offset_ms is None
    clock.add_message(1000.0, 5.010)  # agent − viewer = 4000 ms + at most 10 ms of latency
    assert clock.offset_ms == pytest.approx(4010)
    clock.add_delivery(5.000, 1002.0, 5.020)  # agent − viewer ≥ 3998 ms
    assert clock.offset_ms == pytest.approx(4004)
    clock.add_message(1100.0, 5.150)  # a slow message does not improve the bound
    assert clock.offset_ms == pytest.approx(4004)
    clock.add_message(1200.0, 5.2005)
    assert clock.offset_ms == pytest.approx((4000.5 + 3998) / 2)


def test_the_offset_follows_clocks_that_drift() -> None:
    clock = ClockOffset()
    clock.add_message(0.0, 1.0)
    for number in range(1, 4):
        clock.add_message(number * PERIOD_S * 1000, 1.5 + number * PERIOD_S)
    assert clock.offset_ms == pytest.approx(1500)


def test_a_frame_has_all_its_times() -> None:
    traces = FrameTraces()
    _send(traces, 1, 10.005)
    frame = traces.on_acked(1, 106.0, 107.0, 109.0, 10.010)
    assert frame is not None
    assert (frame.damaged, frame.captured, frame.diffed, frame.sent) == (10000, 10001, 10002, 10005)
    assert frame.received is not None
    assert frame.shown is not None
    assert frame.sent <= frame.received <= frame.shown <= frame.acked
    assert traces.take_acked() == [frame]
    assert traces.take_acked() == []


def test_acknowledgements_of_unknown_and_skipped_epochs() -> None:
    traces = FrameTraces()
    for epoch in (1, 2, 3):
        _send(traces, epoch, 10.0 + epoch)
    assert traces.on_acked(9, 0.0, 0.0, 0.0, 20.0) is None
    _send(traces, 10, 20.0)
    assert traces.on_acked(10, 0.0, 0.0, 0.0, 21.0) is not None
    assert traces.on_acked(2, 0.0, 0.0, 0.0, 22.0) is None


def test_acknowledged_frames_are_bounded() -> None:
    traces = FrameTraces()
    for epoch in range(1, 2 * FRAMES_MAX):
        _send(traces, epoch, 10.0)
        traces.on_acked(epoch, 0.0, 0.0, 0.0, 10.0)
    frames = traces.take_acked()
    assert len(frames) == FRAMES_MAX
    assert frames[-1].epoch == 2 * FRAMES_MAX - 1
