"""Frames' times on one clock."""

from __future__ import annotations

import pytest

from display_server.telemetry.trace import EPOCH_S, FRAMES_MAX, ClockOffset, FrameTraces, Stages

STAGES = Stages(10.0, 10.001, 10.002)


def _send(traces: FrameTraces, epoch: int, sent_s: float) -> None:
    traces.sent(epoch, STAGES, encoded_s=sent_s - 0.001, sent_s=sent_s, tiles=3, size_bytes=99)


def test_offset_lies_between_what_the_two_ways_allow() -> None:
    clock = ClockOffset()
    assert clock.offset_ms is None
    clock.heard(1000.0, 5.010)  # ours − theirs = 4000 + up to 10 ms of way
    assert clock.offset_ms == pytest.approx(4010)
    clock.timed(5.000, 1002.0, 5.020)  # ours − theirs ≥ 3998
    assert clock.offset_ms == pytest.approx(4004)
    clock.heard(1100.0, 5.150)  # a slow ping says nothing new
    assert clock.offset_ms == pytest.approx(4004)
    clock.heard(1200.0, 5.2005)
    assert clock.offset_ms == pytest.approx((4000.5 + 3998) / 2)


def test_clocks_that_drift_are_followed() -> None:
    clock = ClockOffset()
    clock.heard(0.0, 1.0)
    for number in range(1, 4):
        clock.heard(number * EPOCH_S * 1000, 1.5 + number * EPOCH_S)
    assert clock.offset_ms == pytest.approx(1500)


def test_a_frame_has_all_its_times() -> None:
    traces = FrameTraces()
    _send(traces, 1, 10.005)
    frame = traces.acked(1, 106.0, 107.0, 109.0, 10.010)
    assert frame is not None
    assert (frame.damaged, frame.captured, frame.diffed, frame.sent) == (10000, 10001, 10002, 10005)
    assert frame.received is not None
    assert frame.shown is not None
    assert frame.sent <= frame.received <= frame.shown <= frame.acked
    assert traces.take() == [frame]
    assert traces.take() == []


def test_unknown_and_skipped_epochs() -> None:
    traces = FrameTraces()
    for epoch in (1, 2, 3):
        _send(traces, epoch, 10.0 + epoch)
    assert traces.acked(9, 0.0, 0.0, 0.0, 20.0) is None
    _send(traces, 10, 20.0)
    assert traces.acked(10, 0.0, 0.0, 0.0, 21.0) is not None
    assert traces.acked(2, 0.0, 0.0, 0.0, 22.0) is None


def test_what_nobody_takes_is_bounded() -> None:
    traces = FrameTraces()
    for epoch in range(1, 2 * FRAMES_MAX):
        _send(traces, epoch, 10.0)
        traces.acked(epoch, 0.0, 0.0, 0.0, 10.0)
    frames = traces.take()
    assert len(frames) == FRAMES_MAX
    assert frames[-1].epoch == 2 * FRAMES_MAX - 1
